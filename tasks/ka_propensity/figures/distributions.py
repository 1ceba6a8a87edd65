"""Distribution of the propensity, predicted beside true, for both types of particles."""

from __future__ import annotations

import numpy as np

from glassbench.contract.units import mathtext
from glassbench.figures.canvas import FLOORS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.figures.predictions import even_edges

SOURCE = "Bapst et al., Nat. Phys. 16, 448 (2020), Extended Data Fig. 7"
REPORTED = "distributions, of which the published text states no number"
MODELS = True
OPTIONS = {"bins": 60}


def draw(given: Given) -> Drawn:
    """Draw a panel for each model and condition."""
    many = len(given.conditions)
    figure, rows = new_figure(3.4 * many, 3.0 * len(given.models)), []
    axes = figure.subplots(len(given.models), many, squeeze=False)
    for row_of_axes, model in zip(axes, given.models, strict=True):
        for axis, condition in zip(row_of_axes, given.conditions, strict=True):
            parts = list(given.answers(model, condition))
            species = np.concatenate([example.structure.species for example, _, _ in parts])
            truth, guess = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
            ends = np.percentile(truth, [0.05, 99.9])
            edges = even_edges(truth, (ends[0], ends[1]), given.options["bins"])
            for kind, name, colour in ((0, "A", MODEL), (1, "B", FLOORS[0])):
                own = species == kind
                for values, word, style in ((truth, "true", "-"), (guess, "predicted", "--")):
                    density, _ = np.histogram(values[own], edges, density=True)
                    middles = (edges[1:] + edges[:-1]) / 2
                    axis.plot(middles, density, style, color=colour, label=f"{name}, {word}")
                    rows.append(_moments(values[own], model.card.name, condition, name, word))
            axis.set_title(f"{model.card.name}, {given.title(condition)}", fontsize=9)
            axis.set_xlabel(f"propensity ({mathtext(given.task.targets[given.task.target].unit)})")
            axis.set_yscale("log")
    axes[0, 0].set_ylabel("density")
    axes[0, 0].legend(fontsize=7, frameon=False)
    return Drawn(
        figure, rows, ["a fit of least squares has a narrower distribution than the truth"]
    )


def _moments(values, model, condition, name, word) -> dict:
    deviation = values - values.mean()
    low, middle, high = np.percentile(values, [10, 50, 90])
    return {
        "model": model, **condition, "type": name, "values": word,
        "mean": values.mean(), "spread": values.std(),
        "skewness": np.mean(deviation**3) / values.std() ** 3 if values.std() else np.nan,
        "10%": low, "50%": middle, "90%": high,
    }  # fmt: skip
