"""All conditions of a board as a heat map of the primary metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .boards import Board, published_by_model
from .scores import known_values
from .standing import Standing
from .words import number, symbol, unit

HEAT_STEPS = 10


def heat_map(board: Board, standing: Standing) -> dict[str, Any]:
    """Return all conditions as a table of the primary metric, with steps of a colour scale."""
    metric = board.primary.name
    lines = [
        (place.row.name, place.row.status, place.row.entry.name,
         known_values(place.row.scores.along(place.row.scores.value.get(metric), board.points)))
        for place in standing.places
    ]  # fmt: skip
    lines += [
        (name, "reported", None,
         [numbers[p].value if p in numbers else None for p in board.points])
        for name, numbers in published_by_model(board, metric).items()
    ]  # fmt: skip
    values = [value for *_, cells in lines for value in cells if value is not None]
    low, high = (0.0, 1.0) if values and 0 <= min(values) and max(values) <= 1 else _ends(values)
    better = board.primary.higher_is_better

    def step(value: float) -> int:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return min(HEAT_STEPS - 1, int(HEAT_STEPS * (share if better else 1 - share)))

    return {
        "head": _head(board),
        "lines": [
            {
                "name": name, "status": status, "record": record,
                "cells": [None if value is None else (value, step(value)) for value in cells],
            }
            for name, status, record, cells in lines
        ],
        "ceiling": [board.ceiling(metric, point) for point in board.points],
        "scale": (low, high),
    }  # fmt: skip


def _ends(values: Sequence[float]) -> tuple[float, float]:
    if not values or min(values) == max(values):
        return 0.0, 1.0
    return min(values), max(values)


def _head(board: Board) -> list[dict[str, Any]]:
    """Return one header row an axis, with runs of equal values joined."""
    rows = []
    for depth, axis in enumerate(board.task.axes):
        cells: list[list[Any]] = []
        for k, point in enumerate(board.points):
            if cells and board.points[k - 1][: depth + 1] == point[: depth + 1]:
                cells[-1][1] += 1
            else:
                cells.append([number(point[depth]), 1])
        rows.append({"label": symbol(axis), "unit": unit(axis.unit), "cells": cells})
    return rows
