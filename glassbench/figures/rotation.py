"""Predictions for single particles as their structure is rotated against its load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .canvas import new_figure, save_figure


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
