"""The order of a board: one number a model, its interval, and its rank.

Models are ranked among those of their tier of input alone: what a model reads
beyond the static structure is no merit of the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract.checked import finite, finite_ends
from ..contract.task import TIERS
from ..metrics import Interval, interval_of_mean, paired_difference, rank_groups
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from .boards import Board, Row
from .references import site_settings
from .sources import Ends, Point, by_configuration, sample_means, with_seeds
from .words import decimals_for

Vectors = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Place:
    """Where a model stands among the models of its tier; None is what is undefined or not known.

    The rank lies in [rank, lowest] by the tests. `value` is the mean of the primary metric over the
    ranking conditions, `missing` of which have no score; `samples` holds it for each independent
    sample where these are too few for an interval; `behind` is the paired difference to the best
    of the tier, None for the best.
    """

    row: Row
    rank: int | None
    value: float | None
    missing: int
    interval: Ends = None
    samples: tuple[float, ...] = ()
    lowest: int | None = None
    behind: float | None = None
    behind_interval: Ends = None


@dataclass(frozen=True)
class Standing:
    """All places of a board: by tier, those that read least before others, each best first.

    `points` are the conditions over which scores, ceiling and floor are averaged; `tested` says
    whether ranks come from paired tests; `bound` that the ceiling is the metric's largest value
    and measures no noise.
    """

    points: tuple[Point, ...]
    places: tuple[Place, ...]
    ceiling: float | None
    floor: float | None
    floor_name: str
    tested: bool
    bound: bool = False

    @cached_property
    def tiers(self) -> dict[str, list[Place]]:
        """The places by tier, in their order."""
        tiers: dict[str, list[Place]] = {}
        for place in self.places:
            tiers.setdefault(place.row.tier, []).append(place)
        return tiers

    def share(self, place: Place) -> float | None:
        """Return a place's value in units of the noise ceiling."""
        if not self.ceiling or self.bound or place.value is None:
            return None
        return place.value / self.ceiling

    @property
    def largest_share(self) -> float | None:
        """The largest share of the ceiling that any model reaches."""
        return max(filter(None, map(self.share, self.places)), default=None)

    @property
    def ceiling_words(self) -> str:
        """What the ceiling is: a measured reliability of the labels, or arithmetic."""
        return "Largest possible value" if self.bound else "Noise ceiling"

    def leaders(self, tier: str) -> list[Place]:
        """Return the models of a tier that share rank 1, the first where ranks are not known."""
        places = self.tiers[tier]
        return [place for place in places if place.rank == 1] or places[:1]

    def rank_words(self, place: Place) -> str:
        """Return a rank as every page prints it: `=2` where it is shared, a dash for none."""
        return "–" if place.rank is None else f"{'=' if self.is_shared(place) else ''}{place.rank}"

    def rank_range(self, place: Place) -> str:
        """Return the ranks that the tests admit, empty where there is one: `2–4`."""
        if place.rank is None or place.lowest in (None, place.rank):
            return ""
        return f"{place.rank}–{place.lowest}"

    def is_shared(self, place: Place) -> bool:
        """Return whether other models of the tier have the same rank."""
        return sum(other.rank == place.rank for other in self.tiers[place.row.tier]) > 1

    @property
    def states(self) -> bool:
        """Whether some of what the tables show was stated by an author alone."""
        return any(place.row.entry.stated for place in self.places)

    @property
    def decimals(self) -> int:
        """The decimals with which tables show the scores."""
        return decimals_for(place.interval for place in self.places)


Boards = Sequence[tuple[Board, Standing]]


def in_order(boards: Boards) -> list[tuple[Board, Standing]]:
    """Return the boards as readers look for them: empty and superseded ones last, by task."""
    order = [str(name) for name in site_settings()["tasks"]]

    def place(one: tuple[Board, Standing]) -> tuple[bool, bool, int, str]:
        board, name = one[0], one[0].task.name
        last = order.index(name) if name in order else len(order)
        return not board.rows, board.superseded, last, name

    return sorted(boards, key=place)


def make_standing(board: Board) -> Standing:
    points = ranking_points(board)
    scored = {row.name: configuration_scores(board, row, points) for row in board.rows}
    complete = {name: scores for name, scores in scored.items() if scores is not None}
    tested = board.primary.average == "configuration" and bool(complete)
    # Models of one board were scored on one dataset, so that its parents are the same.
    parents = next((parents for _, parents in complete.values()), [])
    vectors = {n: v for n, (v, _) in complete.items() if tested and len(v) == len(parents)}
    places: list[Place] = []
    for tier in TIERS:
        rows = [row for row in board.rows if row.tier == tier]
        places += _places_of_tier(board, rows, points, tested, vectors, parents)
    floor_name, floor = _best_floor(board, points)
    ceiling = _mean_of(board.ceiling(board.primary.name, point) for point in points)
    bound = bool(points) and all(board.is_bound(board.primary.name, point) for point in points)
    return Standing(points, tuple(places), ceiling, floor, floor_name, tested, bound)


