"""The finished fits behind a record: their trials, predictions and test examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Target, Task, read_task
from ..contract.trial_plan import Trial, trial_from_json
from ..contract.units import UNITS
from ..datasets.view import View, open_view
from ..figures.request import counted
from ..home.given_files import find_given_files
from ..home.workspace import Workspace
from ..metrics import MetricSpecification
from ..model import Condition, Model, Structure
from ..record.record import Record
from ..trial.predictions import predictions_digest, read_predictions
from ..trial.result import read_result
from ..trial.stages import make_model


@dataclass(frozen=True)
class Fit:
    """One fit of a record at one condition, with its predictions by configuration and target.

    The folder of the trial has `fitted/` where the model can be loaded again.
    """

    condition: Condition
    trial: Trial
    folder: Path
    predictions: Mapping[str, Mapping[str, np.ndarray]]
    workspace: Workspace

    def fresh_model(self, card: ModelCard) -> Model:
        """Return the model with the hyperparameters of the fit, not yet fitted."""
        return make_model(card, find_given_files(self.trial.hyperparameters, self.workspace))


@dataclass(frozen=True)
class Answer:
    """Target and prediction of one test configuration, each (N,), a value a particle or pair.

    `counted` is the mask of those that the primary metric counts.
    """

    structure: Structure
    target: NDArray[np.float64]
    prediction: NDArray[np.float64]
    counted: NDArray[np.bool_]


@dataclass(frozen=True)
class Explained:
    """All that the parts of an explanation read."""

    record: Record
    task: Task
    view: View
    seed: int
    fits: tuple[Fit, ...]

    @property
    def metric(self) -> MetricSpecification:
        return self.task.primary_metric

    @property
    def target(self) -> Target:
        return self.task.targets[self.task.target]

    @cached_property
    def length_unit(self) -> str:
        """The unit of lengths of the dataset, empty where its system of units is unknown."""
        system = str(self.view.dataset.attributes.get("units_system", ""))
        return UNITS.get(system, {}).get("length", "")

    def answers(self, fit: Fit) -> list[Answer]:
        """Return the test configurations at the condition of a fit."""
        name = self.task.target
        return [
            Answer(
                example.structure,
                np.asarray(example.targets[name], float),
                np.asarray(fit.predictions[example.structure.configuration][name], float),
                counted(self.metric, example.structure),
            )
            for example in self.view.examples("test", (fit.condition,))
        ]


def spread(fits: Sequence[Fit]) -> list[Fit]:
    """Return up to three fits: the first, the middle, the last."""
    return list(fits) if len(fits) <= 3 else [fits[0], fits[len(fits) // 2], fits[-1]]


def short(value: float) -> float:
    """Return a value with four significant digits."""
    return float(f"{float(value):.4g}")


def open_fits(record: Record, workspace: Workspace) -> Explained:
    """Return the fits of the record's first seed; UserError if they are not in the workspace."""
    seed = min(entry["seed"] for entry in record["predictions"])
    fits = [_fit(entry, workspace) for entry in record["predictions"] if entry["seed"] == seed]
    first = fits[0].trial
    task = read_task(Path(first.task_folder))
    view = open_view(task, Path(first.dataset.path))
    if view.digest != record["dataset"]["digest"]:
        raise UserError(
            f"dataset {first.dataset.path} has the digest {view.digest}, the record was made on "
            f"{record['dataset']['digest']}: bring the dataset back, or run again"
        )
    return Explained(record, task, view, seed, tuple(fits))


def _fit(entry: Mapping[str, Any], workspace: Workspace) -> Fit:
    path = workspace.home / entry["path"]
    if not path.resolve().is_relative_to(workspace.home.resolve()) or not path.is_file():
        raise UserError(
            f"the predictions {entry['path']} are not in {workspace.home}: explain the record "
            "where it was run, or name that workspace with home="
        )
    if predictions_digest(path) != entry["sha256"]:
        raise UserError(f"{path} is not what the record was made from: run the request again")
    result = read_result(workspace, path.parent.name)
    if result is None:
        raise UserError(f"{path.parent} holds no result: run the request again")
    condition = Condition.of(**entry["condition"])
    predictions = read_predictions(path)[condition.name]
    return Fit(condition, trial_from_json(result.trial), path.parent, predictions, workspace)
