"""One fit at conditions that it was not trained on: a matrix of scores a model, and means."""

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
            matrices.append(_matrix(board, row.name, pairs) | {"means": _means(board, row)})
    return matrices


def _recorded_transfer(board: Board, row: Row) -> dict[tuple[Point, Point], Mapping[str, Any]]:
    """Return the scores of a record by where the fit was trained and where it was tested."""
    metric = board.primary.name
    pairs = {}
    for place, told in row.scores.transfer.items():
        point = row.scores.points[place]
        for other in told["conditions"]:
            if metric in other["scores"]:
                pairs[point, _point(board, other["condition"])] = other["scores"][metric]
        pairs[point, point] = _own_score(row, metric, point)
    return pairs


def _own_score(row: Row, metric: str, point: Point) -> dict[str, Any]:
    value, ends = row.scores.score(metric, point)
    return {"value": value, "interval": ends}


def _means(board: Board, row: Row) -> list[dict[str, Any]]:
    """Return means of prediction and target where each fit was tested, and their rank order.

    Of tasks with a mean error among their metrics; elsewhere a prediction has not the unit of
    the target.
    """
    offset = next((m.name for m in board.metrics if m.function == "mean_error"), None)
    if offset is None:
        return []
    fits = []
    for place, told in row.scores.transfer.items():
        own = row.scores.points[place]
        tested = {own: (told["means"], _own_score(row, offset, own))}
        for other in told["conditions"]:
            tested[_point(board, other["condition"])] = (other["means"], other["scores"][offset])
        heads = dict(condition_heads(board, sorted(tested)))
        rows = [(heads[point], *tested[point], point == own) for point in sorted(tested)]
        fits.append({"trained": heads[own], "rows": rows, "rank_order": told["rank_order"]})
    return fits


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
