"""A sweep as plain data: series of trials, and the order in which they start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ...contract.trial_plan import STANDARD, DatasetReference, ModelReference, Trial, make_trials
from ...contract.variation import Variation
from ...model import Condition

RETRIES = 2


@dataclass(frozen=True)
class Needs:
    """What one trial of a model takes of a machine.

    Attributes
    ----------
    cpus : cores
    gpus : GPUs; below 1 several trials share one
    memory_bytes : memory that is set aside for it, 0 where nothing is known
    """

    cpus: int = 1
    gpus: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class Series:
    """One model with one set of hyperparameters: the trials of one record.

    Attributes
    ----------
    seeds, conditions : there is one trial for each seed, and for each condition where the
        model fits one at a time
    floor : whether it is a trivial floor, beside which the others are shown
    needs : what one trial takes
    variation : what the trials do otherwise than the task
    label : what tells the series from others of the same model, for tables
    """

    model: ModelReference
    hyperparameters: Mapping[str, Any]
    seeds: tuple[int, ...]
    conditions: tuple[Condition, ...]
    floor: bool = False
    needs: Needs = field(default_factory=Needs)
    variation: Variation = STANDARD
    label: str = ""

    @property
    def name(self) -> str:
        """Return the series in words."""
        return " ".join(filter(None, (self.model.name, self.label or self.variation.name)))


@dataclass(frozen=True)
class PlannedTrial:
    """A trial's place in a plan.

    Attributes
    ----------
    series : position of its series in the plan
    trial : the trial
    seconds : what it is expected to take, None where nothing is known
    key : of the trial
    """

    series: int
    trial: Trial
    seconds: float | None
    key: str


@dataclass(frozen=True)
class SweepPlan:
    """A sweep: what is to be run on one dataset of one task, and in which order.

    Attributes
    ----------
    name : in words, for people
    series : what each record will hold; floors are series of their own
    planned : every trial once, in the order in which they start
    retries : how often a trial goes on after its worker died
    created : date and time in UTC, ISO 8601
    study : what a named study keeps with its plan
    """

    name: str
    task: str
    task_folder: str
    protocol_version: int
    dataset: DatasetReference
    series: tuple[Series, ...]
    planned: tuple[PlannedTrial, ...]
    retries: int = RETRIES
    created: str = ""
    study: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Return the sha256 over what is asked for.

        Order, estimates, resources and places do not count.
        """
        asked = {"task": self.task, "study": dict(self.study)}
        asked["trials"] = sorted(planned.key for planned in self.planned)
        asked["series"] = [
            [s.model.name, s.floor, s.label, s.variation.to_json()] for s in self.series
        ]
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def trials(self) -> list[Trial]:
        """Return the trials in the order in which they start."""
        return [planned.trial for planned in self.planned]

    def trials_of(self, series: Series) -> list[Trial]:
        """Return the trials of a series: by condition, then by seed."""
        return series_trials(self, series)


def series_trials(plan: SweepPlan, series: Series) -> list[Trial]:
    """Return one trial per seed, and per condition for models that fit one at a time."""
    return make_trials(
        task=plan.task,
        task_folder=plan.task_folder,
        protocol_version=plan.protocol_version,
        dataset=plan.dataset,
        model=series.model,
        conditions=series.conditions,
        hyperparameters=series.hyperparameters,
        seeds=series.seeds,
        floor=series.floor,
        variation=series.variation,
    )


def with_trials(plan: SweepPlan) -> SweepPlan:
    """Return the plan with the trials of its series, in their order, nothing known of costs.

    A trial that two series share stands once, in the first of them; floors stand in the
    last place, so that a trial that is a model's too is the model's.
    """
    planned: dict[str, PlannedTrial] = {}
    for position, series in sorted(enumerate(plan.series), key=lambda item: item[1].floor):
        for trial in series_trials(plan, series):
            key = trial.key
            planned.setdefault(key, PlannedTrial(position, trial, None, key))
    return replace(plan, planned=tuple(planned.values()))


def in_order(planned: Sequence[PlannedTrial]) -> tuple[PlannedTrial, ...]:
    """Return trials in the order in which they start.

    Those of unknown cost come first, since one of them may be the longest; then the
    longest first, so that no long trial is left alone at the end. Equal ones keep their
    order. Floors, which are short, fill the gaps at the end.
    """

    def place(item: PlannedTrial) -> tuple[bool, bool, float]:
        return (item.trial.floor, item.seconds is not None, -(item.seconds or 0.0))

    return tuple(sorted(planned, key=place))
