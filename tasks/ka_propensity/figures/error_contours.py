"""Contours of the prediction error over the averaged displacements, in a slice.

Whether the contours run along the displacements is said by the error itself: along them it changes
less than across. C(r) = <e_i e_j> - <e>^2 over its variance, of pairs at a distance r whose
direction lies within 30 degrees of the averaged displacement u_i (along), or at least 60 degrees
from it (across). Displacements are those of `displacement_field`, of the first test configuration.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from glassbench.contract.units import mathtext
from glassbench.figures.canvas import new_figure
from glassbench.figures.given import Drawn, Given

from .displacement_field import averaged, simulated

SOURCE = "Shiba et al., J. Chem. Phys. 158, 084503 (2023), Fig. 7d-f"
REPORTED = (
    "T = 0.44, NT-GNN: averaged displacements tend to be parallel with the contour lines of the "
    "error, above all where they are aligned"
)
MODELS = True
OPTIONS = {"trajectories": 8, "step": 0.005, "reach": 1.35, "thickness": 1.2}
DISTANCES = (1, 2, 3)
ALONG, ACROSS = np.cos(np.deg2rad([30, 60]))


def draw(given: Given) -> Drawn:
    """Draw one panel for each model and condition."""
    options, rows = given.options, []
    fields = {}
    for condition in given.conditions:
        positions, box, moves = simulated(given, condition)
        field = averaged(moves.mean(axis=0), positions, box, options["reach"])
        fields[condition] = positions, box, field
    panels = [(model, condition) for model in given.models for condition in given.conditions]
    figure = new_figure(0.6 + 4.2 * len(panels), 4.2)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (model, condition) in zip(axes, panels, strict=True):
        positions, box, field = fields[condition]
        _, truth, guess = next(given.answers(model, condition))
        error = averaged(guess - truth, positions, box, options["reach"])
        shown = np.abs(positions[:, 2] - box[2] / 2) < options["thickness"] / 2
        limit = np.percentile(np.abs(error), 98)
        levels = np.linspace(-limit, limit, 9)
        contours = axis.tricontourf(
            *positions[shown, :2].T, error[shown], levels, cmap="coolwarm", extend="both"
        )
        axis.quiver(*positions[shown, :2].T, *field[shown, :2].T, angles="xy", width=0.004)
        title = f"{model.card.name}\n{given.title(condition)}"
        axis.set(xlim=(0, box[0]), ylim=(0, box[1]), aspect="equal", title=title)
        axis.set_xlabel(f"x ({mathtext('sigma_AA')})")
        axis.set_ylabel(f"y ({mathtext('sigma_AA')})")
        unit = mathtext(given.task.targets[given.task.target].unit)
        figure.colorbar(contours, ax=axis, label=f"error ({unit})", shrink=0.8)
        row = {"model": model.card.name, "condition": given.title(condition)}
        for distance in DISTANCES:
            along, across = directed_correlation(guess - truth, field, positions, box, distance)
            row |= {f"along_at_{distance}": along, f"across_at_{distance}": across}
        rows.append(row)
    return Drawn(figure, rows, ["correlation of the error at r, along and across the displacement"])


def directed_correlation(
    error: np.ndarray, field: np.ndarray, positions: np.ndarray, box: np.ndarray, distance: float
) -> tuple[float, float]:
    """Return C at a distance, within 0.25 of it, for pairs along and across the field (N, 3)."""
    pairs = cKDTree(positions, boxsize=box).query_pairs(distance + 0.25, output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    away = positions[pairs[:, 1]] - positions[pairs[:, 0]]
    away -= box * np.rint(away / box)
    lengths = np.linalg.norm(away, axis=1)
    far = lengths > distance - 0.25
    pairs, away, lengths = pairs[far], away[far], lengths[far]
    start = field[pairs[:, 0]]
    cosine = np.abs((away * start).sum(axis=1)) / lengths / np.linalg.norm(start, axis=1)
    excess = error - error.mean()
    products = excess[pairs[:, 0]] * excess[pairs[:, 1]] / excess.var()
    return float(products[cosine > ALONG].mean()), float(products[cosine < ACROSS].mean())
