"""The order of a board: one number a model, its interval, and which models share a rank.

Models are ranked among those of their tier of input alone: what a model reads
beyond the static structure is no merit of the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..contract.finite import finite
from ..contract.task import INPUT_TIERS
from ..metrics import interval_of_mean, paired_difference, rank_groups
from .boards import Board, Row
from .scores import Ends, Point, known_values


@dataclass(frozen=True)
class Place:
    """Where a model stands among the models of its tier.

    Attributes
    ----------
    rank : shared by models that the paired test cannot tell apart; None where a
        condition is missing or undefined
    value : mean of the primary metric over the ranking conditions, None where undefined
    behind : paired difference to the first model of the tier with its interval, None for the first
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
    """All places of a board: by tier, those that read least before others, each best first.

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

    @cached_property
    def tiers(self) -> dict[str, list[Place]]:
        """The places by tier, in their order."""
        found: dict[str, list[Place]] = {}
        for place in self.places:
            found.setdefault(place.row.tier, []).append(place)
        return found


def make_standing(board: Board) -> Standing:
    """Return the order of a board."""
    points = ranking_points(board)
    vectors = {row.name: configuration_scores(board, row, points) for row in board.rows}
    complete = {name: found[0] for name, found in vectors.items() if found is not None}
    tested = board.primary.average == "configuration" and bool(complete)
    # Models of one board were scored on one dataset, so that its parents are the same.
    clusters = next((found[1] for found in vectors.values() if found is not None), ())
    same = {n: v for n, v in complete.items() if len(v) == len(clusters)}
    places: list[Place] = []
    for tier in INPUT_TIERS:
        rows = [row for row in board.rows if row.tier == tier]
        places += _places_of_tier(board, rows, points, same if tested else None, clusters)
    floor_name, floor = _best_floor(board, points)
    ceiling = _mean_of([board.ceiling(board.primary.name, point) for point in points])
    return Standing(points, tuple(places), ceiling, floor, floor_name, tested)


def _places_of_tier(
    board: Board,
    rows: Sequence[Row],
    points: Sequence[Point],
    vectors: Mapping[str, np.ndarray] | None,
    clusters: Sequence[str],
) -> list[Place]:
    """Return the places of the models of one tier, best first.

    `vectors` holds the scores by configuration where ranks come from paired
    tests, and is None where they follow the values.
    """
    better = board.primary.higher_is_better
    values = {row.name: mean_over(row, board.primary.name, points) for row in rows}
    if vectors is None:
        own = {}
        ordered = sorted((v for v in values.values() if v is not None), reverse=better)
        ranks = {n: 1 + ordered.index(v) for n, v in values.items() if v is not None}
    else:
        own = {row.name: vectors[row.name] for row in rows if row.name in vectors}
        ranked = rank_groups(own, clusters, higher_is_better=better) if own else ()
        ranks = {model.name: model.rank for model in ranked}

    def order(row: Row) -> tuple:
        value = values[row.name]
        bad = value is None
        return (bad, 0.0 if bad else (-value if better else value), row.name)

    rows = sorted(rows, key=order)
    intervals = _intervals([row.name for row in rows], own, clusters)
    return [_place(row, values, ranks, points, intervals) for row in rows]


def ranking_points(board: Board) -> tuple[Point, ...]:
    """Return the conditions that count: those at which at least half of the models have a score.

    Where the task names default values for the dataset, only these count, if there are any.
    """
    common = [
        point
        for point in board.points
        if board.rows and 2 * sum(point in r.scores.place for r in board.rows) >= len(board.rows)
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
    wanted = {row.scores.place.get(point) for point in points}
    chosen = [np.isin(group.places, list(wanted - {None})) for group in row.scores.groups]
    if not points or sum(mask.sum() for mask in chosen) < len(points):
        return None
    groups = [(g, mask) for g, mask in zip(row.scores.groups, chosen, strict=True) if mask.any()]
    total = sum(len(group.configurations) for group, _ in groups)
    weighted = [
        group.values[mask].mean(axis=0)
        * (total * mask.sum() / (len(points) * len(group.configurations)))
        for group, mask in groups
    ]
    return np.concatenate(weighted), np.concatenate([group.parents for group, _ in groups])


def mean_over(row: Row, metric: str, points: Sequence[Point]) -> float | None:
    """Return the mean of a record's scores over conditions, None where one is missing."""
    return _mean_of(known_values(row.scores.along(row.scores.value.get(metric), points)))


def _mean_of(values: Sequence[float | None]) -> float | None:
    if not values or any(value is None for value in values):
        return None
    return math.fsum(values) / len(values)


def _intervals(
    names: Sequence[str], vectors: Mapping[str, np.ndarray], clusters: Sequence[str]
) -> dict[str, tuple[Ends, float | None, Ends]]:
    """Return, by model, its interval, and its paired difference to the first, with an interval."""
    known = [name for name in names if name in vectors]
    if not known:
        return {}
    table = np.array([vectors[name] for name in known])
    own = interval_of_mean(table, clusters)
    # Only what stands first is a reference: an undefined model may not lead.
    leads = known[0] == names[0]
    behind = paired_difference(table, np.broadcast_to(table[:1], table.shape), clusters).difference
    found = {}
    for k, name in enumerate(known):
        compared = leads and k > 0
        difference = finite(float(behind.mean[k])) if compared else None
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
    missing = sum(point not in row.scores.place for point in points)
    rank = ranks.get(row.name)
    return Place(row, rank, values[row.name], ends, behind, behind_ends, missing)


def _best_floor(board: Board, points: Sequence[Point]) -> tuple[str, float | None]:
    """Return the floor with the best mean over the ranking conditions."""
    means = {
        name: math.fsum(values[point] for point in points) / len(points)
        for name, values in board.floors.items()
        if points and all(point in values for point in points)
    }
    if not means:
        return "", None
    choose = max if board.primary.higher_is_better else min
    name = choose(means, key=means.get)
    return name, means[name]


def _ends(low: float, high: float) -> Ends:
    ends = float(low), float(high)
    return ends if all(map(math.isfinite, ends)) else None
