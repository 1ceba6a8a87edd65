"""True beside predicted values of the particles in a slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..contract.task import Task
from ..contract.units import UNITS
from ..model import Structure
from ..structure.pair_distribution import mean_spacing
from .canvas import label, new_figure, save_figure

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
    from matplotlib.collections import EllipseCollection

    positions = structure.positions % structure.box
    spacing = mean_spacing(structure)
    chosen = np.ones(len(positions), dtype=bool)
    if len(structure.box) == 3:
        chosen = np.abs(positions[:, 2] - structure.box[2] / 2) < spacing / 2
    diameters = spacing * np.take(DIAMETERS, np.minimum(structure.species[chosen], 1))
    target = task.targets[task.target]
    unit = target.unit if target.unit in {system["length"] for system in UNITS.values()} else ""
    low, high = (0.0, 1.0) if target.label_of else np.percentile(truth, [1, 99])
    figure = new_figure(9.2, 4.3)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for axis, values, name in zip(axes, (truth, prediction), ("true", "predicted"), strict=True):
        particles = EllipseCollection(
            diameters,
            diameters,
            np.zeros(len(diameters)),
            units="xy",
            offsets=positions[chosen, :2],
            transOffset=axis.transData,
            array=values[chosen],
            cmap="viridis",
            clim=(low, high),
            edgecolors="black",
            linewidths=0.2,
        )
        drawn = axis.add_collection(particles)
        axis.set(xlim=(0, structure.box[0]), ylim=(0, structure.box[1]), aspect="equal")
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(label("x", unit))
    axes[0].set_ylabel(label("y", unit))
    bar = figure.colorbar(drawn, ax=axes, extend="both", shrink=0.85, pad=0.02)
    bar.set_label(label(target.name.replace("_", " "), target.unit))
    figure.suptitle(title, fontsize=10)
    return save_figure(figure, path)
