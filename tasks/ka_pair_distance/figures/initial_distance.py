"""Joint density of the distance of A–A neighbours at first and of its change."""

from __future__ import annotations

import numpy as np

from glassbench.contract.units import mathtext
from glassbench.datasets.pairs import pair_distances
from glassbench.figures.canvas import new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.figures.predictions import even_edges
from glassbench.metrics import pearson

SOURCE = "Shiba et al., J. Chem. Phys. 158, 084503 (2023), Fig. 6"
REPORTED = (
    "T = 0.44: a simple anticorrelation up to about 0.1 tau_alpha, with changes ten times "
    "smaller than a particle's radius; it fades, and persists up to tau_alpha"
)
MODELS = False
OPTIONS = {"longest": 1.35}


def draw(given: Given) -> Drawn:
    """Draw a panel for each condition, over the pairs of the training configurations."""
    from matplotlib.colors import LogNorm

    rows, many = [], len(given.conditions)
    figure = new_figure(3.3 * many, 3.3)
    axes = figure.subplots(1, many, squeeze=False, sharex=True)[0]
    for axis, condition in zip(axes, given.conditions, strict=True):
        first, change = [], []
        for example in given.view.examples("train", (condition,)):
            structure = example.structure
            pairs = np.asarray(structure.pairs)
            distances = pair_distances(structure.positions, pairs, structure.box)
            chosen = (structure.species[pairs] == 0).all(axis=1) & (
                distances < given.options["longest"]
            )
            first.append(distances[chosen])
            change.append(example.targets["pair_distance_change"][chosen])
        r, e = np.concatenate(first), np.concatenate(change)
        ends = np.percentile(e, [0.1, 99.9])
        bins = np.linspace(r.min(), given.options["longest"], 81), even_edges(e, (ends[0], ends[1]))
        axis.hist2d(r, e, bins=bins, norm=LogNorm(), cmap="viridis", cmin=1)
        axis.set_title(given.title(condition), fontsize=9)
        axis.set_xlabel(f"$r_{{ij}}(0)$ ({mathtext('sigma_AA')})")
        slope = np.polyfit(r, e, 1)[0]
        tau = given.view.attribute(condition, "tau_alpha")
        rows.append({
            **condition, "t/tau_alpha": condition["time"] / tau if tau else None, "pairs": len(r),
            "pearson": pearson(r, e), "slope": slope, "rms_change": np.sqrt(np.mean(e**2)),
        })  # fmt: skip
    axes[0].set_ylabel(f"$E_{{ij}}(t)$ ({mathtext('sigma_AA')})")
    return Drawn(figure, rows)
