"""A tuning study: what is tuned, on what, and how; an equal study continues in the same folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.search_space import Dimension
from ...contract.trial_plan import DatasetReference, Trial, plan_trials
from ...contract.variation import Variation
from ...home.workspace import Workspace
from ...model import Condition
from ...record.digest import record_stem

if TYPE_CHECKING:
    from ...contract.model_card import ModelCard
    from ...contract.task import Task

SCHEDULERS = ("asha", "pbt", "none")
ON_VALIDATION = Variation(scored_split="valid")
# A model without the hyperparameter `epochs` may still report epochs.
EPOCHS_UNKNOWN = 100


@dataclass(frozen=True)
class TuningStudy:
    """The search for the hyperparameters of one model with the best validation score.

    `hyperparameters` are those of trial 0, untuned; the score is a mean over the conditions.
    """

    task: Task
    dataset: DatasetReference
    model: ModelCard
    conditions: tuple[Condition, ...]
    hyperparameters: Mapping[str, Any]
    space: tuple[Dimension, ...]
    seed: int
    search: str
    scheduler: str
    metric: str
    trials: int

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return all that decides what is tried, as plain values.

        The number of trials does not count, so that a study can be prolonged; under PBT it
        does, since the population trains together.
        """
        identity = {
            "task": self.task.name,
            "protocol_version": self.task.protocol_version,
            "dataset": self.dataset.digest,
            "model": self.model.digest,
            "conditions": [dict(condition) for condition in self.conditions],
            "hyperparameters": dict(self.hyperparameters),
            "space": [[d.name, d.words] for d in self.space],
            "seed": self.seed,
            "search": self.search,
            "scheduler": self.scheduler,
            "metric": self.metric,
        }
        return identity | ({"population": self.trials} if self.scheduler == "pbt" else {})

    @cached_property
    def digest(self) -> str:
        text = json.dumps(self.identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def higher_is_better(self) -> bool:
        return self.task.metric(self.metric).higher_is_better

    @property
    def on_primary(self) -> bool:
        """Whether trials are ranked by the metric with which epochs are validated."""
        return self.metric == self.task.primary_metric.name

    @property
    def most_epochs(self) -> int:
        for dimension in self.space:
            if dimension.name == "epochs":
                return int(max(dimension.values, default=dimension.high))
        return int(self.hyperparameters.get("epochs", EPOCHS_UNKNOWN))

    def folder(self, workspace: Workspace) -> Path:
        stem = record_stem(self.task.name, self.dataset.name, self.model.name, self.digest)
        return workspace.home / "tuning" / stem

    def trial_key(self, index: int) -> str:
        """Return the name of the folder that holds the log of a trial."""
        return hashlib.sha256(f"{self.digest}/{index}".encode()).hexdigest()

    def searched(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        return {dimension.name: hyperparameters[dimension.name] for dimension in self.space}

    def fits(self, hyperparameters: Mapping[str, Any]) -> list[Trial]:
        """Return the fits of one set of hyperparameters, to which the test split stays closed."""
        return plan_trials(
            self.model,
            self.task,
            self.dataset,
            self.conditions,
            hyperparameters,
            (self.seed,),
            variation=ON_VALIDATION,
        )
