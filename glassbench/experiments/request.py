"""What the main job is asked for, and the trials that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..contract.model_card import ModelCard, hyperparameters_for
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, ModelReference, Trial, make_trials
from ..model import Condition
from ..record.file import record_stem, request_digest

FLOOR_SEED = 0


@dataclass(frozen=True)
class BenchmarkRequest:
    """What to run: one model with one set of hyperparameters, against the floors.

    Attributes
    ----------
    threads : cores of one trial, None to share them among the trials
    workers : processes that train one trial together
    tuning : how the hyperparameters were found, as a record states it
    """

    task: Task
    dataset: DatasetReference
    model: ModelCard
    conditions: tuple[Condition, ...]
    hyperparameters: Mapping[str, Any]
    seeds: tuple[int, ...]
    cluster: str = "auto"
    floors: tuple[ModelCard, ...] = ()
    threads: int | None = None
    workers: int = 1
    tuning: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """Return the sha256 of what is asked for; how and where it runs does not count."""
        return request_digest(
            self.task,
            self.dataset,
            self.model,
            self.conditions,
            self.hyperparameters,
            self.seeds,
        )

    @property
    def stem(self) -> str:
        """Return the name of the record's file without `.json`."""
        return record_stem(self.task.name, self.dataset.name, self.model.name, self.digest)


def model_trials(request: BenchmarkRequest) -> list[Trial]:
    """Return the trials of the model: one for each seed, and condition where it fits only one."""
    return _trials(request, request.model, request.hyperparameters, request.seeds, floor=False)


def floor_trials(request: BenchmarkRequest) -> list[Trial]:
    """Return the trials of the floors on the same conditions, with one seed."""
    trials = []
    for card in request.floors:
        chosen = hyperparameters_for(card, request.task.name, request.dataset.name, {})
        trials += _trials(request, card, chosen, (FLOOR_SEED,), floor=True)
    return trials


def _trials(
    request: BenchmarkRequest,
    card: ModelCard,
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
    floor: bool,
) -> list[Trial]:
    return make_trials(
        task=request.task.name,
        task_folder=str(request.task.folder),
        protocol_version=request.task.protocol_version,
        dataset=request.dataset,
        model=ModelReference(card.name, str(card.folder), card.digest, card.conditions_per_fit),
        conditions=request.conditions,
        hyperparameters=hyperparameters,
        seeds=seeds,
        floor=floor,
    )
