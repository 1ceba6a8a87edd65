"""The stages of a trial as functions: make the model, fit it, predict, score.

They know no folder of a trial, so that everything that fits or scores a model uses them:
a run in this process or in a Ray worker, a cell of the sandbox, and scoring again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..contract.trial_plan import STANDARD, Trial
from ..contract.variation import Variation
from ..datasets.view import View
from ..metrics import MetricSpecification
from ..model import Condition, Example, Model, Predictions, Progress, Run, Structure
from ..plugins.registry import load_model_class
from .answers import Asked, checked_answers
from .perturbation import centres_of, counted, perturbed
from .predictions import ConditionPredictions
from .result import ConditionScores
from .rotation import score_rotation, turned_structures
from .score import primary_score, score_condition


class TrialError(UserError):
    """A trial cannot be run or its model broke the contract; the message says which and how."""


def make_model(card: ModelCard, hyperparameters: Mapping[str, Any]) -> Model:
    """Return a model that is not fitted yet.

    Raises
    ------
    TrialError
        If the model refuses its hyperparameters.
    """
    try:
        return load_model_class(card)(**hyperparameters)
    except (TypeError, ValueError) as error:
        message = f"model {card.name} refuses its hyperparameters: {error}"
        raise TrialError(message) from error


def fit_run(
    task: Task,
    folder: Path,
    *,
    seed: int = 0,
    conditions: Sequence[Condition] = (),
    variation: Variation = STANDARD,
    report: Callable[[Progress], None] = lambda progress: None,
    device: str = "cpu",
    threads: int = 1,
    checkpoints: str = "",
) -> Run:
    """Return what is handed to `fit`; its `score` is the task's primary metric.

    Parameters
    ----------
    folder : for checkpoints
    """
    cut = variation.of_fit().perturbation is not None
    compared = MetricSpecification.from_table(task.primary_metric).prediction

    def score(predictions: Sequence[Predictions], examples: Sequence[Example]) -> float:
        if variation.other_targets and any(compared not in p for p in predictions):
            return math.nan
        if cut:
            predictions = [
                {name: values[example.balanced] for name, values in prediction.items()}
                for prediction, example in zip(predictions, examples, strict=True)
            ]
            examples = [counted(example) for example in examples]
        return primary_score(task, predictions, examples)

    return Run(
        seed=seed,
        target=task.target,
        symmetry=task.symmetry,
        folder=folder,
        checkpoints=checkpoints,
        conditions=conditions,
        score=score,
        report=report,
        device=device,
        threads=threads,
    )


def predict(model: Model, asked: Asked, structures: Mapping[str, Structure]) -> dict:
    """Return the checked predictions of a fitted model by the names of the structures.

    Raises
    ------
    PredictionsError
        If the model answers with something else than `checked_answers` allows.
    """
    answers = model.predict(list(structures.values()), asked.condition)
    return checked_answers(answers, structures, asked)


def predict_centres(
    model: Model, asked: Asked, structures: Mapping[str, Structure], trial: Trial
) -> dict[str, Predictions]:
    """Return predictions (M,) for the centres of each structure, its neighbours perturbed."""
    perturbation = trial.variation.perturbation
    assert perturbation is not None
    centres = centres_of(perturbation)
    predictions: dict[str, Predictions] = {}
    for name, structure in structures.items():
        cuts = list(perturbed(structure, perturbation, centres(structure), trial.seed))
        pieces = {str(number): cut.structure for number, cut in enumerate(cuts)}
        answers = predict(model, asked, pieces).values()
        at_centres = [
            {t: v[cut.centres] for t, v in answer.items() if len(v) == len(cut.taken)}
            for cut, answer in zip(cuts, answers, strict=True)
        ]
        predictions[name] = {
            target: np.concatenate([answer[target] for answer in at_centres])
            for target in at_centres[0]
        }
    return predictions


def score_conditions(
    task: Task,
    view: View,
    conditions: Sequence[Condition],
    predictions: ConditionPredictions,
    variation: Variation = STANDARD,
) -> tuple[ConditionScores, ...]:
    """Return the scores of predictions at each condition, labels read from `view`.

    Give a view that no model has seen: one that writes into its structures must not change
    how it is scored.
    """
    perturbation = variation.perturbation
    chosen = None if perturbation is None else centres_of(perturbation)
    split = variation.scored_split
    return tuple(
        score_condition(
            task, view, condition, predictions[condition.name], split=split, chosen=chosen
        )
        for condition in conditions
    )


def score_rotations(
    task: Task,
    view: View,
    conditions: Sequence[Condition],
    upright: ConditionPredictions,
    turned: ConditionPredictions,
) -> tuple[dict[str, Any], ...]:
    """Return the rotation probe at each condition for whose turns there are predictions."""
    # A trial that another version began may have been asked for other turns.
    return tuple(
        score_rotation(task, view, condition, upright[condition.name], turned[condition.name])
        for condition in conditions
        if set(turned_structures(view, condition)) <= set(turned.get(condition.name, ()))
    )
