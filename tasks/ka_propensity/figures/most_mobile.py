"""Which particles move most: how many of them are found, and the scores of both species.

The paper's definition of its accuracy is not in the text at hand. Here it is the share of the
most mobile particles of a type, a `fraction` of them, that the model also ranks among its most
mobile: 1 at best, the fraction itself by chance.
"""

from __future__ import annotations

import numpy as np

from glassbench.figures.canvas import CEILING, FLOORS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import overlap_ratio, pearson

SOURCE = "Bapst et al., Nat. Phys. 16, 448 (2020), Extended Data Fig. 1, 4 to 6"
REPORTED = "curves, of which the published text states no number"
MODELS = True
OPTIONS = {"fraction": 0.1}
COLOURS = (MODEL, *FLOORS)


def draw(given: Given) -> Drawn:
    """Draw the share against time, for each temperature and model."""
    fraction, rows = given.options["fraction"], []
    if not 0 < fraction < 1:
        raise ValueError(f"fraction={fraction} must lie between 0 and 1")
    for model in given.models:
        for condition in given.conditions:
            for kind, name in ((0, "A"), (1, "B")):
                scores = []
                for example, truth, guess in given.answers(model, condition):
                    chosen = example.structure.species == kind
                    y, x = truth[chosen], guess[chosen]
                    top = y >= np.quantile(y, 1 - fraction)
                    scores.append([overlap_ratio(x, y, fraction), pearson(x, y),
                                   pearson(x[top], y[top])])  # fmt: skip
                found, all_of_type, within = np.mean(scores, axis=0)
                row = {"model": model.card.name, **condition, "type": name}
                row |= {"found": found, "pearson": all_of_type, "pearson_within": within}
                rows.append(row)
    figure = new_figure(7.6, 3.4)
    left, right = figure.subplots(1, 2)
    for number, model in enumerate(given.models):
        for style, name in (("o-", "A"), ("s--", "B")):
            own = [r for r in rows if r["model"] == model.card.name and r["type"] == name]
            x, colour = [row["time"] for row in own], COLOURS[number % len(COLOURS)]
            label = f"{model.card.name}, type {name}"
            left.semilogx(x, [r["found"] for r in own], style, color=colour, label=label)
            right.semilogx(x, [r["pearson"] for r in own], style, color=colour)
    left.axhline(fraction, color=CEILING, linewidth=0.8, linestyle=":", label="by chance")
    left.set(xlabel="t", ylabel=f"share found of the {fraction:.0%} most mobile", ylim=(0, 1))
    right.set(xlabel="t", ylabel="Pearson", ylim=(0, 1))
    left.legend(fontsize=7, frameon=False)
    return Drawn(figure, rows, [f"found: by chance {fraction:g}; means over test configurations"])
