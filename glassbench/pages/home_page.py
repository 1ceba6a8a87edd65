"""The first page: what this is, who leads, how far from the ceiling, how much of it is verified."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from .boards import Board
from .chart import TIME_LABEL, Line, line_chart
from .published import state_of_the_art
from .references import card_of_reported, references, site_settings
from .sources import Point, Sources
from .standing import Boards, Place, Standing
from .words import safe_name

ROADMAP = "jung2025"
MOST_CURVES = 4


def home_context(sources: Sources, boards: Boards, changes: Sequence[Any]) -> dict[str, Any]:
    """Return what the first page shows."""
    order = [str(name) for name in site_settings()["tasks"]]
    last = len(order)

    def place(one: tuple[Board, Standing]) -> tuple[bool, int, str]:
        name = one[0].task.name
        return (not one[0].rows, order.index(name) if name in order else last, name)

    main = sorted((one for one in boards if one[0].main), key=place)
    entries = sources.entries
    flagship = main[0] if main else None
    return {
        "main": main,
        "changes": changes,
        "records": len(entries),
        "verified": sum(bool(entry.signer) for entry in entries),
        "models": len({entry.record["model"]["name"] for entry in entries}),
        "seeds": sorted({len(entry.record["seeds"]) for entry in entries}),
        "samples": sorted({_samples(board, standing) for board, standing in main if board.rows}),
        "flagship": flagship,
        "figure": first_figure(*flagship, boards) if flagship else Markup(""),
        "art": [line for board, _ in boards for line in state_of_the_art(board)],
        "roadmap": references()[ROADMAP],
    }


def _samples(board: Board, standing: Standing) -> int:
    return len({name for point in standing.points for name in board.parents(point)})


def first_figure(board: Board, standing: Standing, boards: Boards) -> Markup:
    """Return the score of the leading models against time, with published curves of another set.

    Of each tier the best; of the first tier all that share the first rank, four at most.
    """
    metric, axis = board.primary, board.task.axes[-1]
    points = [p for p in standing.points if p[:-1] == standing.points[0][:-1]]
    shown: list[Place] = []
    for tier in standing.tiers:
        room = MOST_CURVES - len(shown)
        shown += standing.leaders(tier)[: room if tier == "thermal" else min(1, room)]
    scale = _time_scale(board, points)
    lines = []
    for place in shown:
        values = [(scale(p), place.row.value(metric.name, p)) for p in points]
        known = [(x, y) for x, y in values if y is not None]
        lines.append(Line(place.row.name, known, href=f"model/{safe_name(place.row.model)}.html"))
    for name, of_floor in board.floors.items():
        if name == standing.floor_name:
            known = [(scale(p), of_floor[p]) for p in points if p in of_floor]
            lines.append(Line(f"floor: {name}", known, floor=True))
    lines += _published_lines(board, points, boards, {place.row.name for place in shown})
    ceiling = [(scale(p), c) for p in points if (c := board.ceiling(metric.name, p)) is not None]
    scaled = all(board.tau_alpha(p) for p in points)
    x_label = TIME_LABEL if scaled else f"{axis.symbol} ({axis.unit})"
    return line_chart(
        lines,
        x_label=x_label,
        y_label=metric.title,
        label=f"{metric.title} against {'t / tau_alpha' if scaled else axis.name} of the leading "
        f"models on {board.task.title}; the numbers are on its board",
        logarithmic=all(scale(p) > 0 for p in points),
        ceiling=() if standing.bound else ceiling,
        size=(620, 340),
    )


def _time_scale(board: Board, points: Sequence[Point]) -> Any:
    scaled = all(board.tau_alpha(p) for p in points)
    return lambda p: p[-1] / (board.tau_alpha(p) or 1.0) if scaled else p[-1]


def _published_lines(
    board: Board, points: Sequence[Point], boards: Boards, shown: set[str]
) -> list[Line]:
    """Return published curves at the same temperature: of a model shown, and the best one."""
    lines: list[Line] = []
    low, high = (f(map(_time_scale(board, points), points)) for f in (min, max))
    for other, _ in boards:
        if other.task.name != board.task.name or not other.reported or other is board:
            continue
        same = [p for p in other.points if points and math.isclose(p[0], points[0][0])]
        scale = _time_scale(other, same)
        curves = {}
        for name, numbers in other.published(board.primary.name).items():
            known = [(scale(p), numbers[p].value) for p in same if p in numbers]
            known = [(x, y) for x, y in known if 0.9 * low <= x <= 1.1 * high]
            if known:
                curves[name] = known
        best = max(curves, key=lambda n: sum(y for _, y in curves[n]) / len(curves[n]), default="")
        chosen = [n for n in curves if n == best or card_of_reported(n, shown)]
        lines += [Line(n, curves[n], reported=True, href=f"task/{other.name}.html") for n in chosen]
    return lines
