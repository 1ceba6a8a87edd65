"""Scores of predictions on the test split, and the best score that the data allow.

The one place where test labels are opened, after the model has predicted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from ..contract.checked import finite, finite_ends
from ..contract.task import Task
from ..contract.trial_plan import Perturbation
from ..datasets.pairs import pair_distances
from ..datasets.view import View
from ..metrics import (
    COLLECTIVE,
    MetricSpecification,
    collective_interval,
    noise_ceiling,
    score_configurations,
    score_interval,
    select_pairs,
    select_particles,
)
from ..model import Condition, Example, Predictions, Structure
from .perturbation import at_particles, centres_of
from .predictions import PredictionsError
from .result import ConditionScores, Score


def score_condition(
    task: Task,
    view: View,
    condition: Condition,
    predictions: Mapping[str, Predictions],
    *,
    split: str = "test",
    perturbation: Perturbation | None = None,
) -> ConditionScores:
    """Score the predictions of every configuration of a split at one condition.

    Parameters
    ----------
    predictions : by configuration name, arrays by target name
    split : `test`, or `valid` while a model is tuned
    perturbation : where predictions belong to its centres alone, scored by the primary metric
    """
    # Read once: every metric goes over all of them.
    examples = list(view.examples(split, (condition,)))
    for example in examples:
        if example.structure.configuration not in predictions:
            raise PredictionsError(
                f"no predictions for {split} configuration {example.structure.configuration} at "
                f"{condition.name}: the {split} split has {len(examples)} configurations, "
                f"{len(predictions)} were given ({', '.join(list(predictions)[:3])}, …)"
            )
    ordered = [predictions[example.structure.configuration] for example in examples]
    if perturbation is not None:
        examples = [at_particles(e, centres_of(e.structure, perturbation)) for e in examples]
    parents = tuple(view.parents(split, condition))
    scores = {}
    for metric in task.metrics if perturbation is None else [task.primary_metric]:
        specification = metric.at(condition)
        if all(specification.prediction in p for p in ordered) and all(
            specification.target in e.targets for e in examples
        ):
            scores[specification.name] = (
                _collective_score(specification, view, condition, examples, parents, ordered)
                if specification.is_collective
                else _score(specification, ordered, examples, parents)
            )
    return ConditionScores(
        condition=dict(condition),
        configurations=tuple(example.structure.configuration for example in examples),
        parents=parents,
        scores=scores,
        means=_means(task.primary_metric, ordered, examples),
    )


def primary_score(
    task: Task, predictions: Sequence[Predictions], examples: Sequence[Example]
) -> float:
    """Return the primary metric of predictions on examples; NaN where it is undefined.

    It is averaged over the conditions of the examples where the metric depends on them.
    """
    specification = task.primary_metric
    for prediction in predictions:
        if specification.prediction not in prediction:
            raise PredictionsError(
                f"there is no prediction of `{specification.prediction}`, by which {task.name} is "
                f"scored, but of {', '.join(prediction) or 'nothing'}: change the hyperparameters "
                "of the model, or the task"
            )
    values = []
    at = [example.condition if specification.at_condition else None for example in examples]
    for condition in dict.fromkeys(at):
        chosen = [k for k, own in enumerate(at) if own == condition]
        guesses, truths = [predictions[k] for k in chosen], [examples[k] for k in chosen]
        values.append(_score(specification.at(condition or {}), guesses, truths).value)
    return float(np.mean([math.nan if v is None else v for v in values])) if values else math.nan


def noise_ceilings(task: Task, view: View, condition: Condition) -> dict[str, Score]:
    """Return, by metric, the highest score that the data allow in expectation.

    A Pearson correlation is bounded by the two halves of the ensemble; a metric of labels
    is given the score that a second measurement of them reaches, over those test
    configurations that were measured twice. Metrics for whose target the dataset has
    neither are left out.
    """
    examples = list(view.examples("test", (condition,)))
    repeats = {
        position: repeat
        for position, example in enumerate(examples)
        if (repeat := view.repeat(condition, example.structure.configuration)) is not None
    }
    ceilings: dict[str, Score] = {}
    for metric in task.metrics:
        specification = metric.at(condition)
        if repeats and specification.prediction in next(iter(repeats.values())):
            chosen = [examples[position] for position in repeats]
            repeated = _score(specification, list(repeats.values()), chosen)
            values: list[float | None] = [None] * len(examples)
            for position, value in zip(repeats, repeated.by_configuration, strict=True):
                values[position] = value
            ceilings[specification.name] = Score(repeated.value, tuple(values))
        elif specification.function == "pearson" and specification.average != "sample_means":
            halves = _ceiling_of_halves(specification, view, condition)
            if halves is not None:
                ceilings[specification.name] = halves
    return ceilings


def true_values(task: Task, view: View, condition: Condition) -> dict[str, Score]:
    """Return, by collective metric, the value of the test split's labels, to which it is a ratio.

    Noise in the labels is taken out where the dataset has averages over both halves.
    """
    examples = list(view.examples("test", (condition,)))
    parents = view.parents("test", condition)
    return {
        metric.name: _collective_score(metric, view, condition, examples, parents)
        for metric in task.metrics
        if metric.is_collective and all(metric.target in e.targets for e in examples)
    }


def _collective_score(
    specification: MetricSpecification,
    view: View,
    condition: Condition,
    examples: Sequence[Example],
    parents: Sequence[str],
    predictions: Sequence[Predictions] | None = None,
) -> Score:
    """Return a collective metric with its interval; of the labels themselves where none predict."""
    target, truths = specification.target, []
    for example in examples:
        halves = view.halves(target, condition, example.structure.configuration)
        label = example.targets[target]
        truths.append((label, label) if halves is None else halves[:2])
    guesses = None if predictions is None else _guesses(specification, predictions, examples)
    structures = [example.structure for example in examples]
    interval, by_configuration = collective_interval(
        partial(COLLECTIVE[specification.function], **specification.options),
        guesses,
        truths,
        [(structure.positions, structure.box) for structure in structures],
        parents,
        [select_particles(specification, structure.species) for structure in structures],
    )
    ends = finite_ends(interval)
    return Score(
        finite(float(interval.mean)),
        tuple(map(finite, map(float, by_configuration))),
        (ends[0], ends[1]) if ends else None,
    )


def _means(
    specification: MetricSpecification,
    predictions: Sequence[Predictions],
    examples: Sequence[Example],
) -> dict[str, float]:
    """Return the mean over configurations of what a metric compares; nothing where it is not."""
    if not examples or not all(specification.prediction in p for p in predictions):
        return {}
    guesses = [np.mean(p[specification.prediction]) for p in predictions]
    truths = [np.mean(e.targets[specification.target]) for e in examples]
    return {"prediction": float(np.mean(guesses)), "target": float(np.mean(truths))}


def _ceiling_of_halves(
    specification: MetricSpecification, view: View, condition: Condition
) -> Score | None:
    structures = view.structures("test", condition)
    halves = [
        pair
        for structure in structures
        if (pair := view.halves(specification.target, condition, structure.configuration))
    ]
    if len(halves) < len(structures):
        return None
    selected = [
        (first[selection], second[selection])
        for structure, (first, second, pairs) in zip(structures, halves, strict=True)
        for selection in [_selection(specification, structure, pairs)]
    ]
    values = [float(noise_ceiling(first, second)) for first, second in selected]
    value = float(np.mean(values))
    if specification.average == "pooled":
        first, second = (np.concatenate(half) for half in zip(*selected, strict=True))
        value = float(noise_ceiling(first, second))
    return Score(finite(value), tuple(map(finite, values)))


def _score(
    specification: MetricSpecification,
    predictions: Sequence[Predictions],
    examples: Sequence[Example],
    parents: Sequence[str] | None = None,
) -> Score:
    """Return a metric; with `parents`, also the interval of an aggregate that is no mean."""
    selections = [
        _selection(specification, example.structure, example.structure.pairs, example.balanced)
        for example in examples
    ]
    truths = [np.asarray(example.targets[specification.target]) for example in examples]
    guesses = _guesses(specification, predictions, examples)
    boxes = [(example.structure.positions, example.structure.box) for example in examples]
    scored = score_configurations(specification, guesses, truths, selections, boxes)
    interval = None
    if parents is not None and specification.average != "configuration":
        bootstrap = score_interval(specification, guesses, truths, parents, selections, boxes)
        interval = (ends[0], ends[1]) if (ends := finite_ends(bootstrap)) else None
    return Score(finite(scored.value), tuple(map(finite, scored.by_configuration)), interval)


def _guesses(
    specification: MetricSpecification,
    predictions: Sequence[Predictions],
    examples: Sequence[Example],
) -> list[np.ndarray]:
    """Return what a metric compares of each prediction, refused where a particle has no number."""
    target = specification.prediction
    guesses = [np.asarray(prediction[target]) for prediction in predictions]
    for example, guess in zip(examples, guesses, strict=True):
        truth = example.targets[specification.target]
        which = f"predictions of {target} for configuration {example.structure.configuration}"
        if guess.shape != truth.shape:
            raise PredictionsError(
                f"{which} have the shape {guess.shape}, the target has {truth.shape}"
            )
        if not np.isfinite(guess).all():
            raise PredictionsError(
                f"{which} hold {int((~np.isfinite(guess)).sum())} of {guess.size} values that are "
                "not finite: every particle needs a number"
            )
    return guesses


def counted_items(task: Task, condition: Condition, example: Example) -> dict[str, np.ndarray]:
    """Return, by predicted target, the mask of the particles or pairs that some metric counts."""
    counted: dict[str, np.ndarray] = {}
    for metric in task.metrics:
        specification = metric.at(condition)
        if specification.target in example.targets:
            structure = example.structure
            mask = _selection(specification, structure, structure.pairs, example.balanced)
            before = counted.get(specification.prediction)
            counted[specification.prediction] = mask if before is None else before | mask
    return counted


def _selection(
    specification: MetricSpecification,
    structure: Structure,
    pairs: np.ndarray | None,
    balanced: np.ndarray | None = None,
) -> np.ndarray:
    """Return the mask of the particles, or of the pairs, that the metric counts."""
    if not specification.on_pairs:
        return select_particles(specification, structure.species, balanced)
    assert pairs is not None
    distances = pair_distances(structure.positions, pairs, structure.box)
    return select_pairs(specification, structure.species, pairs, distances)
