"""The record: what one model scored on one dataset of one task, as plain checked JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UserError
from .model import Condition
from .results import Score, TrialResult, write_json
from .task import Task

if TYPE_CHECKING:
    from .model_card import ModelCard
    from .plan import DatasetReference

SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).parent / "schemas" / "record.schema.json"
# When and where a result was made does not change what it says.
VOLATILE = ("created", "tracking", "cost", "provenance")

Record = dict[str, Any]


class RecordError(UserError):
    """A record breaks its schema, or its parts do not fit; the message says where."""


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
    environments : `tracking.provenance.environment()` of the trials
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
    record = {
        "schema_version": SCHEMA_VERSION,
        "status": "measured",
        "task": _task(task),
        "dataset": {"name": dataset.name, "digest": dataset.digest},
        "model": _model(model, results),
        "hyperparameters": dict(hyperparameters),
        "seeds": list(seeds),
        "conditions": entries,
        "failed": [dict(failure) for failure in failed],
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
        record["tuning"] = dict(tuning)
    validate_record(record)
    return record


def _scored(
    task: Task,
    condition: Condition,
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
    ceilings: Mapping[str, Score],
) -> Iterator[dict[str, Any]]:
    """Yield what is known of the scores at a condition, nothing where no trial finished."""
    from .record_scores import condition_entry
    from .record_transfer import transfer_entry
    from .rotation_scores import rotation_entry

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
        "primary_metric": task.primary_metric["name"],
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


def validate_record(record: Mapping[str, Any]) -> None:
    """Check a record against the published JSON schema.

    Raises
    ------
    RecordError
        If it breaks the schema; the message names the place and the limit.
    """
    version = record.get("schema_version") if isinstance(record, Mapping) else None
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"the record has schema_version {version!r}, this GlassBench reads {SCHEMA_VERSION}: "
            "install the version that wrote it"
        )
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(record))
    if error is not None:
        where = "/".join(str(step) for step in error.absolute_path) or "the record"
        raise RecordError(f"the record breaks its schema at {where}: {error.message[:300]}")


def write_record(path: Path, record: Mapping[str, Any]) -> Path:
    """Write a valid record so that it appears whole, replacing an earlier one."""
    validate_record(record)
    write_json(path, record)
    return path


def read_record(path: Path) -> Record:
    """Return the record in a file.

    Raises
    ------
    RecordError
        If the file is missing, is no JSON, or breaks the schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        validate_record(record)
    except FileNotFoundError:
        raise RecordError(f"there is no record at {path}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} is no JSON: {error}") from error
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    return record


def record_digest(record: Mapping[str, Any]) -> str:
    """Return the sha256 over the canonical JSON of a record without its `VOLATILE` fields."""
    return _digest({name: value for name, value in record.items() if name not in VOLATILE})


def request_digest(
    task: Task,
    dataset: DatasetReference,
    model: ModelCard,
    conditions: Iterable[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
) -> str:
    """Return the sha256 over what was asked for: the same request has one record."""
    return _digest(
        {
            "task": task.name,
            "protocol_version": task.protocol_version,
            "dataset": dataset.digest,
            "model": model.digest,
            "conditions": [dict(condition) for condition in conditions],
            "hyperparameters": dict(hyperparameters),
            "seeds": list(seeds),
        }
    )


def record_stem(task: str, dataset: str, model: str, digest: str) -> str:
    """Return the name of a record's file without `.json`."""
    words = [re.sub(r"[^\w.]+", "_", word) for word in (task, dataset, model)]
    return "-".join([*words, digest[:8]])


def _digest(plain: Mapping[str, Any]) -> str:
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


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
        if dict(scored.condition) == dict(condition)
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
        found.setdefault(_digest(environment), environment)
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


@cache
def _validator():
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
