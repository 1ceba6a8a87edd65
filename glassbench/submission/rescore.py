"""Scoring stored predictions again, and comparing the outcome with what a record says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.reported import reported_at
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, Trial
from ..home.workspace import Workspace
from ..plugins.registry import load_model_card
from ..record.file import PlainRecord as Record
from ..record.make import make_record
from ..trial.predictions import ConditionPredictions, PredictionsFileError, read_predictions
from ..trial.result import TrialResult
from ..trial.stages import PREDICTIONS_FILE, score_trial
from .bundle import Bundle, conditions_of, plan_trials
from .sandbox.bounded import read_arrays
from .sandbox.limits import GIB

if TYPE_CHECKING:
    from ..datasets.view import View

# Sums of a few thousand numbers agree to this on any machine.
RELATIVE_TOLERANCE = 1e-9
NOT_SCORES = (
    "created", "tracking", "cost", "provenance", "status", "verification", "supersedes",
    "predictions", "failed",
)  # fmt: skip
MAX_PREDICTIONS_BYTES = 2 * GIB
FLOOR_SEED = 0


def read_finite_predictions(path: Path) -> ConditionPredictions:
    """Return the predictions in a file that a stranger may have written; NaN is refused."""
    import numpy as np

    for name, array in read_arrays(path.read_bytes(), str(path), MAX_PREDICTIONS_BYTES).items():
        # Also as float32, in which the predictions of a model are compared.
        with np.errstate(over="ignore"):
            single = array.astype(np.float32) if array.dtype.kind == "f" else np.zeros(0)
        if not np.isfinite(single).all():
            raise PredictionsFileError(
                f"{path}: `{name}` holds {int((~np.isfinite(single)).sum())} values that are not "
                "finite: every item needs a number"
            )
    return read_predictions(path)


def scored_again(
    trial: Trial,
    task: Task,
    view: View,
    files: Mapping[str, ConditionPredictions],
    sha256: str,
    cost: Mapping[str, float],
    parameters: int | None,
) -> TrialResult:
    """Return the result of a trial whose predictions, by name of their file, exist already."""
    return TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        history=(),
        cost=cost,
        predictions={"path": PREDICTIONS_FILE, "sha256": sha256},
        parameters=parameters,
        **score_trial(trial, task, view, files),
    )


def floor_results(
    task: Task,
    dataset: DatasetReference,
    record: Record,
    names: Sequence[str],
    workspace: Workspace,
) -> dict[str, list[TrialResult]]:
    """Return the results of floors at a record's conditions, from the workspace or run now."""
    from ..trial.run import run_trial

    results = {}
    for card in map(load_model_card, names):
        values = card.hyperparameters_for(task.name, dataset.name, {})
        conditions, seeds = conditions_of(record), (FLOOR_SEED,)
        trials = plan_trials(card, task, dataset, conditions, values, seeds, floor=True)
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
    from ..trial.score import noise_ceilings

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
        ceilings={c.name: noise_ceilings(task, view, c) for c in conditions},
        tau_alpha={c.name: view.attribute(c, "tau_alpha") for c in conditions},
        reported={
            c.name: [
                {"model": n.model, "value": n.value, "source": n.source}
                for n in reported_at(task, dataset.name, c)
            ]
            for c in conditions
        },
        failed=record["failed"],
        tuning=record.get("tuning"),
    ).to_json()


def differences(record: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Return how far a record disagrees with a re-scoring of its predictions, one line each.

    What is compared is what predictions and labels fix; numbers of other publications are no
    part of it.
    """
    theirs, ours = (
        {name: value for name, value in plain.items() if name not in NOT_SCORES}
        for plain in (record, again)
    )
    return list(_differences(theirs, ours, ""))


def _differences(theirs: Any, ours: Any, where: str) -> Iterator[str]:
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
        if re.fullmatch(r"conditions/\d+/reported", inner):
            continue
        if name not in ours:
            yield f"{inner} is in the record, its predictions do not give it"
        elif name not in theirs:
            yield f"{inner} is not in the record, its predictions give it"
        else:
            yield from _differences(theirs[name], ours[name], inner)


def _same(one: Any, other: Any) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other))
    if numbers:
        return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    return type(one) is type(other) and one == other
