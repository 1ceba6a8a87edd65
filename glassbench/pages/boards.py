"""Boards: the records of one task, protocol version and dataset, which alone are compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..contract.model_card import ModelCard, Tier
from ..contract.task import TIERS, ReportedNumber, Task, plain_name, read_reported
from ..metrics import MetricSpecification
from .sources import (
    ConditionEntry,
    Ends,
    Entry,
    Point,
    Sources,
    is_reimplemented,
    point_of,
    reductions,
    shown_interval,
    training_configurations,
    with_seeds,
)
from .words import condition_words, safe_name

# Of records that are compared with each other: the target that was asked for in place of the task's
# own, empty for that, and where models were trained in place of where they are tested.
Kind = tuple[str, tuple[tuple[str, float], ...]]
STANDARD: Kind = ("", ())
NO_CONDITION: ConditionEntry = {"scores": {}, "ceiling": {}, "parents": ()}


@dataclass(frozen=True)
class Row:
    """A model on a board, by the record that stands for it; `earlier` ones are not shown."""

    entry: Entry
    card: ModelCard | None
    earlier: tuple[Entry, ...]

    @property
    def model(self) -> str:
        return self.entry.record["model"]["name"]

    @property
    def name(self) -> str:
        """The model's name, with the positions that it was given where these are chosen."""
        usual = self.card.reads if self.card else ()
        reads = self.entry.record["model"]["reads"]
        if not usual or "positions" not in self.entry.record["hyperparameters"]:
            return self.model
        return self.model if reads[0] == usual[0] else f"{self.model}, {reads[0]} positions"

    @property
    def status(self) -> Literal["measured", "verified"]:
        return self.entry.status

    @property
    def authors(self) -> tuple[str, ...]:
        """The authors as the record names them, as the card does where it names none."""
        stated = self.entry.record["model"].get("authors")
        return tuple(stated) if stated else self.card.authors if self.card else ()

    @property
    def title(self) -> str:
        return self.entry.record["model"]["title"]

    @property
    def is_reimplemented(self) -> bool:
        """Whether GlassBench wrote the model after a method of others."""
        return is_reimplemented(self.card)

    @cached_property
    def reduced(self) -> tuple[str, ...]:
        """In what the record falls short of the published settings: `8 of 1000 epochs`."""
        return reductions(self.entry, self.card)

    @property
    def conditions(self) -> Mapping[Point, ConditionEntry]:
        return self.entry.conditions

    @property
    def tier(self) -> Tier:
        """The tier of its input that goes furthest beyond the thermal positions."""
        return max(self.entry.record["model"]["reads"], key=TIERS.index)

    def scores(self, point: Point) -> Mapping[str, Any]:
        return self.conditions.get(point, NO_CONDITION)["scores"]

    def rescaled(self, metrics: Sequence[MetricSpecification], point: Point) -> float | None:
        """Return S_4 with the spread of the prediction stretched to that of the truth."""
        values = {metric.function: self.value(metric.name, point) for metric in metrics}
        spread, power = values.get("spread"), values.get("s4")
        return power / spread**2 if power is not None and spread else None

    def value(self, metric: str, point: Point) -> float | None:
        score = self.scores(point).get(metric)
        return None if score is None else score["value"]

    def interval(self, metric: str, point: Point) -> Ends:
        """Return the interval of a score, None where there is none or samples are too few.

        It includes the spread over seeds where there are three or more.
        """
        entry = self.conditions.get(point, NO_CONDITION)
        score = entry["scores"].get(metric)
        if score is None:
            return None
        seeds = [seed["value"] for seed in score["seeds"]]
        return with_seeds(shown_interval(entry, score["interval"]), seeds)

    def ceiling(self, metric: str, point: Point) -> float | None:
        ceiling = self.conditions.get(point, NO_CONDITION)["ceiling"].get(metric)
        return None if ceiling is None else ceiling["value"]


