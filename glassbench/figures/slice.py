"""True beside predicted values of the particles in a slice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..contract.task import Task
from ..contract.units import UNITS
from ..model import Structure
from .canvas import label, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection

DIAMETERS = (0.95, 0.8)


def draw_slice(
    structure: Structure,
    truth: np.ndarray,
    prediction: np.ndarray,
    task: Task,
    title: str,
    path: Path,
) -> Path:
    """Draw true and predicted values of the particles in a slice, on one scale of colours.

    Parameters
    ----------
    structure : in three dimensions the slice is one mean distance thick, through
        the middle of the third axis
    truth, prediction : (N,), unit of the task's target
    """
    positions = structure.positions % structure.box
    spacing = float(np.prod(structure.box) / len(positions)) ** (1 / len(structure.box))
    chosen = np.ones(len(positions), dtype=bool)
    if len(structure.box) == 3:
        chosen = np.abs(positions[:, 2] - structure.box[2] / 2) < spacing / 2
    diameters = spacing * np.take(DIAMETERS, np.minimum(structure.species[chosen], 1))
    target = task.targets[task.target]
    low, high = (0.0, 1.0) if target.label_of else np.percentile(truth, [1, 99])
    figure = new_figure(9.2, 4.3)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for axis, values, name in zip(axes, (truth, prediction), ("true", "predicted"), strict=True):
        drawn = _draw_particles(axis, positions[chosen], diameters, values[chosen], (low, high))
        axis.set(xlim=(0, structure.box[0]), ylim=(0, structure.box[1]), aspect="equal")
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(label("x", target.unit if _is_length(target.unit) else ""))
    axes[0].set_ylabel(label("y", target.unit if _is_length(target.unit) else ""))
    bar = figure.colorbar(drawn, ax=axes, extend="both", shrink=0.85, pad=0.02)
    bar.set_label(label(target.name.replace("_", " "), target.unit))
    figure.suptitle(title, fontsize=10)
    return save_figure(figure, path)


def _draw_particles(
    axis: Axes,
    positions: np.ndarray,
    diameters: np.ndarray,
    values: np.ndarray,
    limits: tuple[float, float],
) -> Collection:
    from matplotlib.collections import EllipseCollection

    drawn = EllipseCollection(
        diameters,
        diameters,
        np.zeros(len(diameters)),
        units="xy",
        offsets=positions[:, :2],
        transOffset=axis.transData,
        array=values,
        cmap="viridis",
        clim=limits,
        edgecolors="black",
        linewidths=0.2,
    )
    return axis.add_collection(drawn)


def _is_length(unit: str) -> bool:
    return unit in {system["length"] for system in UNITS.values()}
