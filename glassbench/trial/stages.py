"""The stages of a trial as functions: make the model, fit it, predict, score.

They know no folder of a trial, so that everything that fits or scores a model uses them:
a run in this process or in a Ray worker, a cell of the sandbox, and scoring again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..contract.trial_plan import STANDARD, Trial, Variation
from ..datasets.layout import rank_of_parent
from ..datasets.view import Examples, View
from ..model import Condition, Example, Model, Predictions, Run, Structure
from ..plugins.registry import load_model_class
from .perturbation import at_particles, centres_of, cut_example, perturbed
from .predictions import Asked, ConditionPredictions, PredictionsError, checked_answers
from .result import ConditionScores, TrialResult
from .rotation import score_rotation, turned_structures
from .score import primary_score, score_condition

PREDICTIONS_FILE = "predictions.npz"
TRANSFER_FILE, ROTATION_FILE = "transfer.npz", "rotation.npz"
PREDICTION_FILES = (PREDICTIONS_FILE, TRANSFER_FILE, ROTATION_FILE)


def make_model(card: ModelCard, hyperparameters: Mapping[str, Any]) -> Model:
    """Return a model that is not fitted yet."""
    model_class = load_model_class(card)
    try:
        return model_class(**hyperparameters)
    except (TypeError, ValueError) as error:
        message = f"model {card.name} refuses its hyperparameters: {error}"
        raise UserError(message) from error


def fit_run(
    task: Task, folder: Path, *, seed: int = 0, variation: Variation = STANDARD, **more: Any
) -> Run:
    """Return what is handed to `fit`, with the folder for checkpoints; it scores by the task.

    `more` are other fields of `Run`: its conditions, where it reports, device and threads.
    """
    cut = variation.of_fit().perturbation is not None
    compared = task.primary_metric.prediction

    def score(predictions: Sequence[Predictions], examples: Sequence[Example]) -> float:
        if variation.other_targets and any(compared not in p for p in predictions):
            return math.nan
        if cut:
            predictions = [
                {name: values[example.balanced] for name, values in prediction.items()}
                for prediction, example in zip(predictions, examples, strict=True)
            ]
            examples = [at_particles(e, e.balanced) for e in examples if e.balanced is not None]
        return primary_score(task, predictions, examples)

    return Run(seed, task.target, task.symmetry, folder, score=score, **more)


def fit_examples(view: View, trial: Trial, split: str) -> Sequence[Example]:
    """Return the examples of a split, `train` or `valid`, from which the trial's model learns."""
    conditions, variation = trial.fit_conditions, trial.variation
    if variation.train_condition is not None:
        _check_parents(view, trial, variation.train_condition)
    examples: Sequence[Example] = view.examples(split, conditions)
    if split == "train" and variation.training_configurations is not None:
        count = variation.training_configurations
        examples = training_subset(view, conditions, count, trial.seed)
    perturbation = variation.perturbation
    if perturbation is not None and perturbation.in_training:
        return [cut_example(example, perturbation) for example in examples]
    return examples


def training_subset(view: View, conditions: Sequence[Condition], count: int, seed: int) -> Examples:
    """Return the training examples of `count` configurations at each condition.

    Configurations are taken parent by parent, in an order drawn from `seed` and the names
    of the parents, so that the subsets of one seed are nested.
    """
    entries = []
    for condition in conditions:
        examples = view.examples("train", (condition,))
        parents = view.parents("train", condition)
        order = sorted(range(len(parents)), key=lambda k: rank_of_parent(seed, parents[k]))
        # Under load, one configuration gives a structure for each protocol.
        configurations = list(dict.fromkeys(examples.entries[k][0].index for k in order))
        if len(configurations) < count:
            raise UserError(
                f"training_configurations is {count}: the training split has "
                f"{len(configurations)} at {condition.name}"
            )
        taken = set(configurations[:count])
        entries += [entry for entry in examples.entries if entry[0].index in taken]
    return Examples(view, entries)


def _check_parents(view: View, trial: Trial, elsewhere: Condition) -> None:
    """Refuse a training condition that shares an independent sample with the scored split."""
    split, trained = trial.variation.scored_split, set(view.parents("train", elsewhere))
    for condition in trial.conditions:
        shared = trained & set(view.parents(split, condition))
        if shared:
            raise UserError(
                f"sample {min(shared)} is in the training split at {elsewhere.name} and in the "
                f"{split} split at {condition.name}: the score would not be one of unseen samples"
            )


@dataclass(frozen=True)
class Question:
    """Structures by name to predict in one call, and the condition that the model is told."""

    condition: Condition
    structures: Mapping[str, Structure]


