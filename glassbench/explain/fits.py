"""The finished fits behind a record: their trials, predictions and test examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task, read_task
from ..contract.trial_plan import Trial, trial_from_json
from ..datasets.view import View, open_view
from ..figures.request import counted
from ..home.given_files import find_given_files
from ..home.workspace import Workspace
from ..metrics import MetricSpecification
from ..model import Condition, Example, Model, Structure
from ..record.record import Record
from ..trial.predictions import predictions_digest, read_predictions
from ..trial.result import read_result
from ..trial.stages import make_model


class ExplainError(UserError):
    """A record cannot be explained; the message says what is missing and how to get it."""


@dataclass(frozen=True)
class Fit:
    """One fit of a record at one condition.

    Attributes
    ----------
    folder : of the trial, with `fitted/` where the model can be loaded again
    predictions : by configuration and target
    """

    condition: Condition
    trial: Trial
    folder: Path
    predictions: Mapping[str, Mapping[str, np.ndarray]]
    workspace: Workspace

    def fresh_model(self, card: ModelCard) -> Model:
        """Return the model with the hyperparameters of the fit, not yet fitted."""
        values = find_given_files(self.trial.hyperparameters, self.workspace)
        return make_model(card, values)


@dataclass(frozen=True)
class Explained:
    """All that the parts of an explanation read."""

    record: Record
    task: Task
    view: View
    seed: int
    fits: tuple[Fit, ...]

    @cached_property
    def metric(self) -> MetricSpecification:
        """The primary metric of the task."""
        return self.task.primary_metric

    def examples(self, fit: Fit) -> list[Example]:
        return list(self.view.examples("test", (fit.condition,)))

    def counted(self, structure: Structure) -> np.ndarray:
        """Return the mask of the particles, or pairs, that the primary metric counts."""
        return counted(self.metric, structure)


def open_fits(record: Record, workspace: Workspace) -> Explained:
    """Return the fits of the record's first seed with their predictions.

    Raises
    ------
    ExplainError
        If trials or predictions are not in the workspace, or are other ones.
    """
    seed = min(entry["seed"] for entry in record["predictions"])
    fits = [_fit(entry, workspace) for entry in record["predictions"] if entry["seed"] == seed]
    first = fits[0].trial
    task = read_task(Path(first.task_folder))
    view = open_view(task, Path(first.dataset.path))
    if view.digest != record["dataset"]["digest"]:
        raise ExplainError(
            f"dataset {first.dataset.path} has the digest {view.digest}, the record was made on "
            f"{record['dataset']['digest']}: bring the dataset back, or run again"
        )
    return Explained(record, task, view, seed, tuple(fits))


def _fit(entry: Mapping[str, Any], workspace: Workspace) -> Fit:
    path = workspace.home / entry["path"]
    if not path.resolve().is_relative_to(workspace.home.resolve()) or not path.is_file():
        raise ExplainError(
            f"the predictions {entry['path']} are not in {workspace.home}: explain the record "
            "where it was run, or name that workspace with home="
        )
    if predictions_digest(path) != entry["sha256"]:
        raise ExplainError(f"{path} is not what the record was made from: run the request again")
    result = read_result(workspace, path.parent.name)
    if result is None:
        raise ExplainError(f"{path.parent} holds no result: run the request again")
    condition = Condition.of(**entry["condition"])
    by_condition = read_predictions(path)
    predictions = by_condition[condition.name]
    return Fit(condition, trial_from_json(result.trial), path.parent, predictions, workspace)
