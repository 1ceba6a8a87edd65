"""Boards: the records of one task, protocol version and dataset, which alone are compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ..contract.model_card import ModelCard
from ..contract.reported import ReportedNumber, plain_name, read_reported
from ..contract.task import INPUT_TIERS, Task
from ..metrics import MetricSpecification
from .scores import ConditionEntry, Ends, Point, shown_interval
from .sources import Entry, Sources
from .words import condition_words, safe_name

Tier = Literal["thermal", "inherent", "cage", "dynamics"]
NO_CONDITION: ConditionEntry = {"scores": {}, "ceiling": {}, "parents": ()}


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
    def title(self) -> str:
        return self.entry.record["model"]["title"]

    @property
    def conditions(self) -> Mapping[Point, ConditionEntry]:
        return self.entry.conditions

    @property
    def tier(self) -> Tier:
        """The tier of its input that goes furthest beyond the thermal positions."""
        return max(self.entry.record["model"]["reads"], key=INPUT_TIERS.index)

    def value(self, metric: str, point: Point) -> float | None:
        """Return a score at a condition, None where there is none."""
        score = self.conditions.get(point, NO_CONDITION)["scores"].get(metric)
        return None if score is None else score["value"]

    def interval(self, metric: str, point: Point) -> Ends:
        """Return the interval of a score, None where there is none or samples are too few."""
        entry = self.conditions.get(point, NO_CONDITION)
        score = entry["scores"].get(metric)
        return None if score is None else shown_interval(entry, score["interval"])

    def ceiling(self, metric: str, point: Point) -> float | None:
        """Return the noise ceiling that the record knows at a condition."""
        ceiling = self.conditions.get(point, NO_CONDITION)["ceiling"].get(metric)
        return None if ceiling is None else ceiling["value"]


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
    def main(self) -> bool:
        """Whether this is the board of its task that the home page shows."""
        return self.name == safe_name(self.task.name)

    @property
    def superseded(self) -> bool:
        return self.protocol_version != self.task.protocol_version

    def words(self, point: Point, axes: Iterable[str] | None = None) -> str:
        """Return a condition in words, all axes or some."""
        return condition_words(self.task, self.condition(point), axes)

    def condition(self, point: Point) -> dict[str, float]:
        return dict(zip((axis.name for axis in self.task.axes), point))

    def ceiling(self, metric: str, point: Point) -> float | None:
        """Return the noise ceiling of a metric at a condition, or None where none is known."""
        ceilings = (row.ceiling(metric, point) for row in self.rows)
        return next((ceiling for ceiling in ceilings if ceiling is not None), None)

    def entry_at(self, point: Point) -> ConditionEntry | None:
        """Return what the first record with a condition says of it, None where none has it."""
        return next((row.conditions[point] for row in self.rows if point in row.conditions), None)

    def parents(self, point: Point) -> tuple[str, ...]:
        """Return the independent sample of each test configuration at a condition."""
        return tuple((self.entry_at(point) or NO_CONDITION)["parents"])

    @cached_property
    def floors(self) -> dict[str, dict[Point, float]]:
        """The primary metric of the trivial floors by name, at the conditions where it is known.

        The record of a floor leaves itself out of its floors, so that every record is asked.
        """
        floors: dict[str, dict[Point, float]] = {}
        for row in self.rows:
            for point, entry in row.conditions.items():
                for floor in entry["floors"]:
                    if floor["value"] is not None:
                        floors.setdefault(floor["model"], {}).setdefault(point, floor["value"])
        return dict(sorted(floors.items()))


def make_boards(sources: Sources) -> list[Board]:
    """Return all boards: by task, each task's main board first."""
    boards = []
    for task in sources.tasks.values():
        entries = [e for e in sources.entries if e.record["task"]["name"] == task.name]
        boards += _boards_of(task, entries, sources.cards)
    return boards


def point_of(task: Task, condition: Mapping[str, float]) -> Point:
    """Return the values of a condition in the order of the task's axes."""
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
        old, empty = version != task.protocol_version, not groups[key]
        # A board of an older protocol comes before one that nobody stands on yet.
        return (empty, old, not default, -len(groups[key]), name, digest)

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
    points = {point for row in rows for point in row.conditions}
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
    published: dict[str, dict[Point, ReportedNumber]] = {}
    for number in board.reported:
        if number.metric == metric:
            wanted = point_of(board.task, number.condition)
            point = next(p for p in board.points if same_point(p, wanted))
            published.setdefault(number.model, {})[point] = number
    return dict(sorted(published.items(), key=lambda item: plain_name(item[0])))


def condition_heads(board: Board, points: Sequence[Point]) -> list[tuple[Point, str]]:
    """Return conditions in words, without the axes on which all agree."""
    axes = _varying_axes(board, points) or [axis.name for axis in board.task.axes]
    return [(point, board.words(point, axes)) for point in points]


def common_words(board: Board, points: Sequence[Point]) -> str:
    """Return in words what all conditions share, empty where that is nothing or everything."""
    varying = _varying_axes(board, points)
    if not points or not varying:
        return ""
    return board.words(points[0], [a.name for a in board.task.axes if a.name not in varying])


def _varying_axes(board: Board, points: Sequence[Point]) -> list[str]:
    names = [axis.name for axis in board.task.axes]
    return [name for k, name in enumerate(names) if len({point[k] for point in points}) > 1]
