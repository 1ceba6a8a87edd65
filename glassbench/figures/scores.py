"""Scores along one axis, with floors, ceilings and published numbers: of a record, of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.task import Task, plain_name
from ..contract.units import mathtext
from ..home.files import whole_file
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from .canvas import (
    CEILING,
    FLOORS,
    MARKERS,
    MODEL,
    draw_relaxation_time,
    in_symbols,
    label,
    new_figure,
    save_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Plain = Mapping[str, Any]
COLOURS = (MODEL, *FLOORS)
DASHES = ("--", (0, (2, 2)), (0, (1, 1)), (0, (6, 2, 1, 2)))
PANELS_IN_A_ROW = 3
LEGEND_COLUMNS = 38


def draw_scores(record: Plain, task: Task, path: Path) -> Path:
    """Draw the primary metric against the last axis of the task, one panel for each other value.

    As `draw_study`, with published numbers as open marks; a PNG is written.
    """
    metric, axis = task.primary_metric, task.axes[-1]
    panels: dict[str, list[Plain]] = {}
    for entry in sorted(record["conditions"], key=lambda entry: entry["condition"][axis.name]):
        others = {a.name: entry["condition"][a.name] for a in task.axes[:-1]}
        panels.setdefault(in_symbols(task, others), []).append(entry)
    places = [entry["condition"][axis.name] for entry in record["conditions"]]
    wide = min(places) > 0 and max(places) > 3 * min(places)
    few = all(len(set(c["parents"])) < FEWEST_FOR_INTERVAL for c in record["conditions"])
    results = {
        "title": f"{record['model']['title']} on {task.name}",
        "dataset": record["dataset"],
        "metrics": {metric.name: metric.title},
        "correlation": metric.function.endswith("pearson"),
        "axis": {
            "label": label(mathtext(axis.symbol), axis.unit),
            "scale": "log" if wide else "linear",
        },
        "spread": "none" if few else "interval",
        "panels": [_of_record(record, *panel, axis.name) for panel in panels.items()],
    }
    return save_figure(_draw(results), path)


def _of_record(record: Plain, title: str, entries: Sequence[Plain], axis: str) -> Plain:
    """Return some conditions of a record as the panel of a study."""
    metric, model = record["task"]["primary_metric"], record["model"]["name"]
    shown = [len(set(entry["parents"])) >= FEWEST_FOR_INTERVAL for entry in entries]
    places = [entry["condition"][axis] for entry in entries]

    def points(items: Iterable[Plain | None]) -> list[Plain]:
        return [
            {
                "x": x,
                "text": f"{x:g}",
                "value": item["value"] if item else None,
                "interval": item.get("interval") if item and enough else None,
                "seeds": item.get("seeds", ()) if item else (),
            }
            for x, item, enough in zip(places, items, shown, strict=True)
        ]

    def named(key: str) -> list[Plain]:
        by_name = [{item["model"]: item for item in entry[key]} for entry in entries]
        names = dict.fromkeys(name for items in by_name for name in items)
        return [{"model": n, "points": points(map(dict.get, by_name, cycle([n])))} for n in names]

    scores = points(entry["scores"].get(metric) for entry in entries)
    ceilings = points(entry["ceiling"].get(metric) for entry in entries)
    return {
        "title": title,
        "curves": [{"label": model, "model": model, "metric": metric, "points": scores}],
        "ceilings": {metric: [point for point in ceilings if point["value"] is not None]},
        "floors": named("floors"),
        "published": sorted(named("reported"), key=lambda curve: curve["model"]),
        "tau_alpha": next((e["tau_alpha"] for e in entries if e["tau_alpha"]), None),
    }


def draw_study(results: Plain, path: Path) -> list[Path]:
    """Draw the scores of a study, one panel for each condition, and return the files.

    Models as full lines with bars, 95 % intervals over the test configurations or from the
    worst to the best seed, and single seeds as dashes; floors dashed in black; what noise in
    the labels puts out of reach shaded; models without perturbation as dotted lines.

    Parameters
    ----------
    results : as `study_results` returns them
    path : PNG to write; an SVG is written beside it
    """
    task = results["task"]["name"]
    figure = _draw({**results, "title": f"{results['title']}: {task}"})
    with whole_file(path.with_suffix(".svg")) as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None})
    return [save_figure(figure, path), path.with_suffix(".svg")]


def _draw(results: Plain) -> Figure:
    panels = results["panels"]
    columns = min(len(panels), PANELS_IN_A_ROW)
    rows = -(-len(panels) // columns)
    figure = new_figure(4.0 * columns + 2.6, 3.3 * rows + 0.3)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axis in grid.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axis, panel, results)
    titles = {c["metric"] for panel in panels for c in panel["curves"]}
    name = results["metrics"][next(iter(titles))] if len(titles) == 1 else "score"
    for axis in grid[:, 0]:
        axis.set_ylabel(name)
    if results["correlation"]:
        grid[0, 0].set_ylim(min(0.0, grid[0, 0].get_ylim()[0]), 1.0)
    handles: dict[str, Any] = {}
    for axis in grid.flat:
        for handle, text in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(text, handle)
    # Models, which have bars, come first.
    handles = dict(sorted(handles.items(), key=lambda item: not hasattr(item[1], "has_yerr")))
    # A long line of the legend would leave no room for the panels.
    labels = [fill(text, LEGEND_COLUMNS) for text in handles]
    figure.legend(handles.values(), labels, loc="outside right center", fontsize=8, frameon=False)
    figure.suptitle(f"{results['title']}, dataset {results['dataset']['name']}", fontsize=10)
    return figure


def _draw_panel(axis: Axes, panel: Plain, results: Plain) -> None:
    scale = results["axis"]["scale"]
    x = sorted({point["x"] for curve in panel["curves"] for point in curve["points"]})
    logarithmic = scale == "log" and x[0] > 0 and len(x) > 1
    if logarithmic:
        axis.set_xscale("log")
    margin = 0.08 * (x[-1] - x[0]) or 0.5
    low, high = (x[0] / 1.4, x[-1] * 1.4) if logarithmic else (x[0] - margin, x[-1] + margin)
    axis.set_xlim(low, high)
    texts = {p["x"]: p["text"] for curve in panel["curves"] for p in curve["points"]}
    if scale == "words" or high < 30 * low or len(x) <= 8:
        axis.set_xticks(
            x,
            # A list, such as the groups of descriptors, has a line for each of its words.
            [texts[value].replace(",", "\n") for value in x],
            rotation=30 if max(map(len, texts.values())) > 4 else 0,
        )
        axis.minorticks_off()
    _draw_background(axis, panel, results["metrics"], low, high)
    for curve, colour, marker in zip(
        panel["curves"], cycle(COLOURS), cycle("o" + MARKERS), strict=False
    ):
        _draw_curve(axis, curve, colour, marker, results["spread"])
    for curve, marker in zip(panel.get("published", ()), cycle(MARKERS)):
        _draw_published(axis, curve, marker, panel["curves"][0]["model"])
    relaxation = panel.get("tau_alpha")
    if relaxation and low < relaxation < high:
        text = mathtext("tau_alpha") + " "
        draw_relaxation_time(axis, relaxation, text, 0.02, 9, color="black", linewidth=0.8)
    axis.set_xlabel(results["axis"]["label"])
    axis.set_title(panel["title"], fontsize=10)
    axis.grid(alpha=0.25, linewidth=0.5)


def _draw_background(axis: Axes, panel: Plain, titles: Plain, low: float, high: float) -> None:
    """Draw ceilings and floors, level beyond their first and last places."""

    def outline(points: Sequence[Plain]) -> tuple[list[float], list[float]]:
        heights = [point["value"] for point in points]
        places = [low, *(point["x"] for point in points), high]
        return places, [heights[0], *heights, heights[-1]]

    several = len(panel["ceilings"]) > 1
    for metric, ceiling in panel["ceilings"].items():
        if ceiling:
            label = "above the noise ceiling" + (f" of {titles[metric]}" if several else "")
            shade: dict[str, Any] = {"color": CEILING, "alpha": 0.25, "linewidth": 0}
            axis.fill_between(*outline(ceiling), 1.0, label=label, **shade)
    for floor, dashes in zip(panel["floors"], cycle(DASHES), strict=False):
        points = [p for p in floor["points"] if p["value"] is not None]
        if points:
            label = f"floor: {floor['model'].replace('_', ' ')}"
            line: dict[str, Any] = {"linestyle": dashes, "color": "black", "linewidth": 0.9}
            axis.plot(*outline(points), label=label, **line)


def _draw_published(axis: Axes, curve: Plain, marker: str, model: str) -> None:
    """Draw published numbers as open marks; those of the model itself have its colour."""
    own = plain_name(curve["model"]) == plain_name(model)
    axis.plot(
        [point["x"] for point in curve["points"]],
        np.array([point["value"] for point in curve["points"]], dtype=float),
        linestyle="",
        marker="o" if own else marker,
        markerfacecolor="none",
        color=MODEL if own else "black",
        markersize=7 if own else 5.5,
        markeredgewidth=0.9,
        label=f"published: {curve['model']}",
    )


def _draw_curve(axis: Axes, curve: Plain, colour: str, marker: str, spread: str) -> None:
    points, of_seeds = curve["points"], spread == "seeds"
    if all(point["value"] is None for point in points):
        return
    middle = np.array([p["median" if of_seeds else "value"] for p in points], dtype=float)
    pairs = [(p["worst"], p["best"]) if of_seeds else p["interval"] or (None, None) for p in points]
    ends = np.sort(np.array(pairs, dtype=float))
    bars = {"seeds": ", median, best, worst", "interval": ", 95 % interval", "none": ""}[spread]
    axis.errorbar(
        [p["x"] for p in points],
        middle,
        yerr=np.abs(ends.T - middle),
        color=colour,
        marker=marker,
        linewidth=1.6,
        markersize=4.5,
        capsize=3,
        label=f"{curve['label']}{bars}",
        zorder=5,
    )
    several = [p for p in points if len(p["seeds"]) > 1]
    seeds = [(p["x"], s["value"]) for p in several for s in p["seeds"] if s["value"] is not None]
    if seeds:
        style: dict[str, Any] = {
            "color": "black",
            "markersize": 9,
            "markeredgewidth": 0.9,
            "zorder": 6,
        }
        axis.plot(*zip(*seeds, strict=True), "_", label="single seeds", **style)
    untouched = curve.get("unperturbed")
    if untouched and untouched["value"] is not None:
        label = f"{curve['label']}, unperturbed"
        axis.axhline(untouched["value"], color=colour, linestyle=":", linewidth=1.4, label=label)
