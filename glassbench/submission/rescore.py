"""Scoring stored predictions again, and comparing the outcome with what a record says.

Predictions that are signed are scored rounded, and without what no score counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, plan_trials
from ..datasets.view import View
from ..home.workspace import Workspace
from ..metrics import paired_difference
from ..model import Condition, Example
from ..plugins.registry import load_model_card
from ..record.make import known_at, make_record, numbers
from ..record.record import PlainRecord as Record
from ..trial.predictions import ConditionPredictions, PredictionsError, read_predictions
from ..trial.result import TrialResult
from ..trial.rotation import TURN
from ..trial.run import run_trial
from ..trial.score import counted_items
from ..trial.stages import ROTATION_FILE
from .bundle import MAX_PREDICTIONS_BYTES, Bundle, conditions_of, trained_at
from .sandbox.bounded import read_arrays
from .sandbox.limits import require

# Sums of a few thousand numbers agree to this on any machine.
RELATIVE_TOLERANCE = 1e-9
NOT_SCORES = (
    "created", "tracking", "cost", "provenance", "status", "verification", "supersedes",
    "predictions", "failed",
)  # fmt: skip
FLOOR_SEED = 0
# Of a robust standard deviation, the part to which a prediction is rounded: a thousandth changes
# no correlation in its sixth digit, and ten bits a number are left to compress.
FINEST = 2.0**-10
MAD_OF_NORMAL = 1.4826


def read_finite_predictions(path: Path) -> ConditionPredictions:
    """Return the predictions in a file that a stranger may have written; NaN is refused."""
    for name, array in read_arrays(path.read_bytes(), str(path), MAX_PREDICTIONS_BYTES).items():
        # Also as float32, in which the predictions of a model are compared.
        with np.errstate(over="ignore"):
            single = array.astype(np.float32) if array.dtype.kind == "f" else np.zeros(0)
        if not np.isfinite(single).all():
            raise PredictionsError(
                f"{path}: `{name}` holds {int((~np.isfinite(single)).sum())} values that are not "
                "finite: every item needs a number"
            )
    return read_predictions(path)


def spread(values: np.ndarray) -> float:
    """Return 1.4826 median absolute deviations of what deviates; 1 where nothing does."""
    deviations = np.abs(values - np.median(values)) if values.size else values
    deviations = deviations[deviations > 0]
    return MAD_OF_NORMAL * float(np.median(deviations)) if deviations.size else 1.0


def rounded(values: np.ndarray) -> np.ndarray:
    """Return values on a grid of a power of two, at most `FINEST` of their spread apart.

    As float32 where that holds them exactly. Numbers that a float cannot tell from their
    neighbours on the grid stay as they are.
    """
    exact = np.asarray(values, np.float64)
    step = 2.0 ** math.floor(math.log2(spread(exact) * FINEST))
    codes = exact / step
    on_grid = np.where(np.abs(codes) < 2.0**52, np.rint(codes) * step + 0.0, exact)
    with np.errstate(over="ignore"):
        short = on_grid.astype(np.float32)
    return short if np.array_equal(short, on_grid) else on_grid


def as_scored(
    task: Task, view: View, files: Mapping[str, ConditionPredictions]
) -> dict[str, ConditionPredictions]:
    """Return predictions rounded, those that no metric of the task counts left out or zero.

    So written, the predictions of a signed record are small enough to lie beside it, and its
    scores come out again to the last digit; and nothing that no score counts is published.
    """
    scored: dict[str, ConditionPredictions] = {}
    for file, predictions in files.items():
        for condition, by_configuration in predictions.items():
            where = next(c for c in view.conditions("test") if c.name == condition)
            examples = {e.structure.configuration: e for e in view.examples("test", (where,))}
            of_condition = scored.setdefault(file, {}).setdefault(condition, {})
            for name, targets in by_configuration.items():
                example = examples[name.partition(TURN)[0] if file == ROTATION_FILE else name]
                counted = _counted(task, file, where, example)
                of_condition[name] = {
                    t: rounded(np.where(counted[t], v, 0.0) if counted[t].any() else v)
                    for t, v in targets.items()
                    if t in counted
                }
    return scored


def _counted(
    task: Task, file: str, condition: Condition, example: Example
) -> dict[str, np.ndarray]:
    """Return, by target, the mask of the predictions that some score counts."""
    if file == ROTATION_FILE:
        return {task.target: np.asarray(example.targets[task.target]) > 0}
    counted = counted_items(task, condition, example)
    if task.transfer:
        # The means of a transfer are those of all.
        counted[task.primary_metric.prediction][:] = True
    return counted


def floor_results(
    task: Task,
    dataset: DatasetReference,
    record: Record,
    names: Sequence[str],
    workspace: Workspace,
) -> dict[str, list[TrialResult]]:
    """Return the results of floors at a record's conditions, from the workspace or run now."""
    results = {}
    for card in map(load_model_card, names):
        values = card.hyperparameters_for(task.name, dataset.name, {})
        conditions, seeds = conditions_of(record), (FLOOR_SEED,)
        about = (card, task, dataset, conditions, trained_at(record))
        trials = plan_trials(*about, values, seeds, floor=True)
        made = [run_trial(trial, workspace) for trial in trials]
        results[card.name] = [result for result in made if result is not None]
    return results


