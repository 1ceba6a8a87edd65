"""Boards: the records of one task, protocol version and dataset, which alone are compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..contract.model_card import ModelCard
from ..contract.reported import ReportedNumber, plain_name, read_reported
from ..contract.task import INPUT_TIERS, Task
from ..metrics import MetricSpecification
from .scores import Point, Scores, known
from .sources import Entry, Sources
from .words import condition_words, safe_name


@dataclass(frozen=True)
class Row:
    """A model on a board, by the record that stands for it.

    Attributes
    ----------
    earlier : records of the same model on this board that are not shown
    """

    entry: Entry
    card: ModelCard | None
    earlier: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return self.entry.record["model"]["name"]

    @property
    def status(self) -> str:
        return self.entry.record["status"]

    @property
    def scores(self) -> Scores:
        return self.entry.scores

    @property
    def tier(self) -> str:
        """The tier of its input that goes furthest beyond the thermal positions."""
        return max(self.entry.record["model"]["reads"], key=INPUT_TIERS.index)


@dataclass(frozen=True)
class Board:
    """What is compared with each other.

    Attributes
    ----------
    name : name of its page
    digest : of the dataset, empty where only published numbers are known
    points : conditions as tuples of values on the task's axes, ordered
    reported : published numbers on this dataset
    """

    name: str
    task: Task
    protocol_version: int
    dataset: str
    digest: str
    rows: tuple[Row, ...]
    points: tuple[Point, ...]
    reported: tuple[ReportedNumber, ...]

    @cached_property
    def metrics(self) -> tuple[MetricSpecification, ...]:
        """Metrics of the task, the primary one first."""
        return tuple(sorted(self.task.metrics, key=lambda metric: not metric.primary))

    @property
    def primary(self) -> MetricSpecification:
        return self.metrics[0]

    @property
    def superseded(self) -> bool:
        return self.protocol_version != self.task.protocol_version

    @cached_property
    def _words(self) -> dict[Point, str]:
        return {}

    def words(self, point: Point) -> str:
        """Return a condition in words; it is asked for again and again."""
        if point not in self._words:
            self._words[point] = condition_words(self.task, self.condition(point))
        return self._words[point]

    def condition(self, point: Point) -> dict[str, float]:
        return dict(zip((axis.name for axis in self.task.axes), point))

    @cached_property
    def _told_by(self) -> dict[Point, tuple[Scores, int]]:
        """Who tells what belongs to the data at a condition: the first model that has it."""
        return {
            point: (row.scores, place)
            for row in reversed(self.rows)
            for point, place in row.scores.place.items()
        }

    def ceiling(self, metric: str, point: Point) -> float | None:
        """Return the noise ceiling of a metric at a condition, or None where none is known."""
        scores, place = self._told_by.get(point, (None, 0))
        if scores is None or metric not in scores.ceiling:
            return None
        return known(scores.ceiling[metric][place])

    @cached_property
    def floors(self) -> dict[str, dict[Point, float]]:
        """The primary metric of the trivial floors by name, at the conditions where it is known.

        The record of a floor tells all floors but itself, so that every record is asked.
        """
        found: dict[str, dict[Point, float]] = {}
        for row in self.rows:
            for name, values in row.scores.floors.items():
                told = found.setdefault(name, {})
                for point, value in zip(row.scores.points, values.tolist(), strict=True):
                    if value == value:
                        told.setdefault(point, value)
        return dict(sorted(found.items()))

    def tau_alpha(self, point: Point) -> float | None:
        """Return the relaxation time at a condition, or None where none is known."""
        scores, place = self._told_by.get(point, (None, 0))
        return None if scores is None else known(scores.tau_alpha[place])

    def parents(self, point: Point) -> tuple[str, ...]:
        """Return the independent sample of each configuration at a condition."""
        scores, place = self._told_by.get(point, (None, 0))
        return () if scores is None else scores.parents[place]


def make_boards(sources: Sources) -> list[Board]:
    """Return all boards: by task, each task's main board first."""
    boards = []
    for task in sources.tasks.values():
        entries = [e for e in sources.entries if e.record["task"]["name"] == task.name]
        boards += _boards_of(task, entries, sources.cards)
    return boards


