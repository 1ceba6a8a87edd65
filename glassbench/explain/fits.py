"""The finished fits behind a record, and trials of the same model that vary them.

Their trials, predictions and test examples; fits with fewer training configurations, and
predictions at other conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..contract.checked import finite_ends
from ..contract.errors import UserError
from ..contract.model_card import read_model_card
from ..contract.task import Target, Task, read_task
from ..contract.trial_plan import Trial, Variation, trial_from_json
from ..contract.units import UNITS
from ..datasets.view import View, open_view
from ..figures.predictions import counted
from ..home.workspace import Workspace
from ..metrics import Interval, MetricSpecification, interval_of_mean, paired_difference
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from ..model import Condition, Structure
from ..record.make import numbers
from ..record.parts import PredictionFile
from ..record.record import Record
from ..trial.predictions import predictions_digest, read_predictions
from ..trial.result import read_result
from ..trial.run import FITTED, run_trial
from .schema import LearningCurve, LearningPoint, Transfer

POINTS = 4


@dataclass(frozen=True)
class Fit:
    """One fit of a record at one condition, with its predictions by configuration and target.

    The folder of the trial has `fitted/` where the model can be loaded again.
    """

    condition: Condition
    trial: Trial
    folder: Path
    predictions: Mapping[str, Mapping[str, np.ndarray]]


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
    workspace: Workspace
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
    task = read_task(Path(first.task_folder)).asked_for(first.target)
    view = open_view(task, Path(first.dataset.path))
    if view.digest != record["dataset"]["digest"]:
        raise UserError(
            f"dataset {first.dataset.path} has the digest {view.digest}, the record was made on "
            f"{record['dataset']['digest']}: bring the dataset back, or run again"
        )
    return Explained(record, workspace, task, view, seed, tuple(fits))


def _fit(entry: PredictionFile, workspace: Workspace) -> Fit:
    path = workspace.home / entry["path"]
    if not path.resolve().is_relative_to(workspace.home.resolve()) or not path.is_file():
        raise UserError(
            f"the predictions {entry['path']} are not in {workspace.home}: explain the record "
            "where it was run, or name that workspace with home="
        )
    if predictions_digest(path) != entry["sha256"]:
        raise UserError(f"{path} is not what the record was made from: run the request again")
    result = read_result(workspace, path.parent.name, any_version=True)
    if result is None:
        raise UserError(f"{path.parent} holds no result: run the request again")
    condition = Condition.of(**entry["condition"])
    predictions = read_predictions(path)[condition.name]
    return Fit(condition, trial_from_json(result.trial), path.parent, predictions)


def learning_curve(
    explained: Explained, fit: Fit, report: Callable[[str], None] = lambda line: None
) -> LearningCurve:
    """Fit the model on an eighth, a quarter, a half and all of the training configurations.

    All of them are the trial of the record, where one fit serves one condition.
    """
    trial = _trial_at(explained, fit)
    members = explained.view.examples("train", (fit.condition,)).entries
    total = len({member.index for member, _ in members})
    points: list[LearningPoint] = []
    before: Sequence[float] | None = None
    for number in sorted({max(1, total >> k) for k in range(POINTS)}):
        if number < total:
            report(f"{fit.condition.name}: fitting on {number} of {total} configurations")
        variation = Variation(training_configurations=number if number < total else None)
        value, interval, own, parents = _primary(explained, replace(trial, variation=variation))
        difference = None
        if own is not None and before is not None:
            difference = _ends(paired_difference(own, before, parents).difference)
        points.append(
            LearningPoint(
                configurations=number, value=value, interval=interval, difference=difference
            )
        )
        before = own
    return LearningCurve(condition=dict(fit.condition), points=points)


def transfer_scores(explained: Explained) -> list[Transfer]:
    """Score every fitted model, which must be able to load, at every condition of the record."""
    pairs = []
    for fit in explained.fits:
        trial = _trial_at(explained, fit)
        if not (fit.folder / FITTED).is_dir():
            raise UserError(
                f"model {trial.model.name} has no `save` and `load`, so that its fit cannot be "
                "used at other conditions: leave out transfer=on"
            )
        for tested in (other.condition for other in explained.fits):
            elsewhere = Variation(
                train_condition=None if tested == fit.condition else fit.condition
            )
            at_tested = replace(trial, conditions=(tested,), variation=elsewhere)
            value, interval, *_ = _primary(explained, at_tested)
            ends = {"trained_on": dict(fit.condition), "tested_on": dict(tested)}
            pairs.append(Transfer(**ends, value=value, interval=interval))
    return pairs


def _trial_at(explained: Explained, fit: Fit) -> Trial:
    """Return the trial of a fit at its condition alone, with the model that the record is of."""
    if not fit.trial.variation.is_standard:
        raise UserError(
            "curve=on and transfer=on train where is tested, and this record was "
            f"{fit.trial.variation.name}: leave them out"
        )
    card = read_model_card(Path(fit.trial.model.folder))
    if card.digest != explained.record["model"]["digest"]:
        raise UserError(
            f"model {card.name} in {card.folder} has changed since the record was made: run the "
            "request again, then explain it"
        )
    return replace(fit.trial, conditions=(fit.condition,))


def _primary(
    explained: Explained, trial: Trial
) -> tuple[float | None, list[float] | None, list[float] | None, Sequence[str]]:
    """Run a trial; return its primary metric with interval, and values and parents where a mean."""
    result = run_trial(trial, explained.workspace)
    assert result is not None
    scored = result.conditions[0]
    score = scored.scores[explained.metric.name]
    if explained.metric.average != "configuration":
        return score.value, None, None, ()
    own = numbers(score.by_configuration)
    return score.value, _ends(interval_of_mean(own, scored.parents)), own, scored.parents


def _ends(interval: Interval) -> list[float] | None:
    """Return the ends of an interval, None where it rests on too few independent samples."""
    return finite_ends(interval) if interval.clusters >= FEWEST_FOR_INTERVAL else None