def _places_of_tier(
    board: Board,
    rows: Sequence[Row],
    points: Sequence[Point],
    tested: bool,
    vectors: Vectors,
    parents: Sequence[str],
) -> list[Place]:
    """Return the places of the models of one tier, best first.

    `vectors` holds the scores by configuration of the models that can be compared.
    """
    better = board.primary.higher_is_better
    values = {row.name: mean_over(row, board.primary.name, points) for row in rows}
    own = {row.name: vectors[row.name] for row in rows if row.name in vectors}
    ranks: dict[str, tuple[int | None, int | None]] = {}
    if not tested:
        ordered = sorted((v for v in values.values() if v is not None), reverse=better)
        ranks = {n: (1 + ordered.index(v), None) for n, v in values.items() if v is not None}
    elif own:
        ranked = rank_groups(own, parents, higher_is_better=better)
        ranks = {model.name: (model.rank, model.lowest) for model in ranked}

    def order(row: Row) -> tuple[bool, float, str]:
        value = values[row.name]
        return (value is None, (-1 if better else 1) * (value or 0.0), row.name)

    few = len(set(parents)) < FEWEST_FOR_INTERVAL
    places: list[Place] = []
    for row in sorted(rows, key=order):
        more: dict[str, Any] = {}
        if row.name in own:
            if few:
                more["samples"] = _sample_values(board, row, points)
            else:
                ends = _ends(interval_of_mean(own[row.name], parents))
                more["interval"] = with_seeds(ends, _seed_values(board, row, points))
            # A model whose score is undefined is no reference.
            if places and places[0].row.name in own:
                best = own[places[0].row.name]
                difference = paired_difference(own[row.name], best, parents).difference
                more["behind"] = finite(float(difference.mean))
                more["behind_interval"] = None if few else _ends(difference)
        missing = sum(point not in row.conditions for point in points)
        rank, more["lowest"] = ranks.get(row.name, (None, None))
        places.append(Place(row, rank, values[row.name], missing, **more))
    return places


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
) -> tuple[NDArray[np.float64], list[str]] | None:
    """Return a model's scores by configuration, averaged over conditions, and their parents.

    Conditions with the same configurations are averaged first. Each group then carries the weight
    of its conditions, so that the mean of what is returned is the mean over conditions. Both are
    (configurations,); None where a condition is missing.
    """
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[NDArray[np.float64]]] = {}
    for point in points:
        entry = row.conditions.get(point)
        values = None if entry is None else by_configuration(entry, board.primary.name)
        if entry is None or values is None:
            return None
        key = (tuple(entry["configurations"]), tuple(entry["parents"]))
        groups.setdefault(key, []).append(values)
    if not groups:
        return None
    total = sum(len(names) for names, _ in groups)
    weighted = [
        np.mean(values, axis=0) * (total * len(values) / (len(points) * len(names)))
        for (names, _), values in groups.items()
    ]
    return np.concatenate(weighted), [parent for _, parents in groups for parent in parents]


def mean_over(row: Row, metric: str, points: Sequence[Point]) -> float | None:
    """Return the mean of a record's scores over conditions, None where one is missing."""
    return _mean_of(row.value(metric, point) for point in points)


def _mean_of(values: Iterable[float | None]) -> float | None:
    known = list(values)
    whole = [value for value in known if value is not None]
    return math.fsum(whole) / len(whole) if whole and len(whole) == len(known) else None


def _sample_values(board: Board, row: Row, points: Sequence[Point]) -> tuple[float, ...]:
    """Return the value of each independent sample, the mean over the conditions that have it."""
    by_sample: dict[str, list[float]] = {}
    for point in points:
        for name, value in sample_means(row.conditions[point], board.primary.name).items():
            by_sample.setdefault(name, []).append(value)
    return tuple(math.fsum(values) / len(values) for _, values in sorted(by_sample.items()))


def _seed_values(board: Board, row: Row, points: Sequence[Point]) -> list[float | None]:
    """Return the mean over conditions of each seed, None where one is missing."""
    scores = [row.conditions[point]["scores"][board.primary.name]["seeds"] for point in points]
    by_seed = [{seed["seed"]: seed["value"] for seed in seeds} for seeds in scores]
    return [_mean_of(values.get(seed) for values in by_seed) for seed in by_seed[0]]


def _best_floor(board: Board, points: Sequence[Point]) -> tuple[str, float | None]:
    """Return the floor with the best mean over the ranking conditions."""
    means = {name: _mean_of(map(values.get, points)) for name, values in board.floors.items()}
    known = {name: mean for name, mean in means.items() if mean is not None}
    choose = max if board.primary.higher_is_better else min
    name = choose(known, key=known.__getitem__, default="")
    return name, known.get(name)


def _ends(interval: Interval) -> Ends:
    ends = finite_ends(interval)
    return None if ends is None else (ends[0], ends[1])
