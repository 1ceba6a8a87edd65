"""How the fields of a board's models fluctuate, beside the truth: the section of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics import MetricSpecification
from .boards import Board, Row
from .sources import Ends, Point
from .standing import Standing

Cell = tuple[float | None, Ends]


def fluctuations_of(board: Board, standing: Standing) -> dict[str, Any] | None:
    """Return collective metrics by condition and model, None where no record has any.

    Models of the board that were not measured by them have no row, but their names are listed.
    """
    metrics = [m for m in board.metrics if m.is_collective]
    rows = [place.row for place in standing.places]
    tables = []
    for point in standing.points:
        measured = [row for row in rows if any(_has(row, m, point) for m in metrics)]
        if measured:
            tables.append(
                {
                    "words": board.words(board.condition(point)),
                    "truth": [_truth(measured, metric.name, point) for metric in metrics],
                    "rows": [_line(board, row, metrics, point) for row in measured],
                    "missing": [row.name for row in rows if row not in measured],
                }
            )
    return {"metrics": metrics, "tables": tables} if tables else None


def _has(row: Row, metric: MetricSpecification, point: Point) -> bool:
    return point in row.conditions and metric.name in row.conditions[point]["scores"]


def _truth(rows: Sequence[Row], metric: str, point: Point) -> Cell:
    """Return the value of the labels from the first record that states it, signed ones first."""
    for row in sorted(rows, key=lambda row: not row.entry.signer):
        stated: Mapping[str, Any] = row.conditions[point].get("truth") or {}
        if metric in stated:
            ends = stated[metric]["interval"]
            return stated[metric]["value"], (ends[0], ends[1]) if ends else None
    return None, None


def _line(
    board: Board, row: Row, metrics: Sequence[MetricSpecification], point: Point
) -> dict[str, Any]:
    values = {metric.function: row.value(metric.name, point) for metric in metrics}
    spread, power = values.get("spread"), values.get("s4")
    return {
        "name": row.name,
        "score": row.value(board.primary.name, point),
        "cells": [(row.value(m.name, point), row.interval(m.name, point)) for m in metrics],
        "rescaled": power / spread**2 if power is not None and spread else None,
    }