@dataclass(frozen=True)
class Board:
    """Records that are compared with each other, and `reported` numbers on the same dataset.

    `digest` of the dataset is empty where only published numbers are known; `points` are the
    conditions in order, as values on the task's axes; `elsewhere` was published on other datasets.
    """

    name: str
    task: Task
    protocol_version: int
    dataset: str
    digest: str
    rows: tuple[Row, ...]
    points: tuple[Point, ...]
    reported: tuple[ReportedNumber, ...]
    elsewhere: tuple[ReportedNumber, ...] = ()
    trained: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The dataset, with target, place of training and protocol where they are not the usual."""
        target = self.task.other_target.replace("_", " ")
        trained = [f"{self.task.axis(a).symbol} = {v:g}" for a, v in self.trained.items()]
        parts = [self.dataset, target, f"trained at {', '.join(trained)}" if trained else ""]
        parts += [f"superseded protocol {self.protocol_version}"] if self.superseded else []
        return ", ".join(filter(None, parts))

    @cached_property
    def metrics(self) -> tuple[MetricSpecification, ...]:
        """Metrics of the task, the primary one first."""
        return tuple(sorted(self.task.metrics, key=lambda metric: not metric.primary))

    @property
    def primary(self) -> MetricSpecification:
        return self.metrics[0]

    @cached_property
    def vouched(self) -> list[Row]:
        """The rows, signed ones first: what all share is taken from the first that knows it."""
        return sorted(self.rows, key=lambda row: not row.entry.signer)

    @property
    def main(self) -> bool:
        """Whether this is the board of its task that the home page shows."""
        return self.name == safe_name(self.task.name)

    @property
    def superseded(self) -> bool:
        return self.protocol_version != self.task.protocol_version

    def words(self, condition: Mapping[str, float]) -> str:
        return condition_words(self.task, condition)

    def condition(self, point: Point) -> dict[str, float]:
        return dict(zip((axis.name for axis in self.task.axes), point))

    def point(self, condition: Mapping[str, float]) -> Point:
        return point_of(self.task, condition)

    def heads(self, points: Sequence[Point]) -> list[str]:
        """Return conditions in words, without the axes on which all agree."""
        axes = self._varying_axes(points) or None
        return [condition_words(self.task, self.condition(point), axes) for point in points]

    def common_words(self, points: Sequence[Point]) -> str:
        """Return in words what all conditions share, empty where that is nothing or everything."""
        varying = self._varying_axes(points)
        if not points or not varying:
            return ""
        shared = [axis.name for axis in self.task.axes if axis.name not in varying]
        return condition_words(self.task, self.condition(points[0]), shared)

    def _varying_axes(self, points: Sequence[Point]) -> list[str]:
        names = [axis.name for axis in self.task.axes]
        return [name for name, values in zip(names, zip(*points)) if len(set(values)) > 1]

    @cached_property
    def _published(self) -> dict[str, dict[str, dict[Point, ReportedNumber]]]:
        published: dict[str, dict[str, dict[Point, ReportedNumber]]] = {}
        for number in sorted(self.reported, key=lambda number: plain_name(number.model)):
            wanted = self.point(number.condition)
            point = next(p for p in self.points if same_point(p, wanted))
            models = published.setdefault(number.metric, {})
            models.setdefault(number.model, {})[point] = number
        return published

    def published(self, metric: str) -> dict[str, dict[Point, ReportedNumber]]:
        """Return the published numbers of a metric by model and condition of the board."""
        return self._published.get(metric, {})

    def published_means(self, points: Sequence[Point]) -> list[tuple[str, float | None]]:
        """Return published models with their mean over conditions, best first.

        None stands for a model without a number at some of them; without conditions, those at the
        relaxation time count, all where none is known.
        """
        means: list[tuple[str, float | None]] = []
        points = points or self.relaxed or self.points
        for name, numbers in self.published(self.primary.name).items():
            values = [numbers[point].value for point in points if point in numbers]
            whole = len(values) == len(points)
            means.append((name, math.fsum(values) / len(values) if whole else None))
        sign = -1 if self.primary.higher_is_better else 1
        return sorted(means, key=lambda m: (m[1] is None, sign * (m[1] or 0.0), plain_name(m[0])))

    def ceiling(self, metric: str, point: Point) -> float | None:
        """Return the noise ceiling of a metric at a condition, or None where none is known."""
        ceilings = (row.ceiling(metric, point) for row in self.vouched)
        return next((ceiling for ceiling in ceilings if ceiling is not None), None)

    def is_bound(self, metric: str, point: Point) -> bool:
        """Return whether a ceiling is the metric's largest value, which no noise lowers.

        A repeated measurement that gives the same labels does not measure noise.
        """
        value, metric_at = self.ceiling(metric, point), self.task.metric(metric)
        if value is None or not metric_at.higher_is_better:
            return False
        if metric_at.function == "c_rank":
            options = {**metric_at.options, **self.condition(point)}
            return value > 1 - options["fraction"] - 1e-3
        return value > 1 - 1e-9

    def tau_alpha(self, point: Point) -> float | None:
        """Return the relaxation time at a condition: a record's, else the one the task names."""
        entry = self.entry_at(point)
        if entry is not None:
            return entry["tau_alpha"]
        named = self.task.datasets.get(self.dataset)
        first = point[0] if self.task.axes[0].name == "temperature" else math.nan
        times = named.tau_alpha.items() if named else ()
        return next((tau for key, tau in times if math.isclose(float(key), first)), None)

    @cached_property
    def relaxed(self) -> tuple[Point, ...]:
        """The condition of each temperature at the time nearest to the relaxation time."""
        groups: dict[Point, list[tuple[float, Point]]] = {}
        for point in self.points:
            if tau := self.tau_alpha(point):
                groups.setdefault(point[:-1], []).append((abs(math.log(point[-1] / tau)), point))
        return tuple(min(members)[1] for members in groups.values())

    @cached_property
    def training(self) -> str:
        """The number of training configurations as explanations say it, empty where unknown."""
        counts = (training_configurations(row.entry) for row in self.vouched)
        return next(filter(None, counts), "")

    def entry_at(self, point: Point) -> ConditionEntry | None:
        """Return what the first record with a condition says of it, None where none has it."""
        return next((r.conditions[point] for r in self.vouched if point in r.conditions), None)

    def parents(self, point: Point) -> tuple[str, ...]:
        """Return the independent sample of each test configuration at a condition."""
        return tuple((self.entry_at(point) or NO_CONDITION)["parents"])

    def truth(self, metric: str, point: Point) -> tuple[float | None, Ends]:
        """Return a collective metric of the labels, from the first record that states it."""
        stated = (row.conditions.get(point, {}).get("truth") or {} for row in self.vouched)
        truth = next((of[metric] for of in stated if metric in of), None)
        return (truth["value"], truth["interval"]) if truth else (None, None)

    def samples(self, points: Sequence[Point]) -> set[str]:
        """Return the names of the independent samples behind the scores at some conditions."""
        return {name for point in points for name in self.parents(point)}

    @cached_property
    def floors(self) -> dict[str, dict[Point, float]]:
        """The primary metric of the trivial floors by name, at the conditions where it is known.

        The record of a floor leaves itself out of its floors, so that every record is asked.
        """
        floors: dict[str, dict[Point, float]] = {}
        for row in self.vouched:
            for point, entry in row.conditions.items():
                for floor in entry["floors"]:
                    if floor["value"] is not None:
                        floors.setdefault(floor["model"], {}).setdefault(point, floor["value"])
        return dict(sorted(floors.items()))


