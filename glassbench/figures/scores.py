"""Scores against the last axis of a task, with floors, ceiling and published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.task import Task, plain_name
from ..contract.units import mathtext
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from .canvas import (
    CEILING,
    FLOORS,
    MARKERS,
    MODEL,
    draw_relaxation_time,
    label,
    new_figure,
    save_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Plain = Mapping[str, Any]
UNKNOWN = (np.nan, np.nan)


def draw_scores(record: Plain, task: Task, path: Path) -> Path:
    """Draw the primary metric against the last axis of the task, one panel for each other value.

    The model with its 95 % intervals as a full line, floors dashed, what noise in the labels puts
    out of reach shaded, published numbers as open marks; a PNG is written.
    """
    x_axis = task.axes[-1]
    panels: dict[tuple, list[Plain]] = {}
    for entry in sorted(record["conditions"], key=lambda entry: entry["condition"][x_axis.name]):
        others = tuple((mathtext(a.symbol), entry["condition"][a.name]) for a in task.axes[:-1])
        panels.setdefault(others, []).append(entry)
    figure = new_figure(4.2 * len(panels) + 2.4, 3.6)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    few = all(len(set(c["parents"])) < FEWEST_FOR_INTERVAL for c in record["conditions"])
    name = record["model"]["name"] + ("" if few else ", 95 % interval")
    handles: dict[str, Any] = {}
    for axis, (others, entries) in zip(axes, panels.items(), strict=True):
        x = np.array([entry["condition"][x_axis.name] for entry in entries])
        _draw_panel(axis, record, entries, x, name)
        axis.set_xlabel(label(mathtext(x_axis.symbol), x_axis.unit))
        axis.set_title(", ".join(f"{symbol} = {value:g}" for symbol, value in others), fontsize=10)
        for handle, text in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(text, handle)
    axes[0].set_ylabel(task.primary_metric.title)
    if task.primary_metric.function.endswith("pearson"):
        axes[0].set_ylim(min(0.0, axes[0].get_ylim()[0]), 1.0)
    # Lines with error bars come last of their own; the model belongs first.
    handles = dict(sorted(handles.items(), key=lambda item: item[0] != name))
    figure.legend(
        handles.values(), handles.keys(), loc="outside right center", fontsize=8, frameon=False
    )
    figure.suptitle(
        f"{record['model']['title']} on {task.name}, dataset {record['dataset']['name']}",
        fontsize=10,
    )
    return save_figure(figure, path)


def _draw_panel(
    axis: Axes, record: Plain, entries: Sequence[Plain], x: np.ndarray, name: str
) -> None:
    metric = record["task"]["primary_metric"]
    low, high = _prepare_abscissa(axis, x)
    _draw_ceiling(axis, x, _values([entry["ceiling"].get(metric) for entry in entries]))
    _draw_floors(axis, x, entries)
    _draw_published(axis, x, entries, record["model"]["name"])
    _draw_model(axis, x, entries, metric, name)
    relaxation = next((e["tau_alpha"] for e in entries if e["tau_alpha"]), None)
    if relaxation is not None and low < relaxation < high:
        text = mathtext("tau_alpha") + " "
        draw_relaxation_time(axis, relaxation, text, 0.02, 9, color="black", linewidth=0.8)
    axis.grid(alpha=0.25, linewidth=0.5)


def _prepare_abscissa(axis: Axes, x: np.ndarray) -> tuple[float, float]:
    """Choose scale, ticks and limits, a little beyond the first and the last point."""
    margin = 0.05 * np.ptp(x) or 1.0
    low, high = float(x.min() - margin), float(x.max() + margin)
    if x.min() > 0 and (len(x) == 1 or x.max() / x.min() > 3):
        axis.set_xscale("log")
        low, high = float(x.min() / 1.6), float(x.max() * 1.6)
    axis.set_xlim(low, high)
    if high < 10 * low:
        axis.set_xticks(x, [f"{value:g}" for value in x])
        axis.minorticks_off()
    return low, high


def _draw_ceiling(axis: Axes, x: np.ndarray, ceilings: np.ndarray) -> None:
    known = np.isfinite(ceilings)
    if not known.any():
        return
    low, high = axis.get_xlim()
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


def _draw_floors(axis: Axes, x: np.ndarray, entries: Sequence[Plain]) -> None:
    names = dict.fromkeys(floor["model"] for entry in entries for floor in entry["floors"])
    for name, colour in zip(names, cycle(FLOORS)):
        axis.plot(
            x,
            _of_model(entries, "floors", name),
            linestyle="--",
            marker=".",
            color=colour,
            linewidth=1.2,
            label=f"floor: {name.replace('_', ' ')}",
        )


def _draw_published(axis: Axes, x: np.ndarray, entries: Sequence[Plain], model: str) -> None:
    """Draw published numbers as open marks; those of the model itself have its colour."""
    published = sorted({n["model"] for entry in entries for n in entry["reported"]})
    for name, marker in zip(published, cycle(MARKERS)):
        own = plain_name(name) == plain_name(model)
        axis.plot(
            x,
            _of_model(entries, "reported", name),
            linestyle="",
            marker="o" if own else marker,
            markerfacecolor="none",
            color=MODEL if own else "black",
            markersize=7 if own else 5.5,
            markeredgewidth=0.9,
            label=f"published: {name}",
        )


def _draw_model(
    axis: Axes, x: np.ndarray, entries: Sequence[Plain], metric: str, name: str
) -> None:
    scores = [entry["scores"].get(metric) for entry in entries]
    enough = [len(set(entry["parents"])) >= FEWEST_FOR_INTERVAL for entry in entries]
    ends = [(many and s and s["interval"]) or UNKNOWN for s, many in zip(scores, enough)]
    values = _values(scores)
    axis.errorbar(
        x,
        values,
        yerr=np.abs(np.array(ends).T - values),
        color=MODEL,
        marker="o",
        linewidth=1.8,
        markersize=5,
        capsize=3,
        label=name,
        zorder=5,
    )


def _of_model(entries: Sequence[Plain], key: str, name: str) -> np.ndarray:
    return _values([next((n for n in e[key] if n["model"] == name), None) for e in entries])


def _values(items: Sequence[Plain | None]) -> np.ndarray:
    values = [None if item is None else item["value"] for item in items]
    return np.array([np.nan if value is None else value for value in values], dtype=float)
