"""Scores of predictions on the test split, and the best score that the data allow.

The one place where test labels are opened, after the model has predicted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .datasets.pairs import pair_distances
from .datasets.view import View
from .errors import UserError
from .metrics import (
    MetricSpecification,
    noise_ceiling,
    score_configurations,
    select_pairs,
    select_particles,
)
from .model import Condition, Example, Predictions, Structure
from .results import ConditionScores, Score
from .task import Task


class PredictionsError(UserError):
    """Predictions do not fit the structures that were asked about."""


def score_condition(
    task: Task, view: View, condition: Condition, predictions: Mapping[str, Predictions]
) -> ConditionScores:
    """Score the predictions of every test configuration at one condition.

    Parameters
    ----------
    predictions : by configuration name, arrays by target name

    Raises
    ------
    PredictionsError
        If a configuration is missing, or an array has the wrong length.
    """
    examples = view.examples("test", (condition,))
    for example in examples:
        if example.structure.configuration not in predictions:
            raise PredictionsError(
                f"no predictions for test configuration {example.structure.configuration} at "
                f"{condition.name}: the test split has {len(examples)} configurations, "
                f"{len(predictions)} were given"
            )
    ordered = [predictions[example.structure.configuration] for example in examples]
    scores = {}
    for table in task.metrics:
        specification = MetricSpecification.from_table(table)
        if all(specification.target in p for p in ordered) and all(
            specification.target in e.targets for e in examples
        ):
            scores[specification.name] = _score(specification, ordered, examples)
    return ConditionScores(
        condition=dict(condition),
        configurations=tuple(example.structure.configuration for example in examples),
        parents=tuple(view.parents("test", condition)),
        scores=scores,
    )


def primary_score(
    task: Task, predictions: Sequence[Predictions], examples: Sequence[Example]
) -> float:
    """Return the primary metric of predictions on examples; NaN where it is undefined."""
    specification = MetricSpecification.from_table(task.primary_metric)
    value = _score(specification, predictions, examples).value
    return math.nan if value is None else value


def noise_ceilings(task: Task, view: View, condition: Condition) -> dict[str, Score]:
    """Return, by metric, the highest correlation that any model can reach in expectation.

    It follows from the two halves of the isoconfigurational ensemble; metrics
    whose target has no halves in the dataset are left out.
    """
    ceilings = {}
    structures = view.structures("test", condition)
    for table in task.metrics:
        specification = MetricSpecification.from_table(table)
        halves = [
            view.halves(specification.target, condition, structure.configuration)
            for structure in structures
        ]
        if specification.function != "pearson" or any(pair is None for pair in halves):
            continue
        selected = [
            (first[selection], second[selection])
            for structure, (first, second, pairs) in zip(structures, halves, strict=True)
            for selection in [_selection(specification, structure, pairs)]
        ]
        values = [float(noise_ceiling(first, second)) for first, second in selected]
        value = float(np.mean(values))
        if specification.average == "pooled":
            pooled = [np.concatenate(half) for half in zip(*selected, strict=True)]
            value = float(noise_ceiling(*pooled))
        ceilings[specification.name] = Score(_defined(value), tuple(map(_defined, values)))
    return ceilings


def _score(
    specification: MetricSpecification,
    predictions: Sequence[Predictions],
    examples: Sequence[Example],
) -> Score:
    target = specification.target
    selections = [
        _selection(specification, example.structure, example.structure.pairs)
        for example in examples
    ]
    truths = [np.asarray(example.targets[target]) for example in examples]
    guesses = [np.asarray(prediction[target]) for prediction in predictions]
    for example, truth, guess in zip(examples, truths, guesses, strict=True):
        if guess.shape != truth.shape:
            raise PredictionsError(
                f"predictions of {target} for configuration {example.structure.configuration} "
                f"have the shape {guess.shape}, the target has {truth.shape}"
            )
        if not np.isfinite(guess).all():
            raise PredictionsError(
                f"predictions of {target} for configuration {example.structure.configuration} "
                f"hold {int((~np.isfinite(guess)).sum())} of {guess.size} values that are not "
                "finite: every particle needs a number"
            )
    boxes = [(example.structure.positions, example.structure.box) for example in examples]
    scored = score_configurations(specification, guesses, truths, selections, boxes)
    return Score(
        _defined(scored.value), tuple(_defined(value) for value in scored.by_configuration)
    )


def _selection(
    specification: MetricSpecification, structure: Structure, pairs: np.ndarray | None
) -> np.ndarray:
    """Return the mask of the particles, or of the pairs, that the metric counts."""
    if not specification.on_pairs:
        return select_particles(specification, structure.species)
    distances = pair_distances(structure.positions, pairs, structure.box)
    return select_pairs(specification, structure.species, pairs, distances)


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
