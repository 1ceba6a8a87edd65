"""Numbers that a page's script draws: plain lists by condition, one file a board and metric."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..contract.errors import escaped
from ..contract.task import Axis
from ..contract.units import printed
from ..metrics import MetricSpecification
from ..metrics.bootstrap import DRAWS, FEWEST_FOR_INTERVAL, tail_share
from ..metrics.specification import NO_SCORE
from .boards import Board, Row
from .scores import Point, samples_of
from .standing import Boards
from .words import axis_unit

SIGNIFICANT_DIGITS = 6
# All other metrics of which more is better end at 1.
UNBOUNDED = NO_SCORE | {"binned_slope"}


def as_script(name: str, plain: Any) -> str:
    """Return data as a script: pages opened from a folder may load scripts, not JSON."""
    text = escaped(json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    return f"glassbench.receive({json.dumps(name)},{text});\n"


def board_data(board: Board, metric: MetricSpecification) -> dict[str, Any]:
    """Return scores, ceilings, floors and published numbers of a metric by condition."""
    points, is_primary = board.points, metric.name == board.primary.name
    bounded = metric.higher_is_better and metric.function not in UNBOUNDED
    return {
        "metric": {**_metric(metric), "bounded": bounded},
        "axes": [_axis(axis, printed(axis.unit)) for axis in board.task.axes],
        "points": points,
        "tau": [(board.entry_at(point) or {"tau_alpha": None})["tau_alpha"] for point in points],
        "ceiling": _short(board.ceiling(metric.name, point) for point in points),
        "floors": [
            {"name": name, "values": _short(map(values.get, points))}
            for name, values in board.floors.items()
            if is_primary
        ],
        "models": [
            {**_model(row), **_scores(row, metric.name, board.points)} for row in board.rows
        ],
        "reported": [
            {
                "name": name,
                "values": _short(numbers[p].value if p in numbers else None for p in points),
            }
            for name, numbers in board.published(metric.name).items()
        ],
    }


def compare_index(boards: Boards) -> str:
    """Return, as a script, the boards and models that the page of comparisons offers."""
    entries = [e for board, _ in boards for row in board.rows for e in row.conditions.values()]
    samples = sorted({samples_of(entry) for entry in entries})
    plain = {
        "draws": DRAWS,
        "shares": {str(n): tail_share(0.95, n) for n in samples if n >= FEWEST_FOR_INTERVAL},
        "boards": [
            {
                "name": board.name,
                "title": f"{board.task.title}, {board.dataset}",
                "axes": [_axis(axis, axis_unit(axis)) for axis in board.task.axes],
                "metrics": [_metric(m) for m in board.metrics if m.average == "configuration"],
                "models": [_model(place.row) for place in standing.places],
            }
            for board, standing in boards
            if board.rows
        ],
    }
    return as_script("index", plain)


def _metric(metric: MetricSpecification) -> dict[str, Any]:
    return {"name": metric.name, "title": metric.title, "higher": metric.higher_is_better}


def _axis(axis: Axis, unit: str) -> dict[str, str]:
    return {"name": axis.name, "symbol": printed(axis.symbol), "unit": unit}


def _model(row: Row) -> dict[str, str]:
    return {"name": row.name, "title": row.title, "status": row.status, "record": row.entry.name}


def _scores(row: Row, metric: str, points: Sequence[Point]) -> dict[str, Any]:
    ends = [row.interval(metric, point) or (None, None) for point in points]
    return {
        "values": _short(row.value(metric, point) for point in points),
        "low": _short(low for low, _ in ends),
        "high": _short(high for _, high in ends),
    }


def _short(values: Iterable[float | None]) -> list[float | None]:
    """Return values with a few significant digits."""
    return [None if v is None else float(f"{v:.{SIGNIFICANT_DIGITS}g}") for v in values]
