"""Figures of a result: score against time, true beside predicted in a slice, and parity."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .metrics import pearson
from .model import Condition, Structure
from .task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008): eight colours that colour-blind readers tell apart.
MODEL = "#0072B2"
FLOORS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
CEILING = "#999999"
MARKERS = "s^Dv<>phX*"
UNITS = {
    "sigma_AA": r"$\sigma_{AA}$",
    "tau": r"$\tau$",
    "epsilon_AA/k_B": r"$\epsilon_{AA}/k_B$",
    "angstrom": "Å",
}
SYMBOLS = {"tau_alpha": r"$\tau_\alpha$"}
RESOLUTION = 150
DIAMETERS = (0.95, 0.8)
BINS = 80


def draw_scores(record: Mapping[str, Any], task: Task, path: Path) -> Path:
    """Draw the primary metric against the last axis of the task, one panel for each other value.

    The model with its 95 % intervals as a full line, floors dashed, what noise
    in the labels puts out of reach shaded, published numbers as open marks.

    Parameters
    ----------
    record : as `glassbench/schemas/record.schema.json` describes it
    path : PNG to write

    Returns
    -------
    path
    """
    x_axis = task.axes[-1]
    panels: dict[tuple, list[Mapping[str, Any]]] = {}
    for entry in record["conditions"]:
        others = tuple((a.symbol, entry["condition"][a.name]) for a in task.axes[:-1])
        panels.setdefault(others, []).append(entry)
    figure = new_figure(4.2 * len(panels) + 2.4, 3.6)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    values = [_abscissae(entries, x_axis.name) for entries in panels.values()]
    for axis, x, (others, entries) in zip(axes, values, panels.items(), strict=True):
        order = np.argsort(x)
        ordered = [entries[k] for k in order]
        _draw_panel(axis, record, ordered, np.asarray(x)[order])
        axis.set_xlabel(_label(x_axis.symbol, x_axis.unit))
        axis.set_title(", ".join(f"{symbol} = {value:g}" for symbol, value in others), fontsize=10)
    title = task.primary_metric.get("title", task.primary_metric["name"])
    axes[0].set_ylabel(title)
    if task.primary_metric["function"].endswith("pearson"):
        axes[0].set_ylim(min(0.0, axes[0].get_ylim()[0]), 1.0)
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    name_of_model = _model_label(record)
    # Lines with error bars come last of their own; the model belongs first.
    handles = dict(sorted(handles.items(), key=lambda item: item[0] != name_of_model))
    figure.legend(
        handles.values(), handles.keys(), loc="outside right center", fontsize=8, frameon=False
    )
    figure.suptitle(
        f"{record['model']['title']} on {task.name}, dataset {record['dataset']['name']}",
        fontsize=10,
    )
    return save_figure(figure, path)


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
        axis.set_xlabel(_label("x", target.unit if _is_length(target.unit) else ""))
    axes[0].set_ylabel(_label("y", target.unit if _is_length(target.unit) else ""))
    bar = figure.colorbar(drawn, ax=axes, extend="both", shrink=0.85, pad=0.02)
    bar.set_label(_label(target.name.replace("_", " "), target.unit))
    figure.suptitle(title, fontsize=10)
    return save_figure(figure, path)


def draw_parity(
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    task: Task,
    title: str,
    path: Path,
) -> Path:
    """Draw predicted against true values, as numbers of particles in small squares.

    Parameters
    ----------
    truths, predictions : one array (N_c,) for each configuration, of the
        particles or pairs that count
    """
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator

    truth, prediction = np.concatenate(truths), np.concatenate(predictions)
    target = task.targets[task.target]
    name = target.name.replace("_", " ")
    figure = new_figure(5.0, 4.2)
    axis = figure.subplots()
    limits = _limits(truth, prediction)
    *_, bins = axis.hist2d(
        truth,
        prediction,
        bins=(_edges(truth, limits), _edges(prediction, limits)),
        cmin=1,
        cmap="viridis",
        norm=LogNorm(),
    )
    axis.plot(limits, limits, color="black", linewidth=0.8, linestyle="--")
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    axis.set_xlabel(_label(f"true {name}", target.unit))
    axis.set_ylabel(_label(f"predicted {name}", target.unit))
    rho = pearson(prediction, truth)
    words = f"Pearson {rho:.3f}" if np.isfinite(rho) else "Pearson undefined"
    axis.text(
        0.03,
        0.97,
        f"{words}, pooled\n{len(truth)} {target.per}s",
        va="top",
        fontsize=9,
        transform=axis.transAxes,
    )
    axis.set_title(title, fontsize=10)
    bar = figure.colorbar(
        bins,
        ax=axis,
        label=f"{target.per}s",
        shrink=0.85,
        ticks=LogLocator(subs=(1, 2, 5)),
        format="%d",
    )
    bar.minorticks_off()
    return save_figure(figure, path)


def _draw_panel(
    axis: Axes, record: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], x: np.ndarray
) -> None:
    metric = record["task"]["primary_metric"]
    logarithmic = x.min() > 0 and (len(x) == 1 or x.max() / x.min() > 3)
    if logarithmic:
        axis.set_xscale("log")
    low, high = _span(x, logarithmic)
    axis.set_xlim(low, high)
    if high < 10 * low:
        axis.set_xticks(x, [f"{value:g}" for value in x])
        axis.minorticks_off()
    ceilings = _values([entry["ceiling"].get(metric) for entry in entries])
    if np.isfinite(ceilings).any():
        known = np.isfinite(ceilings)
        edges, heights = x[known], ceilings[known]
        axis.fill_between(
            [low, *edges, high],
            [heights[0], *heights, heights[-1]],
            1.0,
            color=CEILING,
            alpha=0.35,
            linewidth=0,
            label="above the noise ceiling",
        )
    names = dict.fromkeys(floor["model"] for entry in entries for floor in entry["floors"])
    for name, colour in zip(names, FLOORS * len(names), strict=False):
        floors = [
            next((f for f in entry["floors"] if f["model"] == name), None) for entry in entries
        ]
        axis.plot(
            x,
            _values(floors),
            linestyle="--",
            marker=".",
            color=colour,
            linewidth=1.2,
            label=f"floor: {name.replace('_', ' ')}",
        )
    published = sorted({n["model"] for entry in entries for n in entry["reported"]})
    for name, marker in zip(published, MARKERS * len(published), strict=False):
        numbers = [
            next((n for n in entry["reported"] if n["model"] == name), None) for entry in entries
        ]
        own = _same_name(name, record["model"]["name"])
        axis.plot(
            x,
            _values(numbers),
            linestyle="",
            marker="o" if own else marker,
            markerfacecolor="none",
            color=MODEL if own else "black",
            markersize=7 if own else 5.5,
            markeredgewidth=0.9,
            label=f"published: {name}",
        )
    scores = [entry["scores"].get(metric) for entry in entries]
    values = _values(scores)
    ends = np.array([(s or {}).get("interval") or (np.nan, np.nan) for s in scores], dtype=float)
    axis.errorbar(
        x,
        values,
        yerr=np.abs(ends.T - values),
        color=MODEL,
        marker="o",
        linewidth=1.8,
        markersize=5,
        capsize=3,
        label=_model_label(record),
        zorder=5,
    )
    relaxation = next((e["tau_alpha"] for e in entries if e["tau_alpha"]), None)
    if relaxation is not None and low < relaxation < high:
        axis.axvline(relaxation, color="black", linestyle=":", linewidth=0.8)
        axis.text(
            relaxation,
            0.02,
            SYMBOLS["tau_alpha"] + " ",
            ha="right",
            fontsize=9,
            transform=axis.get_xaxis_transform(),
        )
    axis.grid(alpha=0.25, linewidth=0.5)


def _draw_particles(axis: Axes, positions, diameters, values, limits):
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


def _span(x: np.ndarray, logarithmic: bool) -> tuple[float, float]:
    """Return limits a little beyond the first and the last point."""
    if logarithmic:
        return float(x.min() / 1.6), float(x.max() * 1.6)
    margin = 0.05 * np.ptp(x) or 1.0
    return float(x.min() - margin), float(x.max() + margin)


def _model_label(record: Mapping[str, Any]) -> str:
    return f"{record['model']['name']}, 95 % interval"


def _same_name(one: str, other: str) -> bool:
    return "".join(filter(str.isalnum, one)).casefold() == (
        "".join(filter(str.isalnum, other)).casefold()
    )


def _abscissae(entries: Sequence[Mapping[str, Any]], axis: str) -> list[float]:
    return [entry["condition"][axis] for entry in entries]


def _values(items: Sequence[Mapping[str, Any] | None]) -> np.ndarray:
    found = [None if item is None else item["value"] for item in items]
    return np.array([np.nan if value is None else value for value in found], dtype=float)


def _limits(truth: np.ndarray, prediction: np.ndarray) -> tuple[float, float]:
    """Return limits that leave out the last 0.1 % at each end of the truth, with a margin."""
    low, high = np.percentile(truth, [0.1, 99.9])
    inner = np.percentile(prediction, [0.1, 99.9])
    low, high = min(low, inner[0]), max(high, inner[1])
    margin = 0.03 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _edges(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return edges of bins between limits; values that are stored in steps fill bins evenly."""
    low, high = limits
    width = (high - low) / BINS
    levels = np.unique(values)
    if 1 < len(levels) < 10 * BINS:
        step = float(np.diff(levels).min())
        width = step * math.ceil(width / step)
        low = levels[0] - step / 2 + width * math.floor((low - levels[0]) / width)
    return low + width * np.arange(math.ceil((high - low) / width) + 1)


def _label(name: str, unit: str) -> str:
    return f"{name} ({UNITS.get(unit, unit)})" if unit and unit != "1" else name


def _is_length(unit: str) -> bool:
    return unit in ("sigma_AA", "angstrom", "sigma")


def condition_title(model: str, task: Task, condition: Condition) -> str:
    """Return the words over a figure of one condition."""
    words = ", ".join(f"{task.axis(name).symbol} = {condition[name]:g}" for name in condition)
    return f"{model}, {words}"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches."""
    # Not through pyplot, which would keep every figure and ask for a display.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG so that it appears whole, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    figure.savefig(partial, format="png", dpi=RESOLUTION, metadata={"Software": None})
    os.replace(partial, path)
    return path
