"""What a run of MLflow holds: of a request as a whole, of one trial, and of a sweep."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from ..home.files import read_json_lines
from ..home.workspace import PROVENANCE_FILE, Workspace
from ..trial.result import TrialResult, read_result, result_path
from .pending import RequestDelivery, TrialDelivery, digest_of

LONGEST_VALUE = 6000
LONGEST_TAG = 5000
SYSTEM_METRICS = {
    "cpu_percent": "system/cpu_utilization_percentage",
    "memory_megabytes": "system/process_memory_usage_megabytes",
    "gpu_memory_megabytes": "system/gpu_memory_usage_megabytes",
}
FITTING = ("loss", "validation_score", "learning_rate")

# Name, value, timestamp in milliseconds, step.
MetricRow = tuple[str, float, int, int]


@dataclass
class Content:
    """One run: what it is known by, and what it holds.

    Attributes
    ----------
    run : tag and value, as `glassbench.key=…`, by which the notes know it
    start, end : milliseconds since the epoch
    metrics : the same each time they are made, so that a repeated delivery repeats nothing
    artifacts : file, and folder among the run's artifacts
    version : digest of what the run holds
    result : digest of a trial's result, empty where there is none
    """

    name: str
    run: str
    status: str
    start: int
    end: int
    version: str
    tags: dict[str, str]
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: list[MetricRow] = field(default_factory=list)
    artifacts: list[tuple[Path, str]] = field(default_factory=list)
    result: str = ""

    def __post_init__(self) -> None:
        tag, _, value = self.run.partition("=")
        tags = {"mlflow.runName": self.name, tag: value, **self.tags}
        self.tags = {name: text[:LONGEST_TAG] for name, text in tags.items()}
        self.parameters = {n: str(value)[:LONGEST_VALUE] for n, value in self.parameters.items()}


def trial_content(workspace: Workspace, delivery: TrialDelivery) -> Content:
    """Return the run of a trial, finished or failed."""
    key, trial, error = delivery.key, delivery.trial, delivery.error
    folder = workspace.trial_folder(key)
    result = None if error else read_result(workspace, key)
    ended = _milliseconds(result_path(workspace, key), folder / "log.txt")
    wall = result.cost["wall_seconds"] if result is not None else 0.0
    tags = {
        "glassbench.kind": "trial",
        "glassbench.model": trial["model"]["name"],
        "glassbench.dataset": trial["dataset"]["name"],
        "glassbench.floor": str(bool(trial["floor"])).lower(),
    }
    if error:
        tags["glassbench.error"] = error
    if commit := _commit(folder):
        tags["mlflow.source.git.commit"] = commit
    digest = ""
    if result is not None:
        digest = hashlib.sha256(result_path(workspace, key).read_bytes()).hexdigest()
    files = ["predictions.npz", "result.json", PROVENANCE_FILE] if result is not None else []
    return Content(
        name=delivery.name,
        run=f"glassbench.key={key}",
        status="FINISHED" if result is not None else "FAILED",
        start=ended - round(1000 * wall),
        end=ended,
        version=digest_of([digest, error or "", list(delivery.figures)]),
        tags=tags,
        parameters=_trial_parameters(trial),
        metrics=list(_trial_metrics(folder, result, ended, wall)) if result is not None else [],
        artifacts=[
            *((folder / name, "") for name in [*files, "log.txt"]),
            *((workspace.home / figure, "figures") for figure in delivery.figures),
        ],
        result=digest,
    )


def request_content(workspace: Workspace, request: RequestDelivery) -> Content:
    """Return the run of a request, which holds the record."""
    folders = {trial.key: workspace.trial_folder(trial.key) for trial in request.trials}
    ends = [
        _milliseconds(result_path(workspace, key), folder / "log.txt")
        for key, folder in folders.items()
    ]
    files, record = [], None
    if request.record is not None:
        files.append((workspace.home / request.record, ""))
        record = json.loads(files[0][0].read_text(encoding="utf-8"))
    return Content(
        name=request.name,
        run=request.run,
        status="FAILED" if any(trial.error for trial in request.trials) else "FINISHED",
        start=min(ends, default=0),
        end=max(ends, default=0),
        version=request.version,
        tags={"glassbench.kind": "request"},
        parameters={} if record is None else _request_parameters(record),
        metrics=[] if record is None else _request_metrics(record, max(ends, default=0)),
        artifacts=[*files, *((workspace.home / f, "figures") for f in request.figures)],
    )


def sweep_content(workspace: Workspace, group: Mapping[str, Any]) -> Content:
    """Return the run of a sweep, which holds its plan; the runs of its requests are under it."""
    files = [workspace.home / name for name in group["files"]]
    written = _milliseconds(*files)
    return Content(
        name=group["name"],
        run=f"glassbench.experiments.sweep={group['digest']}",
        status="FINISHED",
        start=written,
        end=written,
        version=group["digest"],
        tags={"glassbench.kind": "sweep"},
        artifacts=[(file, "") for file in files],
    )


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is one that MLflow takes for a metric."""
    return isinstance(value, int | float) and math.isfinite(value)


