"""Stiffness averaged within a radius, in a slice: true beside predicted."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from glassbench.contract.units import mathtext
from glassbench.figures.canvas import new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import pearson

SOURCE = "Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), Fig. 5"
REPORTED = "averaged within 6 Å, a slice of 4 Å: the maps match almost perfectly"
MODELS = True
OPTIONS = {"radius": 6.0, "thickness": 4.0, "configuration": 0}


def draw(given: Given) -> Drawn:
    """Draw the true map and that of each model in one configuration; numbers are of all of them."""
    (condition,), options, rows = given.conditions[:1], given.options, []
    figure = new_figure(1.0 + 3.7 * (1 + len(given.models)), 3.8)
    axes = figure.subplots(1, 1 + len(given.models), sharex=True, sharey=True)
    for axis, model in zip(axes[1:], given.models, strict=True):
        scores = []
        for number, (example, truth, guess) in enumerate(given.answers(model, condition)):
            structure = example.structure
            coarse = [averaged(v, structure, options["radius"]) for v in (truth, guess)]
            scores.append([pearson(guess, truth), pearson(coarse[1], coarse[0]),
                           coarse[0].std(), coarse[1].std()])  # fmt: skip
            if number != options["configuration"]:
                continue
            limits = tuple(np.percentile(coarse[0], [1, 99]))
            _draw_slice(axes[0], structure, coarse[0], limits, options["thickness"])
            axes[0].set_title(f"true, {structure.configuration}", fontsize=9)
            shown = _draw_slice(axis, structure, coarse[1], limits, options["thickness"])
            axis.set_title(model.card.name, fontsize=9)
        names = ("pearson_per_atom", "pearson_averaged", "spread_true", "spread_predicted")
        rows.append({"model": model.card.name, **dict(zip(names, np.mean(scores, axis=0)))})
    axes[0].set_ylabel(f"y ({mathtext('Angstrom')})")
    unit = mathtext(given.task.targets["stiffness"].unit)
    label = f"stiffness within {options['radius']:g} Å ({unit})"
    figure.colorbar(shown, ax=axes.tolist(), label=label, shrink=0.85)
    return Drawn(figure, rows)


def averaged(values: np.ndarray, structure, radius: float) -> np.ndarray:
    """Return the mean (N,) of values over the atoms within a radius, the atom itself included."""
    positions = structure.positions % structure.box
    tree = cKDTree(positions, boxsize=structure.box)
    return np.array([values[near].mean() for near in tree.query_ball_point(positions, radius)])


def _draw_slice(axis, structure, values, limits, thickness):
    positions = structure.positions % structure.box
    inside = np.abs(positions[:, 2] - structure.box[2] / 2) < thickness / 2
    axis.set(aspect="equal", xlim=(0, structure.box[0]), ylim=(0, structure.box[1]))
    axis.set_xlabel(f"x ({mathtext('Angstrom')})")
    return axis.scatter(
        *positions[inside, :2].T, c=values[inside], s=45, vmin=limits[0], vmax=limits[1],
        cmap="viridis", edgecolors="black", linewidths=0.2,
    )  # fmt: skip
