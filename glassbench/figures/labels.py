"""Figures of labels: how a model separates the classes, and what it predicts as the load turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.task import Task
from .canvas import new_figure, save_figure

POSITIVE, NEGATIVE = "#d55e00", "#0072b2"
BINS = 50


def draw_classes(
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    task: Task,
    title: str,
    path: Path,
) -> Path:
    """Draw the distributions of the prediction over the positive and the negative particles.

    Parameters
    ----------
    truths, predictions : one array (N_c,) for each structure, labels of 0 and 1, and scores
    """
    positive, prediction = np.concatenate(truths) > 0.5, np.concatenate(predictions)
    name = task.target.replace("_", " ")
    figure = new_figure(5.0, 3.6)
    axis = figure.subplots()
    edges = np.linspace(np.percentile(prediction, 0.05), np.percentile(prediction, 99.95), BINS + 1)
    if edges[0] == edges[-1]:
        edges = edges[0] + np.linspace(-0.5, 0.5, BINS + 1)
    for members, colour, title_of_class in (
        (~positive, NEGATIVE, "negative"),
        (positive, POSITIVE, "positive"),
    ):
        if members.any():
            count = int(members.sum())
            weights = np.full(count, 1 / count)
            axis.hist(
                np.clip(prediction[members], edges[0], edges[-1]),
                bins=edges.tolist(),
                weights=weights,
                color=colour,
                alpha=0.55,
                label=f"{title_of_class}, {count} particles",
            )
    axis.set_xlabel(f"predicted {name}")
    axis.set_ylabel("share of the class")
    axis.legend(fontsize=8, frameon=False)
    axis.set_title(title, fontsize=10)
    return save_figure(figure, path)


def draw_rotation(probe: Mapping[str, Any], title: str, path: Path) -> Path:
    """Draw predictions against the angle by which a structure is rotated against its load.

    Parameters
    ----------
    probe : `rotation_probe` of a record's condition
    """
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
