"""The record: what one model scored on one dataset of one task, as plain checked JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..contract.task import Task
from ..model import Condition
from ..trial.result import Score, TrialResult
from .digest import canonical_digest
from .file import RecordError, validate_record
from .record import SCHEMA_VERSION, Record

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.trial_plan import DatasetReference


def make_record(
    *,
    task: Task,
    dataset: DatasetReference,
    model: ModelCard,
    conditions: Sequence[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
    ceilings: Mapping[str, Mapping[str, Score]],
    tau_alpha: Mapping[str, float | None],
    reported: Mapping[str, Sequence[Mapping[str, Any]]],
    failed: Sequence[Mapping[str, Any]] = (),
    environments: Sequence[Mapping[str, Any]] = (),
    tracking: Mapping[str, str] | None = None,
    tuning: Mapping[str, Any] | None = None,
) -> Record:
    """Return the record of what finished, checked against the schema.

    Parameters
    ----------
    results : finished trials of the model
    floors : by name, the finished trials of each floor
    ceilings : by name of the condition, then by metric
    tau_alpha, reported : by name of the condition
    failed : `condition`, `seed` and `error` of the trials that failed
    environments : `trial.provenance.environment()` of the trials
    tuning : how the hyperparameters were found, as `tuning.configuration` states it

    Raises
    ------
    RecordError
        If no trial finished, a trial departs from the standard use of the dataset, or model
        and floors were scored on different configurations.
    """
    _refuse_varied(results)
    entries = [
        entry
        | {
            "tau_alpha": tau_alpha.get(condition.name),
            "reported": [dict(number) for number in reported.get(condition.name, ())],
        }
        for condition in conditions
        for entry in _scored(task, condition, results, floors, ceilings.get(condition.name, {}))
    ]
    if not entries:
        raise RecordError(f"no trial of {model.name} finished: there is nothing to record")
    plain = {
        "schema_version": SCHEMA_VERSION,
        "status": "measured",
        "task": _task(task),
        "dataset": {"name": dataset.name, "digest": dataset.digest},
        "model": _model(model, results),
        "hyperparameters": dict(hyperparameters),
        "seeds": list(seeds),
        "conditions": entries,
        "failed": [{**failure, "error": failure["error"][:10_000]} for failure in failed],
        "cost": _cost(results),
        "provenance": {
            "environments": _distinct(environments),
            "dataset_digest": dataset.digest,
            "model_digest": model.digest,
        },
        "tracking": None if tracking is None else dict(tracking),
        "predictions": list(_predictions(results)),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if tuning is not None:
        plain["tuning"] = dict(tuning)
    return validate_record(plain)


def _scored(
    task: Task,
    condition: Condition,
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
    ceilings: Mapping[str, Score],
) -> Iterator[dict[str, Any]]:
    """Yield what is known of the scores at a condition, nothing where no trial finished."""
    from ..trial.rotation import rotation_entry
    from .scores import condition_entry
    from .transfer import transfer_entry

    entry = condition_entry(task, condition, results, floors, ceilings)
    if entry is None:
        return
    more = {
        "transfer": transfer_entry(task, condition, results),
        "rotation_probe": rotation_entry(_probes(condition, results)),
    }
    yield entry | {name: value for name, value in more.items() if value is not None}


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "protocol_version": task.protocol_version,
        "primary_metric": task.primary_metric.name,
    }


def _model(model: ModelCard, results: Sequence[TrialResult]) -> dict[str, Any]:
    parameters = (r.parameters for r in results if r.parameters is not None)
    return {
        "name": model.name,
        "title": model.title,
        "digest": model.digest,
        "reads": list(model.reads),
        "parameters": max(parameters, default=None),
    }


def _refuse_varied(results: Iterable[TrialResult]) -> None:
    for result in results:
        if result.trial.get("variation"):
            raise RecordError(
                f"trial {result.key[:8]} departs from the standard use of the dataset "
                f"({result.trial['variation']}): it stands in no record"
            )


def _probes(condition: Condition, results: Iterable[TrialResult]) -> list[Mapping[str, Any]]:
    """Return the rotation probes of all seeds at a condition, in the order of the seeds."""
    return [
        probe
        for result in sorted(results, key=lambda result: result.trial["seed"])
        for scored, probe in zip(result.conditions, result.rotation)
        if probe and dict(scored.condition) == dict(condition)
    ]


def _cost(results: Iterable[TrialResult]) -> dict[str, float]:
    costs = [result.cost for result in results]
    return {
        "wall_seconds": sum(cost["wall_seconds"] for cost in costs),
        "cpu_seconds": sum(cost["cpu_seconds"] for cost in costs),
        "gpu_seconds": sum(cost["gpu_seconds"] for cost in costs),
        "peak_memory_bytes": max((cost["peak_memory_bytes"] for cost in costs), default=0),
    }


def _distinct(environments: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for environment in environments:
        found.setdefault(canonical_digest(environment), environment)
    return list(found.values())


def _predictions(results: Iterable[TrialResult]):
    for result in results:
        for condition in result.conditions:
            yield {
                "seed": result.trial["seed"],
                "condition": dict(condition.condition),
                "path": f"trials/{result.key[:2]}/{result.key}/{result.predictions['path']}",
                "sha256": result.predictions["sha256"],
            }