def record_of(
    task: Task,
    view: View,
    dataset: DatasetReference,
    bundle: Bundle,
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
) -> Record:
    """Return the record that results make on the conditions of a bundle's record."""
    record, conditions = bundle.record, conditions_of(bundle.record)
    return make_record(
        task=task,
        dataset=dataset,
        model=bundle.card,
        conditions=conditions,
        hyperparameters=record["hyperparameters"],
        seeds=record["seeds"],
        results=results,
        floors=floors,
        known={c.name: known_at(task, dataset.name, view, c) for c in conditions},
        failed=record["failed"],
        tuning=record.get("tuning"),
        whole=view.dataset.whole,
        trained=record.get("trained"),
    ).to_json()


def largest_difference(one: ConditionPredictions, other: ConditionPredictions) -> float:
    """Return the largest difference of predictions, in robust standard deviations of the first.

    What is in `other` is looked for in `one`; infinity where it is not there, or is not finite.
    """
    worst = 0.0
    for condition, by_configuration in other.items():
        for configuration, targets in by_configuration.items():
            for target, values in targets.items():
                first = one.get(condition, {}).get(configuration, {}).get(target)
                if first is None or np.shape(first) != np.shape(values):
                    return math.inf
                before, after = np.asarray(first, float), np.asarray(values, float)
                if not (np.isfinite(before).all() and np.isfinite(after).all()):
                    return math.inf
                change = float(np.abs(before - after).max(initial=0.0))
                worst = max(worst, change / spread(before))
    return worst


def refuse_above_ceiling(record: Record, task: Task) -> None:
    """Refuse a record whose score lies above what noise in the labels allows, paired, with 95 %.

    Where no ceiling was measured, as for labels without a repeat, nothing is refused.
    """
    metric = task.primary_metric
    for entry in record["conditions"]:
        ceiling = entry["ceiling"].get(metric.name)
        if ceiling is None or ceiling["value"] is None:
            continue
        score = entry["scores"][metric.name]
        own = np.mean([numbers(seed["by_configuration"]) for seed in score["seeds"]], axis=0)
        highest = np.array(numbers(ceiling["by_configuration"]))
        known = np.isfinite(own) & np.isfinite(highest)
        sign = 1 if metric.higher_is_better else -1
        parents = np.array(entry["parents"])[known]
        above = paired_difference(sign * own[known], sign * highest[known], parents).difference.low
        require(
            not above > 0,
            f"{metric.name} at {Condition.of(**entry['condition']).name} is {score['value']:.3f}, "
            f"above the noise ceiling {ceiling['value']:.3f} by {above:.3f} at least: only a model "
            "that knows these labels scores so; verify with labels= that it cannot know",
        )


def differences(theirs: Any, ours: Any, where: str = "") -> Iterator[str]:
    """Yield how far a record disagrees with a re-scoring of its predictions, one line each.

    What is compared is what predictions and labels fix; numbers of other publications are no
    part of it.
    """
    theirs, ours = (
        dict(enumerate(value)) if isinstance(value, list | tuple) else value
        for value in (theirs, ours)
    )
    if not (isinstance(theirs, Mapping) and isinstance(ours, Mapping)):
        if not _same(theirs, ours):
            yield f"{where} is {theirs!r}, its predictions give {ours!r}"
        return
    for name in sorted({*theirs, *ours}, key=str):
        inner = f"{where}/{name}" if where else str(name)
        if inner in NOT_SCORES or re.fullmatch(r"conditions/\d+/reported", inner):
            continue
        if name not in ours:
            yield f"{inner} is in the record, its predictions do not give it"
        elif name not in theirs:
            yield f"{inner} is not in the record, its predictions give it"
        else:
            yield from differences(theirs[name], ours[name], inner)


def _same(one: Any, other: Any) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other))
    if numbers:
        return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    return type(one) is type(other) and one == other
