"""Whether an explanation belongs to a record: nobody signs it, so it is held to what is signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..contract.errors import UserError
from ..contract.task import Task
from ..record.record import PlainRecord as Record
from .schema import ConditionErrors, Explanation, check_explanation

# What of a score rounding the predictions may change.
ROUNDED = 2e-3
AGAIN = "explain the run again"


def fitting_explanation(plain: Any, record: Record, task: Task) -> Explanation:
    """Return an explanation that fits its schema, its record and its task."""
    explanation = check_explanation(plain)
    digests = (explanation.model_digest, explanation.dataset_digest)
    if digests != (record["model"]["digest"], record["dataset"]["digest"]):
        raise UserError(f"it is of another model or dataset than its record: {AGAIN}")
    for name in ("conditions", "maps", "extremes", "learning_curve", "replaced"):
        check_axes(task, (entry.condition for entry in getattr(explanation, name)))
    for pair in explanation.transfer:
        check_axes(task, (pair.trained_on, pair.tested_on))
    for part in explanation.conditions:
        if not _has_scores_of(record, part, explanation.seed):
            raise UserError(f"its scores at {part.condition} are not those of its record: {AGAIN}")
    if any(drawn.structure >= len(explanation.structures) for drawn in explanation.maps):
        raise UserError(f"a map names a structure that is not there: {AGAIN}")
    for entry in explanation.extremes:
        if any(len(curve.values) != len(entry.distances) for curve in entry.curves):
            raise UserError(f"a curve of g(r) is longer or shorter than its distances: {AGAIN}")
    return explanation


def _has_scores_of(record: Record, part: ConditionErrors, seed: int) -> bool:
    """Return whether the score of each configuration is the one that the record has of a seed."""
    metric = record["task"]["primary_metric"]
    for entry in record["conditions"]:
        for of_seed in entry["scores"][metric]["seeds"]:
            if entry["condition"] == part.condition and of_seed["seed"] == seed:
                scores = dict(zip(entry["configurations"], of_seed["by_configuration"]))
                # A metric that is no mean over configurations has none.
                worst = part.worst if scores else ()
                return all(_alike(scores.get(each.configuration), each.value) for each in worst)
    return False


def _alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= ROUNDED


def check_axes(task: Task, conditions: Iterable[Mapping[str, float]]) -> None:
    """Refuse a condition that names other axes than the task's."""
    axes = {axis.name for axis in task.axes}
    for condition in conditions:
        if set(condition) != axes:
            raise UserError(f"condition {condition} does not name the axes {sorted(axes)}")
