"""Published numbers: rows of a board, tables by temperature, the best over the years."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.task import ReportedNumber, plain_name
from ..metrics import MetricSpecification
from .boards import Board
from .references import card_of_reported, reference_of_reported
from .sources import Point
from .standing import Standing
from .words import condition_words


def published_rows(
    board: Board, standing: Standing, models: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return one row a published model, with its name among `models`; means where complete."""
    published = board.published(board.primary.name)
    return [
        {
            "name": name,
            "model": card_of_reported(name, models),
            "value": value,
            "count": len(published[name]),
            "reference": reference_of_reported(name),
        }
        for name, value in board.published_means(standing.points)
    ]


def published_tables(board: Board) -> list[dict[str, Any]]:
    """Return one table for each metric and temperature of the published numbers."""
    tables = []
    for metric in board.metrics:
        numbers = board.published(metric.name)
        known = {point for values in numbers.values() for point in values}
        for first in sorted({point[0] for point in known}):
            points = sorted(point for point in known if point[0] == first)
            if len(points) > 1:
                tables.append(_table(board, metric, numbers, points))
    return tables


def beside(board: Board, name: str) -> str:
    """Return in words what was published of a model at a temperature of the board, on other data.

    It is the number at the time nearest to the relaxation time; empty where there is none.
    """
    temperatures = {point[0] for point in board.points}
    best: tuple[float, ReportedNumber] | None = None
    for number in board.elsewhere:
        if number.metric != board.primary.name or not card_of_reported(number.model, [name]):
            continue
        point = board.point(number.condition)
        named = board.task.datasets.get(number.dataset)
        taus = {float(key): tau for key, tau in (named.tau_alpha if named else {}).items()}
        tau = next((tau for key, tau in taus.items() if math.isclose(key, point[0])), None)
        same = any(math.isclose(point[0], other) for other in temperatures)
        if tau and same:
            away = abs(math.log(point[-1] / tau))
            if best is None or away < best[0]:
                best = away, number
    if best is None:
        return ""
    number = best[1]
    where = condition_words(board.task, dict(number.condition.values))
    whose = "" if plain_name(number.model) == plain_name(name) else f"{number.model} "
    return f"published: {whose}{number.value:.2f} at {where} ({number.dataset})"


def _table(
    board: Board,
    metric: MetricSpecification,
    numbers: Mapping[str, Mapping[Point, ReportedNumber]],
    points: Sequence[Point],
) -> dict[str, Any]:
    """Return the rows of one table: at the relaxation time, at best, and the mean over times.

    The rank is that of the value at the time nearest to the relaxation time, or of the best value
    where that is unknown: publications give no scores by configuration, so that nothing is tested.
    """
    tau = board.tau_alpha(points[0])
    scaled = {point: point[-1] / tau if tau else point[-1] for point in points}
    near = min(points, key=lambda p: abs(math.log(scaled[p]))) if tau else None
    sign = -1 if metric.higher_is_better else 1
    rows: list[dict[str, Any]] = []
    for name, published in numbers.items():
        values = {point: published[point].value for point in points if point in published}
        if values:
            best = min(values, key=lambda p: sign * values[p])
            rows.append(
                {
                    "name": name,
                    "reference": reference_of_reported(name),
                    "at_tau": values.get(near) if near else None,
                    "best": values[best],
                    "best_at": scaled[best],
                    "mean": math.fsum(values.values()) / len(values),
                    "values": [values.get(point) for point in points],
                }
            )
    by = "at_tau" if near else "best"
    known = sorted(sign * row[by] for row in rows if row[by] is not None)
    for row in rows:
        row["rank"] = None if row[by] is None else 1 + known.index(sign * row[by])
    rows.sort(key=lambda row: (row["rank"] is None, row["rank"] or 0, row["name"]))
    condition = board.condition(points[0])
    return {
        "metric": metric,
        "words": condition_words(board.task, condition, [board.task.axes[0].name]),
        "tau": tau,
        "times": [(point[-1], scaled[point]) for point in points],
        "time": board.task.axes[-1],
        "rows": rows,
    }


def state_of_the_art(board: Board) -> list[dict[str, Any]]:
    """Return, by temperature, the best published score at the relaxation time over the years.

    Models whose publication is not among the references have no year and are left out.
    """
    lines = []
    sign = 1 if board.primary.higher_is_better else -1
    for table in published_tables(board):
        if table["metric"] is not board.primary or not table["tau"]:
            continue
        dated = [r for r in table["rows"] if r["reference"] and r["at_tau"] is not None]
        best: list[dict[str, Any]] = []
        for year in sorted({row["reference"].year for row in dated}):
            of_year = [row for row in dated if row["reference"].year == year]
            top = max(of_year, key=lambda row: sign * row["at_tau"])
            if not best or sign * (top["at_tau"] - best[-1]["value"]) > 0:
                best.append({"year": year, "name": top["name"], "value": top["at_tau"]})
        if best:
            lines.append({"words": table["words"], "best": best})
    return lines
