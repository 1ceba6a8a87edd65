"""Scoring stored predictions again, and comparing what comes out with what a record says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.model_card import ModelCard, hyperparameters_for
from ..contract.reported import reported_at
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, ModelReference, Trial, make_trials
from ..home.workspace import Workspace
from ..model import Condition
from ..plugins.registry import load_model_card
from ..record.file import Record
from ..record.make import make_record
from ..trial.predictions import ConditionPredictions, read_predictions
from ..trial.result import TrialResult
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


def stored_predictions(path: Path) -> ConditionPredictions:
    """Return the predictions of a file that a stranger may have written.

    Raises
    ------
    UserError
        If it is no file of predictions, or larger than the limit.
    """
    read_arrays(path.read_bytes(), str(path), MAX_PREDICTIONS_BYTES)
    return read_predictions(path)


def scored_trial(
    task: Task,
    view: View,
    trial: Trial,
    predictions: ConditionPredictions,
    file: Mapping[str, str],
    cost: Mapping[str, float],
    parameters: int | None,
) -> TrialResult:
    """Return the result of a trial whose predictions are there already.

    Parameters
    ----------
    file : `path` and `sha256` of the predictions
    """
    from ..trial.score import PredictionsError, score_condition

    missing = [c.name for c in trial.conditions if c.name not in predictions]
    if missing:
        raise PredictionsError(f"there are no predictions at {missing[0]}")
    return TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        conditions=tuple(
            score_condition(task, view, condition, predictions[condition.name])
            for condition in trial.conditions
        ),
        history=(),
        cost=cost,
        predictions=file,
        parameters=parameters,
    )


def floor_results(
    task: Task,
    dataset: DatasetReference,
    conditions: Sequence[Condition],
    names: Sequence[str],
    workspace: Workspace,
) -> dict[str, list[TrialResult]]:
    """Return the results of floors, from the workspace or run now."""
    from ..trial.run import run_trial

    found: dict[str, list[TrialResult]] = {}
    for name in names:
        card = load_model_card(name)
        trials = make_trials(
            task=task.name,
            task_folder=str(task.folder),
            protocol_version=task.protocol_version,
            dataset=dataset,
            model=ModelReference(card.name, str(card.folder), card.digest, card.conditions_per_fit),
            conditions=conditions,
            hyperparameters=hyperparameters_for(card, task.name, dataset.name, {}),
            seeds=(FLOOR_SEED,),
            floor=True,
        )
        found[name] = [run_trial(trial, workspace) for trial in trials]
    return found


def record_of(
    task: Task,
    view: View,
    dataset: DatasetReference,
    card: ModelCard,
    record: Record,
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
) -> Record:
    """Return the record that results make on the conditions of another record."""
    from ..trial.score import noise_ceilings

    conditions = tuple(Condition.of(**entry["condition"]) for entry in record["conditions"])
    return make_record(
        task=task,
        dataset=dataset,
        model=card,
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
    )


def differences(record: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Return in words where a record says something else than its predictions give."""
    return list(_differences(_compared(record), _compared(again), ""))


def _compared(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what predictions and labels fix; numbers of other publications are no part of it."""
    kept = {name: value for name, value in record.items() if name not in NOT_SCORES}
    kept["conditions"] = [
        {name: value for name, value in entry.items() if name != "reported"}
        for entry in record["conditions"]
    ]
    return kept


def _differences(theirs: Any, ours: Any, place: str) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*ours, *theirs}):
            inner = f"{place}/{name}" if place else str(name)
            if name not in ours or name not in theirs:
                yield f"{inner} stands on one side only"
            else:
                yield from _differences(theirs[name], ours[name], inner)
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        if len(ours) != len(theirs):
            yield f"{place} has {len(theirs)} entries, {len(ours)} come out"
        else:
            for index, (one, other) in enumerate(zip(theirs, ours)):
                yield from _differences(one, other, f"{place}/{index}")
    elif not _same(theirs, ours):
        yield f"{place} says {theirs!r}, {ours!r} comes out"


def _same(one: Any, other: Any) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other))
    if numbers:
        return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    return type(one) is type(other) and one == other
