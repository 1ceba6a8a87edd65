"""The order of a board: one number a model, its interval, and which models share a rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..metrics import interval_of_mean, paired_difference, rank_groups
from .boards import Board, Point, Row

Ends = tuple[float, float] | None


@dataclass(frozen=True)
class Place:
    """Where a model stands on a board.

    Attributes
    ----------
    rank : shared by models that the paired test cannot tell apart; None where a
        condition is missing or undefined
    value : mean of the primary metric over the ranking conditions, None where undefined
    behind : paired difference to the first model with its interval, None for the first
    missing : number of ranking conditions without a score
    """

    row: Row
    rank: int | None
    value: float | None
    interval: Ends
    behind: float | None
    behind_interval: Ends
    missing: int


@dataclass(frozen=True)
class Standing:
    """All places of a board, best first.

    Attributes
    ----------
    points : the conditions over which is averaged
    ceiling, floor, floor_name : means over the same conditions; None where unknown
    tested : whether ranks come from paired tests
    """

    points: tuple[Point, ...]
    places: tuple[Place, ...]
    ceiling: float | None
    floor: float | None
    floor_name: str
    tested: bool


def make_standing(board: Board) -> Standing:
    """Return the order of a board."""
    points = ranking_points(board)
    vectors = {row.name: configuration_scores(board, row, points) for row in board.rows}
    complete = {name: found[0] for name, found in vectors.items() if found is not None}
    tested = board.primary.average == "configuration" and bool(complete)
    # Models of one board were scored on one dataset, so that its parents are the same.
    clusters = next((found[1] for found in vectors.values() if found is not None), ())
    same = {n: v for n, v in complete.items() if len(v) == len(clusters)}
    better = board.primary.higher_is_better
    ranks = {}
    if tested:
        ranked = rank_groups(same, clusters, higher_is_better=better)
        ranks = {model.name: model.rank for model in ranked}
    values = {row.name: mean_over(row, board.primary.name, points) for row in board.rows}
    if not tested:
        ordered = sorted((v for v in values.values() if v is not None), reverse=better)
        ranks = {n: 1 + ordered.index(v) for n, v in values.items() if v is not None}

    def order(row: Row) -> tuple:
        value = values[row.name]
        bad = value is None
        return (bad, 0.0 if bad else (-value if better else value), row.name)

    rows = sorted(board.rows, key=order)
    intervals = _intervals([row.name for row in rows], same if tested else {}, clusters)
    places = [_place(row, values, ranks, points, intervals) for row in rows]
    floor_name, floor = _best_floor(board, points)
    ceiling = _mean_of(
        [((board.at(p) or {}).get("ceiling", {}).get(board.primary.name) or {}) for p in points]
    )
    return Standing(points, tuple(places), ceiling, floor, floor_name, tested)


def ranking_points(board: Board) -> tuple[Point, ...]:
    """Return the conditions that count: those at which at least half of the models have a score.

    Where the task names default values for the dataset, only these count, if there are any.
    """
    common = [
        point
        for point in board.points
        if board.rows and 2 * sum(point in r.conditions for r in board.rows) >= len(board.rows)
    ]
    default = board.task.default_values(board.dataset)

    def is_default(point: Point) -> bool:
        condition = board.condition(point)
        return all(
            any(math.isclose(condition[axis], value, rel_tol=1e-6) for value in values)
            for axis, values in default.items()
        )

    return tuple(filter(is_default, common)) or tuple(common)


def configuration_scores(
    board: Board, row: Row, points: Sequence[Point]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a model's scores by configuration, averaged over conditions, and their parents.

    Conditions with the same configurations are averaged first. Each group then
    carries the weight of its conditions, so that the mean of what is returned
    is the mean over conditions.

    Returns
    -------
    (scores, parents), each (configurations,); None where a condition is missing
    """
    groups: dict[tuple[str, ...], list[list[list[float]]]] = {}
    parents: dict[tuple[str, ...], list[str]] = {}
    for point in points:
        entry, score = row.conditions.get(point), row.value(board.primary.name, point)
        if entry is None or score is None:
            return None
        seeds = [seed["by_configuration"] for seed in score["seeds"]]
        if not all(seeds):
            return None
        key = tuple(entry["configurations"])
        groups.setdefault(key, []).append(seeds)
        parents[key] = entry["parents"]
    if not groups:
        return None
    total = sum(len(key) for key in groups)
    weighted = [
        _mean_of_conditions(values) * total * len(values) / (len(points) * len(key))
        for key, values in groups.items()
    ]
    return np.concatenate(weighted), np.concatenate([parents[key] for key in groups])


def _mean_of_conditions(values: Sequence[list[list[float | None]]]) -> np.ndarray:
    """Return the mean (configurations,) over conditions of the mean over seeds of each.

    None becomes NaN, which stays undefined in every mean.
    """
    if len({len(seeds) for seeds in values}) == 1:
        return np.array(values, dtype=float).mean(axis=1).mean(axis=0)
    return np.mean([np.array(seeds, dtype=float).mean(axis=0) for seeds in values], axis=0)


def mean_over(row: Row, metric: str, points: Sequence[Point]) -> float | None:
    """Return the mean of a record's scores over conditions, None where one is missing."""
    return _mean_of([row.value(metric, point) or {} for point in points])


def _mean_of(scores: Sequence[Mapping[str, Any]]) -> float | None:
    values = [score.get("value") for score in scores]
    if not values or any(value is None for value in values):
        return None
    return math.fsum(values) / len(values)


def _intervals(
    names: Sequence[str], vectors: Mapping[str, np.ndarray], clusters: Sequence[str]
) -> dict[str, tuple[Ends, float | None, Ends]]:
    """Return, by model, its interval, and its paired difference to the first with an interval."""
    known = [name for name in names if name in vectors]
    if not known:
        return {}
    table = np.array([vectors[name] for name in known])
    own = interval_of_mean(table, clusters)
    # Only what stands first on the board is a reference: an undefined model may not lead.
    leads = known[0] == names[0]
    behind = paired_difference(table, np.broadcast_to(table[:1], table.shape), clusters).difference
    found = {}
    for k, name in enumerate(known):
        compared = leads and k > 0
        difference = _defined(float(behind.mean[k])) if compared else None
        ends = _ends(behind.low[k], behind.high[k]) if compared else None
        found[name] = (_ends(own.low[k], own.high[k]), difference, ends)
    return found


def _place(
    row: Row,
    values: Mapping[str, float | None],
    ranks: Mapping[str, int | None],
    points: Sequence[Point],
    intervals: Mapping[str, tuple[Ends, float | None, Ends]],
) -> Place:
    ends, behind, behind_ends = intervals.get(row.name, (None, None, None))
    missing = sum(point not in row.conditions for point in points)
    rank = ranks.get(row.name)
    return Place(row, rank, values[row.name], ends, behind, behind_ends, missing)


def _best_floor(board: Board, points: Sequence[Point]) -> tuple[str, float | None]:
    """Return the floor with the best mean over the ranking conditions."""
    by_name: dict[str, list[float | None]] = {}
    for point in points:
        for floor in (board.at(point) or {}).get("floors", ()):
            by_name.setdefault(floor["model"], []).append(floor["value"])
    means = {
        name: math.fsum(values) / len(values)
        for name, values in by_name.items()
        if len(values) == len(points) and None not in values
    }
    if not means:
        return "", None
    choose = max if board.primary.higher_is_better else min
    name = choose(means, key=means.get)
    return name, means[name]


def _ends(low: float, high: float) -> Ends:
    ends = float(low), float(high)
    return ends if all(map(math.isfinite, ends)) else None


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
