"""The page of all conditions of a board: a heat map."""

from __future__ import annotations

import itertools
from operator import itemgetter
from typing import Any

from ..contract.units import printed
from .boards import Board
from .standing import Standing
from .words import number

HEAT_STEPS = 10


def heat_map(board: Board, standing: Standing) -> dict[str, Any]:
    """Return all conditions as a table of the primary metric, with steps of a colour scale."""
    metric, points = board.primary.name, board.points
    lines: list[tuple[str, str, str | None, list[float | None]]] = [
        (row.name, row.status, row.entry.name, [row.value(metric, point) for point in points])
        for row in (place.row for place in standing.places)
    ]
    for name, numbers in board.published(metric).items():
        values = [numbers[point].value if point in numbers else None for point in points]
        lines.append((name, "reported", None, values))
    known = [value for *_, values in lines for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low == high or (low >= 0 and high <= 1):
        low, high = 0.0, 1.0

    def step(value: float) -> int:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        share = share if board.primary.higher_is_better else 1 - share
        return min(HEAT_STEPS - 1, int(HEAT_STEPS * share))

    return {
        "head": _heads(board),
        "lines": [
            (name, status, record, [None if v is None else (v, step(v)) for v in values])
            for name, status, record, values in lines
        ],
        "ceiling": [board.ceiling(metric, point) for point in points],
        "scale": (low, high),
    }


def _heads(board: Board) -> list[dict[str, Any]]:
    """Return one header row an axis, with runs of equal values joined."""
    rows = []
    for depth, axis in enumerate(board.task.axes):
        runs = itertools.groupby(board.points, key=itemgetter(slice(depth + 1)))
        cells = [(number(values[-1]), len(list(run))) for values, run in runs]
        rows.append({"label": printed(axis.symbol), "unit": printed(axis.unit), "cells": cells})
    return rows