def questions(trial: Trial, task: Task, view: View) -> Iterator[tuple[str, str, Question]]:
    """Yield what a fitted model is asked, each with the file and the condition of its answer.

    A model that was fitted at one condition is asked about that one, wherever the
    structures come from.
    """
    fitted, of_all = trial.fit_conditions, trial.model.conditions_per_fit == "all"
    split = trial.variation.scored_split
    # A file of predictions knows the structures at its own conditions alone.
    stored = "predictions" in view.reads
    others = [] if stored else transfer_conditions(trial, task, view)
    for file, conditions in ((PREDICTIONS_FILE, trial.conditions), (TRANSFER_FILE, others)):
        for condition in conditions:
            structures = {s.configuration: s for s in view.structures(split, condition)}
            asked = condition if of_all or condition in fitted else fitted[0]
            yield file, condition.name, Question(asked, structures)
    if task.is_under_load and split == "test" and not stored:
        for condition in trial.conditions:
            turned = turned_structures(view, condition)
            yield ROTATION_FILE, condition.name, Question(condition, turned)


def transfer_conditions(trial: Trial, task: Task, view: View) -> list[Condition]:
    """Return the conditions that differ from the trial's one on the transfer axes alone."""
    if not task.transfer or len(trial.conditions) != 1 or not trial.variation.is_standard:
        return []
    own = dict(trial.conditions[0])
    fixed = [axis for axis in own if axis not in task.transfer]
    return [
        condition
        for condition in view.conditions("test")
        if dict(condition) != own and all(condition[axis] == own[axis] for axis in fixed)
    ]


def predict(
    model: Model, asked: Asked, structures: Mapping[str, Structure]
) -> dict[str, dict[str, np.ndarray]]:
    """Return the checked predictions of a fitted model by the names of the structures."""
    answers = model.predict(list(structures.values()), asked.condition)
    return checked_answers(answers, structures, asked)


def predict_centres(
    model: Model, asked: Asked, structures: Mapping[str, Structure], trial: Trial
) -> dict[str, dict[str, np.ndarray]]:
    """Return predictions (M,) for the centres of each structure, its neighbours perturbed."""
    perturbation = trial.variation.perturbation
    assert perturbation is not None
    predictions: dict[str, dict[str, np.ndarray]] = {}
    for name, structure in structures.items():
        cuts = list(
            perturbed(structure, perturbation, centres_of(structure, perturbation), trial.seed)
        )
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


def score_trial(
    trial: Trial,
    task: Task,
    view: View,
    files: Mapping[str, ConditionPredictions],
    sha256: str,
    cost: Mapping[str, float],
    parameters: int | None,
    history: tuple[Mapping[str, Any], ...] = (),
) -> TrialResult:
    """Return the result of a trial whose predictions exist, labels read from `view`.

    Give a view that no model has seen: one that writes into its structures must not change
    how it is scored.

    Parameters
    ----------
    files : predictions by name of their file; those beside `predictions.npz` may be missing
    sha256 : digest of `predictions.npz`
    """
    predictions = files[PREDICTIONS_FILE]
    turned = files.get(ROTATION_FILE, {})
    others = transfer_conditions(trial, task, view) if TRANSFER_FILE in files else []
    # A trial that another version began may have been asked for other turns.
    probed = [
        condition.name in turned
        and set(turned_structures(view, condition)) <= set(turned[condition.name])
        for condition in trial.conditions
    ]
    return TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        conditions=_scores(trial, task, view, trial.conditions, predictions),
        history=history,
        cost=cost,
        predictions={"path": PREDICTIONS_FILE, "sha256": sha256},
        parameters=parameters,
        transfer=_scores(trial, task, view, others, files.get(TRANSFER_FILE, {})),
        # In the order of the conditions, None where one is not probed.
        rotation=tuple(
            score_rotation(task, view, c, predictions[c.name], turned[c.name]) if asked else None
            for c, asked in zip(trial.conditions, probed)
            if any(probed)
        ),
    )


def _scores(
    trial: Trial,
    task: Task,
    view: View,
    conditions: Sequence[Condition],
    predictions: ConditionPredictions,
) -> tuple[ConditionScores, ...]:
    perturbation, split = trial.variation.perturbation, trial.variation.scored_split
    missing = [condition.name for condition in conditions if condition.name not in predictions]
    if missing:
        raise PredictionsError(f"there are no predictions at {missing[0]}")
    return tuple(
        score_condition(task, view, c, predictions[c.name], split=split, perturbation=perturbation)
        for c in conditions
    )
