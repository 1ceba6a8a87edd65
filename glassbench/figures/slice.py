"""Values of single particles: in a slice, and as their structure is rotated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    """Draw true and predicted values (N,) of the particles in a slice, on one scale of colours.

    In three dimensions it is one mean distance thick, through the middle of the third axis.
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


def draw_rotation(probe: Mapping[str, Any], title: str, path: Path) -> Path:
    """Draw predictions against the angle; `probe` is `rotation_probe` of a record's condition."""
    curves = probe["curves"]
    angles = np.deg2rad([*curves["degrees"], curves["degrees"][0] + 360])
    figure = new_figure(4.4, 4.6)
    axis = figure.subplots(subplot_kw={"projection": "polar"})
    for particle, values in zip(curves["particles"], curves["values"], strict=True):
        closed = [*values, values[0]]
        axis.plot(angles, closed, marker="o", markersize=3, label=f"particle {particle}")
    if curves["particles"]:
        axis.legend(fontsize=7, loc="lower right", frameon=False)
    value, interval = probe["value"], probe["interval"]
    words = "no positive" if value is None else f"P(0)+P(180)−P(90)−P(270) = {value:.3f}"
    if interval:
        words += f" [{interval[0]:.3f}, {interval[1]:.3f}]"
    axis.set_title(f"{title}\n{words}", fontsize=9)
    return save_figure(figure, path)
