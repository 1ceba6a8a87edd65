"""Fits at conditions that they were not trained on: scores, and means over the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .boards import NO_CONDITION, Board, Row
from .scores import Ends, Point, shown_interval

# Where a fit was trained, where it was tested, and the score with its interval.
Pairs = dict[tuple[Point, Point], tuple[float | None, Ends]]


def transfer_of(board: Board, names: Sequence[str]) -> dict[str, Any]:
    """Return what the board knows of transfer, models in the order of `names`.

    `matrices`, a model each, or instead `together`, one row a model, where all were trained at
    the same single condition; `means` of the tasks that have them.
    """
    rows = sorted(board.rows, key=lambda row: names.index(row.name))
    matrices = []
    for row in rows:
        pairs = {**_explained_transfer(board, row), **_recorded_transfer(board, row)}
        if any(trained != tested for trained, tested in pairs):
            matrices.append(_matrix(board, row.name, pairs))
    shapes = {(tuple(m["columns"]), *(words for words, _ in m["rows"])) for m in matrices}
    together = len(shapes) == 1 and len(matrices[0]["rows"]) == 1
    return {
        "matrices": [] if together else matrices,
        "together": matrices if together else [],
        "means": _means(board, rows),
    }


def _recorded_transfer(board: Board, row: Row) -> Pairs:
    metric = board.primary.name
    pairs: Pairs = {}
    for point, transfer in _transfers(row):
        for other in transfer["conditions"]:
            if score := other["scores"].get(metric):
                interval = shown_interval(other, score["interval"])
                pairs[point, board.point(other["condition"])] = (score["value"], interval)
        pairs[point, point] = (row.value(metric, point), row.interval(metric, point))
    return pairs


def _explained_transfer(board: Board, row: Row) -> Pairs:
    pairs: Pairs = {}
    for pair in (row.entry.explanation or {}).get("transfer", ()):
        trained, tested = board.point(pair["trained_on"]), board.point(pair["tested_on"])
        interval = shown_interval(board.entry_at(tested) or NO_CONDITION, pair["interval"])
        pairs[trained, tested] = (pair["value"], interval)
    return pairs


def _means(board: Board, rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return means of prediction and truth wherever fits were tested, or None where there are none.

    Only for tasks with a mean error among their metrics: elsewhere the prediction does not have
    the unit of the truth.
    """
    if all(metric.function != "mean_error" for metric in board.metrics):
        return None
    fits = []
    truth: dict[Point, float] = {}
    for row in rows:
        for point, transfer in _transfers(row):
            means = {point: transfer["means"]}
            means |= {board.point(c["condition"]): c["means"] for c in transfer["conditions"]}
            truth |= {tested: mean["target"] for tested, mean in means.items()}
            fits.append((row.name, point, means, transfer["rank_order"]))
    if not fits:
        return None
    tested = sorted(truth)
    return {
        "columns": board.heads(tested),
        "truth": [truth[point] for point in tested],
        "rows": [
            (name, [(means.get(point), point == own) for point in tested], rank_order)
            for name, own, means, rank_order in fits
        ],
    }


def _transfers(row: Row) -> list[tuple[Point, Mapping[str, Any]]]:
    """Return what a record says of its fits at other conditions, by where each was trained."""
    return [(p, entry["transfer"]) for p, entry in row.conditions.items() if entry.get("transfer")]


def _matrix(board: Board, name: str, pairs: Pairs) -> dict[str, Any]:
    trained = sorted({pair[0] for pair in pairs})
    tested = sorted({pair[1] for pair in pairs})
    points = sorted({*trained, *tested})
    heads = dict(zip(points, board.heads(points), strict=True))
    rows = [
        (heads[one], [(pairs.get((one, other)), one == other) for other in tested])
        for one in trained
    ]
    return {"name": name, "columns": [heads[point] for point in tested], "rows": rows}
