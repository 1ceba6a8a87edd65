"""Scores against the last axis of a task, with floors, ceiling and published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.reported import plain_name
from ..contract.task import Task
from ..contract.units import mathtext
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from .canvas import CEILING, FLOORS, MARKERS, MODEL, label, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_scores(record: Mapping[str, Any], task: Task, path: Path) -> Path:
    """Draw the primary metric against the last axis of the task, one panel for each other value.

    The model with its 95 % intervals as a full line, floors dashed, what noise
    in the labels puts out of reach shaded, published numbers as open marks.

    Parameters
    ----------
    record : as `glassbench/contract/schemas/record.schema.json` describes it
    path : PNG to write

    Returns
    -------
    path
    """
    x_axis = task.axes[-1]
    panels: dict[tuple, list[Mapping[str, Any]]] = {}
    for entry in record["conditions"]:
        others = tuple((mathtext(a.symbol), entry["condition"][a.name]) for a in task.axes[:-1])
        panels.setdefault(others, []).append(entry)
    figure = new_figure(4.2 * len(panels) + 2.4, 3.6)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    values = [_abscissae(entries, x_axis.name) for entries in panels.values()]
    for axis, x, (others, entries) in zip(axes, values, panels.items(), strict=True):
        order = np.argsort(x)
        ordered = [entries[k] for k in order]
        _draw_panel(axis, record, ordered, np.asarray(x)[order])
        axis.set_xlabel(label(mathtext(x_axis.symbol), x_axis.unit))
        axis.set_title(", ".join(f"{symbol} = {value:g}" for symbol, value in others), fontsize=10)
    title = task.primary_metric.title
    axes[0].set_ylabel(title)
    if task.primary_metric.function.endswith("pearson"):
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


def _draw_panel(
    axis: Axes, record: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], x: np.ndarray
) -> None:
    metric = record["task"]["primary_metric"]
    low, high = _prepare_abscissa(axis, x)
    _draw_ceiling(axis, x, _values([entry["ceiling"].get(metric) for entry in entries]))
    _draw_floors(axis, x, entries)
    _draw_published(axis, x, entries, record["model"]["name"])
    _draw_model(axis, x, entries, metric, _model_label(record))
    relaxation = next((e["tau_alpha"] for e in entries if e["tau_alpha"]), None)
    if relaxation is not None and low < relaxation < high:
        _draw_relaxation_time(axis, relaxation)
    axis.grid(alpha=0.25, linewidth=0.5)


def _prepare_abscissa(axis: Axes, x: np.ndarray) -> tuple[float, float]:
    """Choose scale, limits and ticks; return the limits."""
    logarithmic = x.min() > 0 and (len(x) == 1 or x.max() / x.min() > 3)
    if logarithmic:
        axis.set_xscale("log")
    low, high = _span(x, logarithmic)
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


def _draw_floors(axis: Axes, x: np.ndarray, entries: Sequence[Mapping[str, Any]]) -> None:
    names = dict.fromkeys(floor["model"] for entry in entries for floor in entry["floors"])
    for name, colour in zip(names, FLOORS * len(names), strict=False):
        axis.plot(
            x,
            _values([_of_model(entry["floors"], name) for entry in entries]),
            linestyle="--",
            marker=".",
            color=colour,
            linewidth=1.2,
            label=f"floor: {name.replace('_', ' ')}",
        )


def _draw_published(
    axis: Axes, x: np.ndarray, entries: Sequence[Mapping[str, Any]], model: str
) -> None:
    """Draw published numbers as open marks; those of the model itself have its colour."""
    published = sorted({n["model"] for entry in entries for n in entry["reported"]})
    for name, marker in zip(published, MARKERS * len(published), strict=False):
        own = plain_name(name) == plain_name(model)
        axis.plot(
            x,
            _values([_of_model(entry["reported"], name) for entry in entries]),
            linestyle="",
            marker="o" if own else marker,
            markerfacecolor="none",
            color=MODEL if own else "black",
            markersize=7 if own else 5.5,
            markeredgewidth=0.9,
            label=f"published: {name}",
        )


def _draw_model(
    axis: Axes, x: np.ndarray, entries: Sequence[Mapping[str, Any]], metric: str, name: str
) -> None:
    scores = [entry["scores"].get(metric) for entry in entries]
    values = _values(scores)
    ends = np.array([_interval(entry, metric) for entry in entries])
    axis.errorbar(
        x,
        values,
        yerr=np.abs(ends.T - values),
        color=MODEL,
        marker="o",
        linewidth=1.8,
        markersize=5,
        capsize=3,
        label=name,
        zorder=5,
    )


def _interval(entry: Mapping[str, Any], metric: str) -> tuple[float, float]:
    """Return the ends of the interval of a score, NaN where too few samples give none."""
    if len(set(entry["parents"])) < FEWEST_FOR_INTERVAL:
        return (np.nan, np.nan)
    return (entry["scores"].get(metric) or {}).get("interval") or (np.nan, np.nan)


def _draw_relaxation_time(axis: Axes, relaxation: float) -> None:
    axis.axvline(relaxation, color="black", linestyle=":", linewidth=0.8)
    axis.text(
        relaxation,
        0.02,
        mathtext("tau_alpha") + " ",
        ha="right",
        fontsize=9,
        transform=axis.get_xaxis_transform(),
    )


def _of_model(numbers: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    return next((number for number in numbers if number["model"] == name), None)


def _span(x: np.ndarray, logarithmic: bool) -> tuple[float, float]:
    """Return limits a little beyond the first and the last point."""
    if logarithmic:
        return float(x.min() / 1.6), float(x.max() * 1.6)
    margin = 0.05 * np.ptp(x) or 1.0
    return float(x.min() - margin), float(x.max() + margin)


def _model_label(record: Mapping[str, Any]) -> str:
    few = all(len(set(c["parents"])) < FEWEST_FOR_INTERVAL for c in record["conditions"])
    return record["model"]["name"] + ("" if few else ", 95 % interval")


def _abscissae(entries: Sequence[Mapping[str, Any]], axis: str) -> list[float]:
    return [entry["condition"][axis] for entry in entries]


def _values(items: Sequence[Mapping[str, Any] | None]) -> np.ndarray:
    values = [None if item is None else item["value"] for item in items]
    return np.array([np.nan if value is None else value for value in values], dtype=float)