def make_boards(sources: Sources) -> list[Board]:
    """Return all boards: by task, each task's main board first."""
    boards = []
    for task in sources.tasks.values():
        records = [e.record for e in sources.entries if e.record["task"]["name"] == task.name]
        kinds = {_kind(task, record) for record in records}
        for kind in [STANDARD, *sorted(kinds - {STANDARD})]:
            boards += _boards_of(task, kind, sources)
    return boards


def _kind(task: Task, record: Mapping[str, Any]) -> Kind:
    trained = tuple(sorted((record.get("trained") or {}).items()))
    return task.asked_for(record["task"].get("target") or "").other_target, trained


def same_point(one: Point, other: Point) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(one, other, strict=True))


def _boards_of(own: Task, kind: Kind, sources: Sources) -> list[Board]:
    task = own.asked_for(kind[0])
    groups: dict[tuple[int, str, str], list[Entry]] = {}
    for entry in sources.entries:
        version, dataset = entry.record["task"]["protocol_version"], entry.record["dataset"]
        if entry.record["task"]["name"] == task.name and _kind(own, entry.record) == kind:
            groups.setdefault((version, dataset["digest"], dataset["name"]), []).append(entry)
    reported = read_reported(task) if kind == STANDARD else []
    for name in dict.fromkeys(number.dataset for number in reported):
        if not any(key[2] == name for key in groups):
            groups[task.protocol_version, "", name] = []
    if not groups:
        groups[task.protocol_version, "", task.default_dataset] = []

    def prominence(key: tuple[int, str, str]) -> tuple:
        version, digest, name = key
        default = name == task.default_dataset
        old, empty = version != task.protocol_version, not groups[key]
        # A board of an older protocol comes before one that nobody stands on yet.
        return (empty, old, not default, -len(groups[key]), name, digest)

    boards: list[Board] = []
    for key in sorted(groups, key=prominence):
        version, digest, dataset = key
        rows = _rows(groups[key], sources.cards)
        points = {point for row in rows for point in row.conditions}
        published = tuple(n for n in reported if n.dataset == dataset)
        published = published if version == task.protocol_version else ()
        for number in published:
            point = point_of(task, number.condition)
            if not any(same_point(point, other) for other in points):
                points.add(point)
        name = task.name
        if boards or kind != STANDARD:
            short = digest.rpartition(":")[2][:8]
            name = "--".join(filter(None, [task.name, dataset, short]))
            name += f"--v{version}" if version != task.protocol_version else ""
            trained = "-".join(f"{axis}{value:g}" for axis, value in kind[1])
            name = "--".join(filter(None, [name, kind[0], trained and f"trained-{trained}"]))
        if any(board.name == safe_name(name) for board in boards):
            name += f"--{digest}"
        ordered = tuple(sorted(points))
        other = tuple(n for n in reported if n.dataset != dataset)
        boards.append(
            Board(
                *(safe_name(name), task, version, dataset, digest),
                *(rows, ordered, published, other, dict(kind[1])),
            )
        )
    return boards


def _rows(entries: Iterable[Entry], cards: Mapping[str, ModelCard]) -> tuple[Row, ...]:
    """Return one row a model and kind of positions: its verified record before measured ones, among
    these one of the installed program, then one that none supersedes, with more conditions, newer.

    Only records of the same model supersede, and only a verified one a verified one.
    """
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        card = cards.get(entry.record["model"]["name"])
        by_name.setdefault(Row(entry, card, ()).name, []).append(entry)

    rows = []
    for _, of_model in sorted(by_name.items()):
        superseded = {(e.record.get("supersedes"), e.status) for e in of_model}

        def preference(entry: Entry, superseded: set = superseded) -> tuple:
            record = entry.record
            current = (entry.path.stem, entry.status) not in superseded
            conditions, card = len(record["conditions"]), cards.get(record["model"]["name"])
            own = card is not None and card.digest == record["model"]["digest"]
            return (bool(entry.signer), own, current, conditions, record["created"], entry.name)

        first, *others = sorted(of_model, key=preference, reverse=True)
        rows.append(Row(first, cards.get(first.record["model"]["name"]), tuple(others)))
    return tuple(rows)
