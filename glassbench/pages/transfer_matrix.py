"""Scores of one fit at conditions that it was not trained on, as a matrix a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .boards import Board, Point, Row
from .condition_heads import condition_heads


def transfer_matrices(board: Board) -> list[dict[str, Any]]:
    """Return a matrix a model that was tested at other conditions than it was trained at."""
    matrices = []
    for row in board.rows:
        pairs = {**_explained_transfer(board, row), **_recorded_transfer(board, row)}
        if any(one != other for one, other in pairs):
            matrices.append(_matrix(board, row.name, pairs))
    return matrices


def _recorded_transfer(board: Board, row: Row) -> dict[tuple[Point, Point], Mapping[str, Any]]:
    """Return the scores of a record by where the fit was trained and where it was tested."""
    metric = board.primary.name
    pairs = {}
    for place, others in row.scores.transfer.items():
        point = row.scores.points[place]
        for other in others:
            if metric in other["scores"]:
                pairs[point, _point(board, other["condition"])] = other["scores"][metric]
        if others:
            value, ends = row.scores.score(metric, point)
            pairs[point, point] = {"value": value, "interval": ends}
    return pairs


def _explained_transfer(board: Board, row: Row) -> dict[tuple[Point, Point], Mapping[str, Any]]:
    found = (row.entry.explanation or {}).get("transfer") or ()
    return {(_point(board, e["trained_on"]), _point(board, e["tested_on"])): e for e in found}


def _point(board: Board, condition: Mapping[str, float]) -> Point:
    return tuple(float(condition.get(axis.name, math.nan)) for axis in board.task.axes)


def _matrix(board: Board, name: str, pairs: Mapping) -> dict[str, Any]:
    trained = sorted({pair[0] for pair in pairs})
    tested = sorted({pair[1] for pair in pairs})
    heads = dict(condition_heads(board, sorted({*trained, *tested})))
    rows = [
        (heads[one], [(pairs.get((one, other)), one == other) for other in tested])
        for one in trained
    ]
    return {"name": name, "columns": [heads[point] for point in tested], "rows": rows}
