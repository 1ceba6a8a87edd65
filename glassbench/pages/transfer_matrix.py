"""Fits at conditions that they were not trained on: scores, and means over the samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .boards import Board, Point, Row
from .condition_heads import condition_heads


def transfer_of(board: Board, names: Sequence[str]) -> dict[str, Any]:
    """Return what the board knows of transfer, models in the order of `names`.

    Returns
    -------
    `matrices`, a model each, or instead `together`, one row a model, where all were trained at
    the same single condition; `means` of the tasks that have them
    """
    rows = sorted(board.rows, key=lambda row: names.index(row.name))
    matrices = []
    for row in rows:
        pairs = {**_explained_transfer(board, row), **_recorded_transfer(board, row)}
        if any(one != other for one, other in pairs):
            matrices.append(_matrix(board, row.name, pairs))
    alike = {(tuple(m["columns"]), *(words for words, _ in m["rows"])) for m in matrices}
    together = len(alike) == 1 and len(matrices[0]["rows"]) == 1
    return {
        "matrices": [] if together else matrices,
        "together": matrices if together else [],
        "means": _means(board, rows),
    }


def _recorded_transfer(board: Board, row: Row) -> dict[tuple[Point, Point], Mapping[str, Any]]:
    """Return the scores of a record by where the fit was trained and where it was tested."""
    metric = board.primary.name
    pairs = {}
    for place, told in row.scores.transfer.items():
        point = row.scores.points[place]
        for other in told["conditions"]:
            if metric in other["scores"]:
                pairs[point, _point(board, other["condition"])] = other["scores"][metric]
        value, ends = row.scores.score(metric, point)
        pairs[point, point] = {"value": value, "interval": ends}
    return pairs


def _means(board: Board, rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return means of prediction and truth wherever fits were tested, or None where there are none.

    Of tasks with a mean error among their metrics; elsewhere a prediction has not the unit of
    the truth.
    """
    if all(metric.function != "mean_error" for metric in board.metrics):
        return None
    fits = []
    for row in rows:
        for place, told in row.scores.transfer.items():
            own = row.scores.points[place]
            others = {_point(board, o["condition"]): o["means"] for o in told["conditions"]}
            fits.append((row.name, own, {own: told["means"], **others}, told["rank_order"]))
    if not fits:
        return None
    tested = sorted({point for _, _, means, _ in fits for point in means})
    truth = {point: m["target"] for _, _, means, _ in fits for point, m in means.items()}
    heads = dict(condition_heads(board, tested))
    return {
        "columns": [heads[point] for point in tested],
        "truth": [truth[point] for point in tested],
        "rows": [
            (name, [(means.get(point), point == own) for point in tested], rank_order)
            for name, own, means, rank_order in fits
        ],
    }


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
