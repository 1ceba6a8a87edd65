"""Making the record of what one model scored on one dataset of one task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..contract.task import Task
from ..model import Condition
from ..trial.result import TrialResult
from .record import SCHEMA_VERSION, Record, RecordError, canonical_digest, validate_record

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.trial_plan import DatasetReference
    from .scores import KnownAt


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
    known: Mapping[str, KnownAt],
    failed: Sequence[Mapping[str, Any]] = (),
    environments: Sequence[Mapping[str, Any]] = (),
    tracking: Mapping[str, str] | None = None,
    tuning: Mapping[str, Any] | None = None,
) -> Record:
    """Return the record of what finished, checked against the schema.

    Parameters
    ----------
    results : finished trials of the model
    known : by name of the condition
    failed : `condition`, `seed` and `error` of the trials that failed
    environments : `home.machine.environment()` of the trials
    """
    from .scores import KnownAt, condition_entry

    for result in results:
        if result.trial.get("variation"):
            raise RecordError(
                f"trial {result.key[:8]} departs from the standard use of the dataset "
                f"({result.trial['variation']}): no record takes it"
            )
    entries = []
    for condition in conditions:
        at = known.get(condition.name, KnownAt())
        entry = condition_entry(task, condition, results, floors, at)
        if entry is not None:
            entries.append(entry)
    if not entries:
        raise RecordError(f"no trial of {model.name} finished: there is nothing to record")
    plain = {
        "schema_version": SCHEMA_VERSION,
        "status": "measured",
        "task": {
            "name": task.name,
            "protocol_version": task.protocol_version,
            "primary_metric": task.primary_metric.name,
        },
        "dataset": {"name": dataset.name, "digest": dataset.digest},
        "model": {
            "name": model.name,
            "title": model.title,
            "authors": list(model.authors),
            "digest": model.digest,
            "reads": list(model.reads),
            "parameters": max(
                (r.parameters for r in results if r.parameters is not None), default=None
            ),
        },
        "hyperparameters": dict(hyperparameters),
        "seeds": list(seeds),
        "conditions": entries,
        "failed": [{**failure, "error": failure["error"][:10_000]} for failure in failed],
        "cost": _cost(results),
        "provenance": {
            "environments": list({canonical_digest(e): e for e in environments}.values()),
            "dataset_digest": dataset.digest,
            "model_digest": model.digest,
        },
        "tracking": None if tracking is None else dict(tracking),
        "predictions": [
            {
                "seed": result.trial["seed"],
                "condition": dict(condition.condition),
                "path": f"trials/{result.key[:2]}/{result.key}/{result.predictions['path']}",
                "sha256": result.predictions["sha256"],
            }
            for result in results
            for condition in result.conditions
        ],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return validate_record(plain if tuning is None else plain | {"tuning": dict(tuning)})


def _cost(results: Iterable[TrialResult]) -> dict[str, float]:
    costs = [result.cost for result in results]
    summed = ("wall_seconds", "cpu_seconds", "gpu_seconds")
    peak = max((cost["peak_memory_bytes"] for cost in costs), default=0)
    return {key: sum(cost[key] for cost in costs) for key in summed} | {"peak_memory_bytes": peak}
