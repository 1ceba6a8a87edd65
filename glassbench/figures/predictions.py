"""Figures of one request: parity, two classes, particles in a slice, a turned structure, scores."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..contract.units import UNITS
from ..datasets.pairs import pair_distances
from ..datasets.view import View
from ..home.workspace import Workspace
from ..metrics import MetricSpecification, pearson, select_pairs, select_particles
from ..model import Condition, Structure
from ..structure.pair_distribution import mean_spacing
from ..trial.predictions import read_predictions
from ..trial.result import TrialResult
from .canvas import FLOORS, MODEL, in_symbols, label, new_figure, save_figure
from .scores import draw_scores

SQUARES, BINS_OF_CLASSES = 80, 50
DIAMETERS = (0.95, 0.8)


def draw_parity(
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    task: Task,
    title: str,
    path: Path,
) -> Path:
    """Draw predicted against true values, as numbers of particles in small squares.

    Both hold an array (N_c,) for each configuration, of the particles or pairs that count.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator

    truth, prediction = np.concatenate(truths), np.concatenate(predictions)
    target = task.targets[task.target]
    name = target.name.replace("_", " ")
    figure = new_figure(5.0, 4.2)
    axis = figure.subplots()
    # The last 0.1 % at each end lie outside.
    ends = np.percentile([truth, prediction], [0.1, 99.9], axis=1)
    low, high = float(ends[0].min()), float(ends[1].max())
    margin = 0.03 * (high - low) or 1.0
    limits = low - margin, high + margin
    *_, bins = axis.hist2d(
        truth,
        prediction,
        bins=(even_edges(truth, limits), even_edges(prediction, limits)),
        cmin=1,
        cmap="viridis",
        norm=LogNorm(),
    )
    axis.plot(limits, limits, color="black", linewidth=0.8, linestyle="--")
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    axis.set_xlabel(label(f"true {name}", target.unit))
    axis.set_ylabel(label(f"predicted {name}", target.unit))
    rho = pearson(prediction, truth)
    words = f"Pearson {rho:.3f}" if np.isfinite(rho) else "Pearson undefined"
    words = f"{words}, pooled\n{len(truth)} {target.per}s"
    axis.text(0.03, 0.97, words, va="top", fontsize=9, transform=axis.transAxes)
    axis.set_title(title, fontsize=10)
    ticks = LogLocator(subs=(1, 2, 5))
    bar = figure.colorbar(
        bins, ax=axis, label=f"{target.per}s", shrink=0.85, ticks=ticks, format="%d"
    )
    bar.minorticks_off()
    return save_figure(figure, path)


def draw_classes(
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    task: Task,
    title: str,
    path: Path,
) -> Path:
    """Draw the distributions of the prediction over the positive and the negative particles.

    Labels of 0 and 1, and predicted scores, are an array (N_c,) for each structure.
    """
    positive, prediction = np.concatenate(truths) > 0.5, np.concatenate(predictions)
    figure = new_figure(5.0, 3.6)
    axis = figure.subplots()
    ends = np.percentile(prediction, [0.05, 99.95])
    if ends[0] == ends[1]:
        ends = ends[0] + np.array([-0.5, 0.5])
    edges = np.linspace(ends[0], ends[1], BINS_OF_CLASSES + 1)
    for members, colour, name in (
        (~positive, MODEL, "negative"),
        (positive, FLOORS[0], "positive"),
    ):
        if members.any():
            axis.hist(
                np.clip(prediction[members], edges[0], edges[-1]),
                bins=edges.tolist(),
                weights=np.full(members.sum(), 1 / members.sum()),
                color=colour,
                alpha=0.55,
                label=f"{name}, {members.sum()} particles",
            )
    axis.set_xlabel(f"predicted {task.target.replace('_', ' ')}")
    axis.set_ylabel("share of the class")
    axis.legend(fontsize=8, frameon=False)
    axis.set_title(title, fontsize=10)
    return save_figure(figure, path)


def even_edges(values: np.ndarray, limits: tuple[float, float], bins: int = SQUARES) -> np.ndarray:
    """Return edges of bins between limits; values that are stored in steps fill bins evenly."""
    low, high = limits
    width = (high - low) / bins
    levels = np.unique(values)
    if 1 < len(levels) < 10 * bins:
        step = float(np.diff(levels).min())
        width = step * math.ceil(width / step)
        low = levels[0] - step / 2 + width * math.floor((low - levels[0]) / width)
    return low + width * np.arange(math.ceil((high - low) / width) + 1)


