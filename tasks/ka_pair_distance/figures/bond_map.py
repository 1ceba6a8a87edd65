"""Change of pair distances as coloured bonds in a slice, true beside predicted."""

from __future__ import annotations

import numpy as np

from glassbench.contract.units import mathtext
from glassbench.datasets.pairs import pair_distances
from glassbench.figures.canvas import new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import pearson
from glassbench.structure import minimum_image

SOURCE = "Shiba et al., J. Chem. Phys. 158, 084503 (2023), Fig. 4"
REPORTED = (
    "T = 0.44, bonds with r < 1.35 and 11.1 < z < 11.9: BOTAN finds which pairs part at t = 130, "
    "less well at t = 4120"
)
MODELS = True
OPTIONS = {"longest": 1.35, "thickness": 0.8, "configuration": 0}


def draw(given: Given) -> Drawn:
    """Draw the true map and that of each model, for each condition."""
    options, models = given.options, given.models
    rows = []
    figure = new_figure(1.0 + 3.6 * (1 + len(models)), 3.8 * len(given.conditions))
    axes = figure.subplots(len(given.conditions), 1 + len(models), squeeze=False)
    for row, condition in zip(axes, given.conditions, strict=True):
        for column, model in enumerate(models, start=1):
            parts = list(given.answers(model, condition))
            if not 0 <= options["configuration"] < len(parts):
                raise ValueError(
                    f"configuration={options['configuration']}: there are {len(parts)}"
                )
            example, truth, guess = parts[options["configuration"]]
            shown = _shown(example.structure, options)
            low, high = np.percentile(truth[shown], [2, 98])
            limits = (-max(-low, high), max(-low, high))
            if column == 1:
                _draw_bonds(row[0], example.structure, shown, truth, limits)
                row[0].set_title(f"true, {given.title(condition)}", fontsize=9)
            lines = _draw_bonds(row[column], example.structure, shown, guess, limits)
            row[column].set_title(f"{model.card.name}", fontsize=9)
            rows.append({
                "model": model.card.name, **condition, "bonds": int(shown.sum()),
                "pearson_in_slice": pearson(guess[shown], truth[shown]),
                "rms_true": truth[shown].std(), "rms_predicted": guess[shown].std(),
            })  # fmt: skip
        figure.colorbar(lines, ax=row.tolist(), label=f"$E_{{ij}}$ ({mathtext('sigma_AA')})")
    return Drawn(figure, rows)


def _shown(structure, options) -> np.ndarray:
    """Return the mask of the bonds in the slice through the middle of the box."""
    pairs, box = np.asarray(structure.pairs), structure.box
    short = pair_distances(structure.positions, pairs, box) < options["longest"]
    heights = (structure.positions % box)[:, 2] - box[2] / 2
    return short & (np.abs(heights) < options["thickness"] / 2)[pairs].all(axis=1)


def _draw_bonds(axis, structure, shown, values, limits):
    from matplotlib.collections import LineCollection

    positions, pairs = structure.positions % structure.box, np.asarray(structure.pairs)[shown]
    start = positions[pairs[:, 0]]
    vector = minimum_image(positions[pairs[:, 1]] - start, structure.box)
    segments = np.stack([start, start + vector], axis=1)[:, :, :2]
    lines = LineCollection(
        segments, array=values[shown], cmap="coolwarm", clim=limits, linewidths=2
    )
    axis.add_collection(lines)
    axis.set(xlim=(0, structure.box[0]), ylim=(0, structure.box[1]), aspect="equal")
    axis.set_xlabel(f"x ({mathtext('sigma_AA')})")
    return lines
