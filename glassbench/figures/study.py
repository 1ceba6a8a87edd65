"""The figure of a study, from its results file alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ..home.files import whole_file
from . import CEILING, FLOORS, MARKERS, MODEL, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (MODEL, *FLOORS)
DASHES = ((0, (5, 2)), (0, (2, 2)), (0, (1, 1)), (0, (6, 2, 1, 2)))
PANELS_IN_A_ROW = 3
LEGEND_COLUMNS = 38

Plain = Mapping[str, Any]


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
    handles = _handles(grid.flat)
    # A long line of the legend would leave no room for the panels.
    labels = [fill(label, LEGEND_COLUMNS) for label in handles]
    figure.legend(handles.values(), labels, loc="outside right center", fontsize=8, frameon=False)
    task, dataset = results["task"]["name"], results["dataset"]["name"]
    figure.suptitle(f"{results['title']}: {task}, dataset {dataset}", fontsize=10)
    with whole_file(path.with_suffix(".svg")) as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None})
    return [save_figure(figure, path), path.with_suffix(".svg")]


def _handles(axes: Iterable[Axes]) -> dict[str, Any]:
    """Return what a legend shows, by label; models, which have bars, come first."""
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return dict(sorted(handles.items(), key=lambda item: not hasattr(item[1], "has_yerr")))


def _draw_panel(axis: Axes, panel: Plain, results: Plain) -> None:
    scale = results["axis"]["scale"]
    x = sorted({point["x"] for curve in panel["curves"] for point in curve["points"]})
    logarithmic = scale == "log" and x[0] > 0 and len(x) > 1
    if logarithmic:
        axis.set_xscale("log")
    low, high = _span(x, logarithmic)
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
        _draw_curve(axis, curve, colour, marker, results["spread"] == "seeds")
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


def _draw_curve(axis: Axes, curve: Plain, colour: str, marker: str, of_seeds: bool) -> None:
    points = [p for p in curve["points"] if p["value"] is not None]
    if not points:
        return
    middle = [p["median"] if of_seeds else p["value"] for p in points]
    ends = [
        sorted((p["worst"], p["best"])) if of_seeds else (p["interval"] or (np.nan, np.nan))
        for p in points
    ]
    bars = "median, best, worst" if of_seeds else "95 % interval"
    axis.errorbar(
        [p["x"] for p in points],
        middle,
        yerr=np.abs(np.array(ends, dtype=float).T - np.array(middle)),
        color=colour,
        marker=marker,
        linewidth=1.6,
        markersize=4.5,
        capsize=3,
        label=f"{curve['label']}, {bars}",
        zorder=5,
    )
    seeds = [(p["x"], s["value"]) for p in points for s in p["seeds"] if len(p["seeds"]) > 1]
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


def _span(x: Sequence[float], logarithmic: bool) -> tuple[float, float]:
    if logarithmic:
        return x[0] / 1.4, x[-1] * 1.4
    margin = 0.08 * (x[-1] - x[0]) or 0.5
    return x[0] - margin, x[-1] + margin