def draw_slice(
    structure: Structure,
    panels: Mapping[str, np.ndarray],
    task: Task | None,
    title: str,
    path: Path,
    own_scales: bool = False,
    depth: float = 0.5,
) -> Path:
    """Draw values (N,) of the particles in a slice, a panel for each name.

    The scale of colours is that of the first panel, or each panel has its own. In three dimensions
    the slice is one mean distance thick, at a share of the third axis. Values that are no target
    of a task have no unit; what is not finite is not drawn.
    """
    from matplotlib.collections import EllipseCollection

    positions = structure.positions % structure.box
    spacing = mean_spacing(structure)
    chosen = np.ones(len(positions), dtype=bool)
    if len(structure.box) == 3:
        off = positions[:, 2] - depth * structure.box[2]
        off -= structure.box[2] * np.round(off / structure.box[2])
        chosen = np.abs(off) < spacing / 2
    diameters = spacing * np.take(DIAMETERS, np.minimum(structure.species[chosen], 1))
    target = task.targets[task.target] if task else None
    text, unit = "", ""
    if target:
        text = label(target.name.replace("_", " "), target.unit)
        unit = target.unit if target.unit in {s["length"] for s in UNITS.values()} else ""
    first = next(iter(panels.values()))
    figure = new_figure(1.0 + 4.1 * len(panels), 4.3)
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharex=True, sharey=True))
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        particles = EllipseCollection(
            diameters,
            diameters,
            np.zeros(len(diameters)),
            units="xy",
            offsets=positions[chosen, :2],
            transOffset=axis.transData,
            array=values[chosen],
            cmap="viridis",
            clim=(0, 1)
            if target and target.label_of and not own_scales
            else np.nanpercentile(values if own_scales else first, [1, 99]),
            edgecolors="black",
            linewidths=0.2,
        )
        drawn = axis.add_collection(particles)
        axis.set(xlim=(0, structure.box[0]), ylim=(0, structure.box[1]), aspect="equal")
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(label("x", unit))
        if own_scales:
            figure.colorbar(drawn, ax=axis, extend="both", shrink=0.85, label=text)
    axes[0].set_ylabel(label("y", unit))
    if not own_scales:
        around = axes.tolist()
        figure.colorbar(drawn, ax=around, extend="both", shrink=0.85, pad=0.02, label=text)
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


def draw_request(record: Mapping[str, Any], task: Task, folder: Path) -> list[Path]:
    """Draw the scores of a record, and the rotation probe of each condition that has one."""
    paths = [draw_scores(record, task, folder / f"{task.primary_metric.name}.png")]
    for entry in record["conditions"]:
        if "rotation_probe" in entry:
            condition = Condition.of(**entry["condition"])
            title = _title(record["model"]["title"], task, condition)
            path = folder / f"rotation_{_file_name(condition)}.png"
            paths.append(draw_rotation(entry["rotation_probe"], title, path))
    return paths


def draw_trial(
    result: TrialResult,
    task: Task,
    view: View,
    model: ModelCard,
    workspace: Workspace,
    folder: Path,
) -> list[Path]:
    """Draw, at each condition of a trial, parity and (for particles) a slice of one configuration.

    For labels the distributions of the two classes are drawn instead of parity. A figure that is
    newer than the predictions is not drawn again.
    """
    predictions = workspace.trial_folder(result.key) / result.predictions["path"]
    target = task.targets[task.target]
    paths = []
    for scored in result.conditions:
        condition = Condition.of(**scored.condition)
        name = _file_name(condition)
        wanted = [folder / f"{'classes' if target.label_of else 'parity'}_{name}.png"]
        if target.per == "particle":
            wanted.append(folder / f"slice_{name}.png")
        if not all(_is_newer(path, predictions) for path in wanted):
            _draw_condition(predictions, condition, task, view, model, wanted)
        paths += wanted
    return paths


def _file_name(condition: Condition) -> str:
    return re.sub(r"[^\w.=-]+", "_", condition.name)


def _is_newer(path: Path, other: Path) -> bool:
    return path.exists() and path.stat().st_mtime_ns >= other.stat().st_mtime_ns


def _draw_condition(
    predictions: Path,
    condition: Condition,
    task: Task,
    view: View,
    model: ModelCard,
    wanted: list[Path],
) -> None:
    guesses = read_predictions(predictions)[condition.name]
    examples = list(view.examples("test", (condition,)))
    truths, predicted = [], []
    for example in examples:
        chosen = counted(task.primary_metric, example.structure)
        truths.append(example.targets[task.target][chosen])
        predicted.append(guesses[example.structure.configuration][task.target][chosen])
    title = _title(model.title, task, condition)
    draw = draw_classes if task.targets[task.target].label_of else draw_parity
    draw(truths, predicted, task, title, wanted[0])
    if len(wanted) > 1:
        structure, truth = examples[0].structure, examples[0].targets[task.target]
        guess = guesses[structure.configuration][task.target]
        title += f", configuration {structure.configuration}"
        draw_slice(structure, {"true": truth, "predicted": guess}, task, title, wanted[1])


def _title(model: str, task: Task, condition: Condition) -> str:
    return f"{model}, {in_symbols(task, condition)}"


def counted(metric: MetricSpecification, structure: Structure) -> np.ndarray:
    """Return the mask of the particles, or pairs, that a metric counts: all of balanced sets."""
    if metric.particles == "balanced":
        return np.ones(len(structure.species), bool)
    if not metric.on_pairs:
        return select_particles(metric, structure.species)
    pairs = np.asarray(structure.pairs)
    distances = pair_distances(structure.positions, pairs, structure.box)
    return select_pairs(metric, structure.species, pairs, distances)
