"""`leaderboard.json`: the boards for programs, and the model that is its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, NonNegativeInt

from ..contract.checked import Checked
from ..contract.errors import escaped
from ..contract.model_card import ModelCard, Tier
from ..record.parts import Cost
from .boards import Board
from .references import reference_of_reported
from .standing import Boards, Place, Standing

Point = Annotated[dict[str, float], Field(description="Values on the axes of the task, by name.")]
Interval = Annotated[
    tuple[float, float] | None,
    Field(
        description="95 % interval: cluster bootstrap over independent samples; null where "
        "undefined, and with fewer than five samples."
    ),
]
OrNull = BeforeValidator(lambda text: text or None)


class Part(Checked):
    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)


class TaskEntry(Part):
    name: str
    title: str
    summary: str
    """What it asks, in a sentence."""


class DatasetEntry(Part):
    name: str
    digest: Annotated[str | None, OrNull]
    """Content digest; null where only published numbers are known."""


class MetricEntry(Part):
    name: str
    title: str
    higher_is_better: bool


class FloorEntry(Part):
    model: str
    value: float


class DifferenceEntry(Part):
    difference: float
    """Own value minus that of the best, paired."""
    interval: Interval


class PlaceEntry(Part):
    """A model on a board."""

    tier: Tier
    """The part of its input that goes furthest beyond the instantaneous configuration; models are
    ranked within a tier."""
    rank: int | None
    """1 + number of significantly better models of the tier; null where a condition is missing or
    undefined."""
    rank_lowest: int | None
    """Number of models of the tier less those that are significantly worse: by the tests, the rank
    lies between both; null without tests."""
    model: str
    title: str
    reduced: list[str]
    """Where the record falls short of the published settings of the method; empty where nowhere."""
    status: Literal["measured", "verified"]
    """Who vouches for the numbers."""
    value: float | None
    """Mean of the primary metric over the ranking conditions."""
    interval: Interval
    behind_first: DifferenceEntry | None
    """Paired difference to the best model of the tier; null for the best."""
    record: str
    """Address of the record, relative to this file."""
    reads: list[str]
    """Tiers of input that the model reads."""
    parameters: int | None
    """Number of trained parameters, null where unknown."""
    seeds: list[NonNegativeInt]
    cost: Cost
    stated: list[Literal["cost", "parameters"]]
    """What the author of the record states and nobody else measured."""
    authors: list[str]
    """Who owns the name, as the record says, or the model's card; empty where neither does."""
    created: str
    """When the record was made, ISO 8601 in UTC."""


class ReportedEntry(Part):
    """A number from a publication, not run here."""

    model: str
    metric: str
    condition: Point
    value: float
    source: str
    doi: Annotated[str | None, OrNull]
    """Of the model's publication; null where unknown."""


class BoardEntry(Part):
    """Models on one dataset under one protocol version: only these are compared."""

    name: str
    page: str
    """Its page, relative to this file."""
    csv: str
    """All its numbers, relative to this file."""
    task: TaskEntry
    protocol_version: NonNegativeInt
    superseded: bool
    """Whether the task has a newer protocol."""
    dataset: DatasetEntry
    primary_metric: MetricEntry
    ranking_conditions: list[Point]
    """Conditions over which scores are averaged."""
    ranks_from_paired_tests: bool
    """False where ranks follow the values alone."""
    ceiling: float | None
    """Noise ceiling, mean over the ranking conditions."""
    ceiling_is_largest_value: bool
    """Whether it is the largest value of the metric: repeated measurements agree."""
    best_floor: FloorEntry | None
    """Best trivial floor over the ranking conditions."""
    models: list[PlaceEntry]
    """Best first."""
    reported: list[ReportedEntry]
    """On the same dataset."""


class CardEntry(Part):
    name: str
    title: str
    authors: tuple[str, ...]
    doi: Annotated[str | None, OrNull]
    year: NonNegativeInt
    licence: str
    reads: tuple[str, ...]
    tasks: tuple[str, ...]


class Leaderboard(Part):
    """All boards of GlassBench. `reported`, `measured` and `verified` stay apart."""

    schema_version: Literal[1]
    boards: list[BoardEntry]
    """Boards, each task's main board first."""
    models: list[CardEntry]


def leaderboard_json(boards: Boards, cards: Mapping[str, ModelCard]) -> str:
    """Return all boards and models as one JSON document."""
    leaderboard = Leaderboard(
        schema_version=1,
        boards=[_board(board, standing) for board, standing in boards],
        models=[CardEntry.model_validate(card) for _, card in sorted(cards.items())],
    )
    return escaped(leaderboard.model_dump_json(indent=1)) + "\n"


def _board(board: Board, standing: Standing) -> BoardEntry:
    primary, floor = board.primary, None
    if standing.floor is not None:
        floor = FloorEntry(model=standing.floor_name, value=standing.floor)
    return BoardEntry(
        name=board.name,
        page=f"task/{board.name}.html",
        csv=f"export/{board.name}.csv",
        task=TaskEntry.model_validate(board.task),
        protocol_version=board.protocol_version,
        superseded=board.superseded,
        dataset=DatasetEntry(name=board.dataset, digest=board.digest),
        primary_metric=MetricEntry.model_validate(primary),
        ranking_conditions=[board.condition(point) for point in standing.points],
        ranks_from_paired_tests=standing.tested,
        ceiling=standing.ceiling,
        ceiling_is_largest_value=standing.bound,
        best_floor=floor,
        models=[_place(place) for place in standing.places],
        reported=[
            ReportedEntry(
                model=name,
                metric=metric.name,
                condition=board.condition(point),
                value=number.value,
                source=number.source,
                doi=reference.doi if (reference := reference_of_reported(name)) else "",
            )
            for metric in board.metrics
            for name, numbers in board.published(metric.name).items()
            for point, number in numbers.items()
        ],
    )


def _place(place: Place) -> PlaceEntry:
    record, behind = place.row.entry.record, None
    if place.behind is not None:
        behind = DifferenceEntry(difference=place.behind, interval=place.behind_interval)
    return PlaceEntry(
        tier=place.row.tier,
        rank=place.rank,
        rank_lowest=place.lowest,
        reduced=list(place.row.reduced),
        model=place.row.name,
        title=place.row.title,
        value=place.value,
        interval=place.interval,
        behind_first=behind,
        record=f"records/{place.row.entry.name}.json",
        reads=record["model"]["reads"],
        parameters=record["model"]["parameters"],
        status=place.row.status,
        stated=sorted(place.row.entry.stated),
        authors=list(place.row.authors),
        **{key: record[key] for key in ("seeds", "cost", "created")},
    )