def point_of(task: Task, condition: Mapping[str, float]) -> Point:
    return tuple(float(condition[axis.name]) for axis in task.axes)


def _boards_of(task: Task, entries: Iterable[Entry], cards: Mapping[str, ModelCard]) -> list[Board]:
    groups: dict[tuple[int, str, str], list[Entry]] = {}
    for entry in entries:
        record = entry.record
        key = (record["task"]["protocol_version"], record["dataset"]["digest"])
        name = record["dataset"]["name"]
        groups.setdefault((key[0], key[1], name), []).append(entry)
    reported = read_reported(task)
    for name in dict.fromkeys(number.dataset for number in reported):
        if not any(key[2] == name for key in groups):
            groups[(task.protocol_version, "", name)] = []

    def prominence(key: tuple[int, str, str]) -> tuple:
        version, digest, name = key
        default = name == task.default_dataset
        return (version != task.protocol_version, not default, -len(groups[key]), name, digest)

    keys = sorted(groups, key=prominence)
    if not keys:
        keys = [(task.protocol_version, "", task.default_dataset)]
        groups[keys[0]] = []
    return [_board(task, key, groups[key], cards, reported, key == keys[0]) for key in keys]


def _board(
    task: Task,
    key: tuple[int, str, str],
    entries: Sequence[Entry],
    cards: Mapping[str, ModelCard],
    reported: Sequence[ReportedNumber],
    main: bool,
) -> Board:
    version, digest, dataset = key
    published = tuple(n for n in reported if n.dataset == dataset)
    published = published if version == task.protocol_version else ()
    rows = _rows(entries, cards)
    points = {point for row in rows for point in row.scores.points}
    for number in published:
        point = point_of(task, number.condition)
        if not any(same_point(point, other) for other in points):
            points.add(point)
    name = task.name
    if not main:
        short = digest.rpartition(":")[2][:8]
        name = "--".join(filter(None, [task.name, dataset, short]))
        name += f"--v{version}" if version != task.protocol_version else ""
    return Board(
        safe_name(name), task, version, dataset, digest, rows, tuple(sorted(points)), published
    )


def _rows(entries: Iterable[Entry], cards: Mapping[str, ModelCard]) -> tuple[Row, ...]:
    """Return one row a model: its record that none supersedes, verified before measured,
    then with more conditions, then newer.
    """
    entries = list(entries)
    superseded = {entry.record.get("supersedes") for entry in entries}
    by_model: dict[str, list[Entry]] = {}
    for entry in entries:
        by_model.setdefault(entry.record["model"]["name"], []).append(entry)

    def preference(entry: Entry) -> tuple:
        record = entry.record
        verified = record["status"] == "verified"
        current = entry.path.stem not in superseded
        return (current, verified, len(record["conditions"]), record["created"], entry.name)

    rows = []
    for name, of_model in sorted(by_model.items()):
        first, *others = sorted(of_model, key=preference, reverse=True)
        rows.append(Row(first, cards.get(name), tuple(others)))
    return tuple(rows)


def same_point(one: Point, other: Point) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(one, other, strict=True))


def published_by_model(board: Board, metric: str) -> dict[str, dict[Point, ReportedNumber]]:
    """Return the published numbers of a metric by model and condition of the board."""
    found: dict[str, dict[Point, ReportedNumber]] = {}
    for number in board.reported:
        if number.metric == metric:
            wanted = point_of(board.task, number.condition)
            point = next(p for p in board.points if same_point(p, wanted))
            found.setdefault(number.model, {})[point] = number
    return dict(sorted(found.items(), key=lambda item: plain_name(item[0])))