def _trial_parameters(trial: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        "task": trial["task"],
        "protocol_version": trial["protocol_version"],
        "dataset_digest": trial["dataset"]["digest"],
        "model_digest": trial["model"]["digest"],
        "seed": trial["seed"],
        **{f"model.{name}": value for name, value in trial["hyperparameters"].items()},
    }
    conditions = trial["conditions"]
    if len(conditions) == 1:
        return parameters | conditions[0]
    names = (" ".join(f"{axis}={value:g}" for axis, value in c.items()) for c in conditions)
    return parameters | {"conditions": "; ".join(names)}


def _request_parameters(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the request asked for; nothing here depends on how it went."""
    return {
        "task": record["task"]["name"],
        "protocol_version": record["task"]["protocol_version"],
        "dataset_digest": record["dataset"]["digest"],
        "model": record["model"]["name"],
        "model_digest": record["model"]["digest"],
        "seeds": ",".join(map(str, record["seeds"])),
        **{f"model.{name}": value for name, value in record["hyperparameters"].items()},
    }


def _trial_metrics(
    folder: Path, result: TrialResult, ended: int, wall: float
) -> Iterator[MetricRow]:
    epochs = len(result.history)
    for position, entry in enumerate(result.history):
        when = ended - round(1000 * wall * (epochs - position - 1) / max(1, epochs))
        step = int(entry.get("epoch", position + 1))
        for name in FITTING:
            if is_number(entry.get(name)):
                yield name, float(entry[name]), when, step
    for scored in result.conditions:
        suffix = "" if len(result.conditions) == 1 else _suffix(scored.condition)
        for name, score in scored.scores.items():
            if is_number(score.value):
                yield name + suffix, float(score.value), ended, 0
    for name, value in result.cost.items():
        yield f"cost/{name}", float(value), ended, 0
    for step, sample in enumerate(read_json_lines(folder / "system.jsonl")):
        for name, metric in SYSTEM_METRICS.items():
            if is_number(sample.get(name)):
                yield metric, float(sample[name]), round(1000 * sample["time"]), step


def _request_metrics(record: Mapping[str, Any], ended: int) -> list[MetricRow]:
    numbers = {f"cost/{name}": value for name, value in record["cost"].items()}
    primary = record["task"]["primary_metric"]
    for entry in record["conditions"]:
        suffix = "" if len(record["conditions"]) == 1 else _suffix(entry["condition"])
        numbers |= {name + suffix: score["value"] for name, score in entry["scores"].items()}
        numbers[f"ceiling{suffix}"] = (entry["ceiling"].get(primary) or {}).get("value")
        numbers[f"above_floor{suffix}"] = (entry["above_floor"] or {}).get("difference")
    return [(name, float(v), ended, 0) for name, v in numbers.items() if is_number(v)]


def _commit(folder: Path) -> str | None:
    try:
        git = json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))["git"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return git and git["commit"]


def _milliseconds(*paths: Path) -> int:
    """Return when the first of some files that exists was written."""
    return next((path.stat().st_mtime_ns // 1_000_000 for path in paths if path.exists()), 0)


def _suffix(condition: Mapping[str, float]) -> str:
    """Return a condition in the letters that a metric's name may have."""
    return "".join(f"/{axis}_{value:g}" for axis, value in condition.items()).replace("+", "")
