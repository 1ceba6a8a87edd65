"""The plan of a sweep: series of trials, their order, and the JSON file that holds both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass

from ...contract.errors import UserError
from ...contract.trial_plan import (
    STANDARD,
    DatasetReference,
    ModelReference,
    Trial,
    Variation,
    digest_of,
    make_trials,
    variation_from_json,
)
from ...home.files import write_json
from ...model import Condition
from ..resources import CHECKED, Needs

RETRIES = 2

PlainCondition = Annotated[
    Condition,
    PlainValidator(lambda v: v if isinstance(v, Condition) else Condition.of(**v)),
    PlainSerializer(dict),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number"}}),
]
PlainVariation = Annotated[
    Variation,
    PlainValidator(lambda v: v if isinstance(v, Variation) else variation_from_json(v)),
    PlainSerializer(Variation.to_json),
    WithJsonSchema({"type": "object"}),
]


class PlanError(UserError):
    """A plan cannot be read or no longer fits what is there; the message says why."""


@dataclass(frozen=True, config=CHECKED)
class Series:
    """One model with one set of hyperparameters: the trials of one record."""

    model: ModelReference
    hyperparameters: Mapping[str, Any]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    conditions: Annotated[
        tuple[PlainCondition, ...],
        Field(min_length=1, description="One trial each where a fit serves one condition."),
    ]
    floor: Annotated[bool, Field(description="A trivial model, beside which others stand.")] = False
    needs: Needs = field(default_factory=Needs)
    variation: Annotated[
        PlainVariation, Field(description="What departs from the task's use of a dataset.")
    ] = STANDARD
    label: Annotated[str, Field(description="Tells it from others of the same model.")] = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.model.name, self.label or self.variation.name)))


@dataclass(frozen=True, config=CHECKED)
class PlannedTrial:
    """A trial in its place in the order of start."""

    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Name of its folder.")]
    series: Annotated[int, Field(ge=0, description="Position of its series in the plan.")]
    seconds: Annotated[
        float | None, Field(ge=0, description="Expected; null where nothing is known.")
    ] = None


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SweepPlan:
    """Every trial of a sweep on one dataset of one task, in the order in which they start."""

    plan_version: Literal[2] = 2
    name: Annotated[str, Field(description="The sweep in words.")]
    task: str
    task_folder: Annotated[str, Field(description="Elsewhere it is found by its name.")]
    protocol_version: Annotated[int, Field(ge=1)]
    dataset: DatasetReference
    series: Annotated[tuple[Series, ...], Field(min_length=1)]
    planned: tuple[PlannedTrial, ...] = ()
    retries: Annotated[int, Field(ge=0, description="New workers for one trial.")] = RETRIES
    created: Annotated[str, Field(description="UTC, ISO 8601.")] = ""
    study: Annotated[Mapping[str, Any], Field(description="Name and values of a named study.")] = (
        field(default_factory=dict)
    )
    target: Annotated[str, Field(description="In place of the task's own; empty for it.")] = ""

    @cached_property
    def digest(self) -> str:
        """Return the sha256 of what is asked for, without order, estimates, needs and folders."""
        asked: dict[str, Any] = {"task": self.task, "study": dict(self.study)}
        asked["trials"] = sorted(planned.key for planned in self.planned)
        asked["series"] = [
            [s.model.name, s.floor, s.label, s.variation.to_json()] for s in self.series
        ]
        return digest_of(asked)

    @cached_property
    def by_key(self) -> dict[str, tuple[int, Trial]]:
        """Return each trial once by its key, with the position of its series.

        A trial of two series belongs to the first, and to a model rather than to a floor.
        """
        trials: dict[str, tuple[int, Trial]] = {}
        for position, series in sorted(enumerate(self.series), key=lambda item: item[1].floor):
            for trial in self.trials_of(series):
                trials.setdefault(trial.key, (position, trial))
        return trials

    @property
    def trials(self) -> list[Trial]:
        return [self.trial(planned) for planned in self.planned]

    def trial(self, planned: PlannedTrial) -> Trial:
        return self.by_key[planned.key][1]

    def trials_of(self, series: Series) -> list[Trial]:
        template = Trial(
            task=self.task,
            task_folder=self.task_folder,
            protocol_version=self.protocol_version,
            dataset=self.dataset,
            model=series.model,
            conditions=(),
            hyperparameters=dict(series.hyperparameters),
            seed=0,
            floor=series.floor,
            variation=series.variation,
            target=self.target,
        )
        return make_trials(template, series.conditions, series.seeds)


def with_trials(
    plan: SweepPlan, expected: Callable[[Trial], float | None] = lambda trial: None
) -> SweepPlan:
    """Return the plan with the trials of its series, in the order in which they start.

    Unknown costs come first, since one of them may be the longest, then the longest, so that
    no long trial is left alone at the end. Floors, which are short, come last.
    """

    def place(item: PlannedTrial) -> tuple[bool, bool, float]:
        return plan.series[item.series].floor, item.seconds is not None, -(item.seconds or 0.0)

    planned = [PlannedTrial(key, at, expected(trial)) for key, (at, trial) in plan.by_key.items()]
    return replace(plan, planned=tuple(sorted(planned, key=place)))


def write_plan(path: Path, plan: SweepPlan) -> Path:
    write_json(path, TypeAdapter(SweepPlan).dump_python(plan, mode="json"))
    return path


def read_plan(path: Path) -> SweepPlan:
    """Return the plan in a file; one that breaks the schema or was altered is refused."""
    try:
        plan = TypeAdapter(SweepPlan).validate_json(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError):
        raise PlanError(f"there is no plan at {path}: `glassbench sweep` makes one") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join(map(str, first["loc"])) or "its root"
        raise PlanError(
            f"the plan {path} does not fit this version of GlassBench at {where}: "
            f"{first['msg']}; make the plan again"
        ) from None
    asked = {key: position for key, (position, _) in plan.by_key.items()}
    if sorted((p.key, p.series) for p in plan.planned) != sorted(asked.items()):
        raise PlanError(
            f"the plan {path} was altered, or made by another version of GlassBench: it does not "
            "hold every trial of its series once; make the plan again"
        )
    return plan
