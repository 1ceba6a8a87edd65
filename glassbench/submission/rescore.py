"""Scoring stored predictions again, and comparing the outcome with what a record says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.model_card import ModelCard
from ..contract.reported import reported_at
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, ModelReference, Trial, make_trials
from ..home.workspace import Workspace
from ..plugins.registry import load_model_card
from ..record.file import PlainRecord as Record
from ..record.make import make_record
from ..trial.predictions import ConditionPredictions, PredictionsFileError, read_predictions
from ..trial.result import TrialResult
from ..trial.stages import score_trial
from .bundle import conditions_of
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
    """Return the predictions in a file that a stranger may have written.

    Raises
    ------
    UserError
        If it is no file of predictions, larger than the limit, or holds NaN or infinity.
    """
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
    """Return the result of a trial whose predictions exist already.

    Parameters
    ----------
    files : predictions by name of their file
    sha256 : of `predictions.npz`
    """
    scores = score_trial(trial, task, view, files)
    return TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        conditions=scores.conditions,
        history=(),
        cost=cost,
        predictions={"path": "predictions.npz", "sha256": sha256},
        parameters=parameters,
        transfer=scores.transfer,
        rotation=scores.rotation,
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

    results: dict[str, list[TrialResult]] = {}
    for name in names:
        card = load_model_card(name)
        trials = make_trials(
            task=task.name,
            task_folder=str(task.folder),
            protocol_version=task.protocol_version,
            dataset=dataset,
            model=ModelReference(card.name, str(card.folder), card.digest, card.conditions_per_fit),
            conditions=conditions_of(record),
            hyperparameters=card.hyperparameters_for(task.name, dataset.name, {}),
            seeds=(FLOOR_SEED,),
            floor=True,
        )
        results[name] = [r for trial in trials if (r := run_trial(trial, workspace)) is not None]
    return results


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

    conditions = conditions_of(record)
    again = make_record(
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
        tuning=record.get("tuning"),
    )
    return again.to_json()


def differences(record: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Return how far a record disagrees with a re-scoring of its predictions, one line each."""
    return list(_differences(_compared(record), _compared(again), ""))


def _compared(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what predictions and labels fix; numbers of other publications are no part of it."""
    kept = {name: value for name, value in record.items() if name not in NOT_SCORES}
    kept["conditions"] = [
        {name: value for name, value in entry.items() if name != "reported"}
        for entry in record["conditions"]
    ]
    return kept


def _differences(theirs: Any, ours: Any, where: str) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*ours, *theirs}):
            inner = f"{where}/{name}" if where else str(name)
            if name not in ours or name not in theirs:
                yield (
                    f"{inner} is in the record, its predictions do not give it"
                    if name in theirs
                    else f"{inner} is not in the record, its predictions give it"
                )
            else:
                yield from _differences(theirs[name], ours[name], inner)
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        if len(ours) != len(theirs):
            yield f"{where} has {len(theirs)} entries, its predictions give {len(ours)}"
        else:
            for index, (one, other) in enumerate(zip(theirs, ours)):
                yield from _differences(one, other, f"{where}/{index}")
    elif not _same(theirs, ours):
        yield f"{where} is {theirs!r}, its predictions give {ours!r}"


def _same(one: Any, other: Any) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other))
    if numbers:
        return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    return type(one) is type(other) and one == other
