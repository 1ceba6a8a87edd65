"""Numbers that a page's script draws: plain lists by condition, one file a board and metric."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..contract.units import printed
from ..metrics import MetricSpecification
from ..metrics.specification import NO_SCORE
from .boards import Board, Row, published_by_model

SIGNIFICANT_DIGITS = 6
# All other metrics of which more is better end at 1.
UNBOUNDED = NO_SCORE | {"binned_slope"}


def as_script(name: str, plain: Any) -> str:
    """Return data as a script: pages opened from a folder may load scripts, not JSON."""
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"glassbench.receive({json.dumps(name)},{text});\n"


def board_data(board: Board, metric: MetricSpecification) -> dict[str, Any]:
    """Return scores, ceilings, floors and published numbers of a metric by condition."""
    points, is_primary = board.points, metric.name == board.primary.name
    return {
        "metric": {
            "name": metric.name,
            "title": metric.title,
            "higher": metric.higher_is_better,
            "bounded": metric.higher_is_better and metric.function not in UNBOUNDED,
        },
        "axes": [
            {"name": axis.name, "symbol": printed(axis.symbol), "unit": printed(axis.unit)}
            for axis in board.task.axes
        ],
        "points": [list(point) for point in points],
        "tau": [(board.entry_at(point) or {"tau_alpha": None})["tau_alpha"] for point in points],
        "ceiling": _short(board.ceiling(metric.name, point) for point in points),
        "floors": [
            {"name": name, "values": _short(map(values.get, points))}
            for name, values in board.floors.items()
            if is_primary
        ],
        "models": [_model(board, row, metric.name) for row in board.rows],
        "reported": [
            {
                "name": name,
                "values": _short(numbers[p].value if p in numbers else None for p in points),
            }
            for name, numbers in published_by_model(board, metric.name).items()
        ],
    }


def _model(board: Board, row: Row, metric: str) -> dict[str, Any]:
    ends = [row.interval(metric, point) or (None, None) for point in board.points]
    return {
        "name": row.name,
        "title": row.title,
        "status": row.status,
        "record": row.entry.name,
        "values": _short(row.value(metric, point) for point in board.points),
        "low": _short(low for low, _ in ends),
        "high": _short(high for _, high in ends),
    }


def _short(values: Iterable[float | None]) -> list[float | None]:
    """Return values with a few significant digits."""
    return [None if v is None else float(f"{v:.{SIGNIFICANT_DIGITS}g}") for v in values]
