"""Numbers that a page's script draws: plain arrays by condition, one file a board and metric."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..metrics import MetricSpecification
from ..metrics.specification import NO_SCORE
from .boards import Board, Point, published_by_model
from .words import symbol, unit

SIGNIFICANT_DIGITS = 6
# All other metrics of which more is better end at 1.
UNBOUNDED = NO_SCORE | {"binned_slope"}


def as_script(name: str, plain: Any) -> str:
    """Return data as a script: pages opened from a folder may load scripts, not JSON."""
    import orjson

    text = orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return f"glassbench.receive({json.dumps(name)},{text});\n"


def board_data(board: Board, metric: MetricSpecification) -> dict[str, Any]:
    """Return scores, ceilings, floors and published numbers of a metric by condition."""
    primary = metric.name == board.primary.name
    return {
        "metric": {
            "name": metric.name,
            "title": metric.title,
            "higher": metric.higher_is_better,
            "bounded": metric.higher_is_better and metric.function not in UNBOUNDED,
        },
        "axes": [
            {"name": a.name, "symbol": symbol(a), "unit": unit(a.unit)} for a in board.task.axes
        ],
        "points": [list(point) for point in board.points],
        "tau": [board.tau_alpha(point) for point in board.points],
        "ceiling": _rounded([board.ceiling(metric.name, point) for point in board.points]),
        "floors": _floors(board) if primary else [],
        "models": [_model(board, row, metric.name) for row in board.rows],
        "reported": [
            {"name": name, "values": _rounded(_published(board, numbers))}
            for name, numbers in published_by_model(board, metric.name).items()
        ],
    }


def _model(board: Board, row, metric: str) -> dict[str, Any]:
    scores = row.scores
    return {
        "name": row.name,
        "title": row.entry.record["model"]["title"],
        "status": row.status,
        "record": row.entry.name,
        "values": _rounded(scores.along(scores.value.get(metric), board.points)),
        "low": _rounded(scores.along(scores.low.get(metric), board.points)),
        "high": _rounded(scores.along(scores.high.get(metric), board.points)),
    }


def _published(board: Board, numbers: Mapping[Point, Any]) -> list[float | None]:
    return [numbers[point].value if point in numbers else None for point in board.points]


def _floors(board: Board) -> list[dict[str, Any]]:
    return [
        {"name": name, "values": _rounded([values.get(point) for point in board.points])}
        for name, values in board.floors.items()
    ]


def _rounded(values: ArrayLike) -> NDArray[np.float64]:
    """Return values with a few significant digits; NaN, which a script gets as null, for None."""
    array = np.asarray(values, dtype=np.float64)
    size = np.abs(array)
    known = np.isfinite(array) & (size > 0)
    power = np.floor(np.log10(size, where=known, out=np.zeros_like(array)))
    digits = SIGNIFICANT_DIGITS - 1 - power
    # Whole numbers over powers of ten are the nearest floats to short decimals.
    up, down = 10.0 ** np.maximum(digits, 0), 10.0 ** np.maximum(-digits, 0)
    return np.where(known, np.rint(array / down * up) / up * down, array)
