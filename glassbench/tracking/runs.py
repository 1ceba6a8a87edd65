"""What a run of MLflow holds: of a request as a whole, and of one trial."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..home.workspace import Workspace
from ..trial.result import TrialResult, read_result, result_path

LONGEST_VALUE = 6000
LONGEST_TAG = 5000
SYSTEM_METRICS = {
    "cpu_percent": "system/cpu_utilization_percentage",
    "memory_megabytes": "system/process_memory_usage_megabytes",
    "gpu_memory_megabytes": "system/gpu_memory_usage_megabytes",
}
RESULT_TAG = "glassbench.result"
FITTING = ("loss", "validation_score", "learning_rate")

MetricRow = tuple[str, float, int, int]


@dataclass
class Content:
    """One run: what it is known by, and what it holds.

    Attributes
    ----------
    identity : name and value of the tag by which the run is found again
    start, end : milliseconds since the epoch
    metrics : name, value, timestamp in milliseconds, step; the same each time
        they are made, so that a repeated delivery repeats nothing
    artifacts : file, and folder among the run's artifacts
    steps : the parts in the order of delivery; a step is named anew when its part changes
    """

    name: str
    identity: tuple[str, str]
    status: str
    start: int
    end: int
    tags: dict[str, str]
    parameters: dict[str, str]
    metrics: list[MetricRow] = field(default_factory=list)
    artifacts: list[tuple[Path, str]] = field(default_factory=list)
    version: str = ""

    def __post_init__(self) -> None:
        self.tags = {
            "mlflow.runName": self.name,
            self.identity[0]: self.identity[1],
            **{key: value[:LONGEST_TAG] for key, value in self.tags.items()},
        }

    @property
    def steps(self) -> list[str]:
        parts = ("metrics", "artifacts", "closed")
        return ["parameters", *(f"{part}:{self.version}" for part in parts)]


def trial_content(workspace: Workspace, delivery: Mapping[str, Any], parent: str) -> Content:
    """Return the run of a trial, finished or failed."""
    key, trial, error = delivery["key"], delivery["trial"], delivery["error"]
    folder = workspace.trial_folder(key)
    result = None if error else read_result(workspace, key)
    ended = _milliseconds(result_path(workspace, key), folder / "log.txt")
    wall = result.cost["wall_seconds"] if result is not None else 0.0
    tags = {
        "mlflow.parentRunId": parent,
        "glassbench.kind": "trial",
        "glassbench.model": trial["model"]["name"],
        "glassbench.dataset": trial["dataset"]["name"],
        "glassbench.floor": str(bool(trial["floor"])).lower(),
    }
    if error:
        tags["glassbench.error"] = error
    if result is not None:
        stored = result_path(workspace, key).read_bytes()
        tags[RESULT_TAG] = hashlib.sha256(stored).hexdigest()
    commit = _commit(folder)
    if commit:
        tags["mlflow.source.git.commit"] = commit
    files = ["predictions.npz", "result.json", "provenance.json"] if result else []
    figures = [workspace.home / figure for figure in delivery["figures"]]
    return Content(
        name=delivery["name"],
        identity=("glassbench.key", key),
        status="FINISHED" if result is not None else "FAILED",
        start=ended - round(1000 * wall),
        end=ended,
        tags=tags,
        parameters=_trial_parameters(trial),
        metrics=list(_trial_metrics(folder, result, ended, wall)) if result is not None else [],
        artifacts=[
            *((folder / name, "") for name in [*files, "log.txt"]),
            *((figure, "figures") for figure in figures),
        ],
        version=_version([error or "", list(delivery["figures"])]),
    )


def request_content(workspace: Workspace, job: Mapping[str, Any]) -> Content:
    """Return the run of a request, which holds the record."""
    record = None
    if job["record"] is not None:
        record = json.loads((workspace.home / job["record"]).read_text(encoding="utf-8"))
    keys = [trial["key"] for trial in job["trials"]]
    times = [
        _milliseconds(result_path(workspace, key), workspace.trial_folder(key) / "log.txt")
        for key in keys
    ]
    failed = any(trial["error"] for trial in job["trials"])
    files = [] if record is None else [(workspace.home / job["record"], "")]
    return Content(
        name=job["name"],
        identity=("glassbench.request", job["digest"]),
        status="FAILED" if failed else "FINISHED",
        start=min(times, default=0),
        end=max(times, default=0),
        tags={"glassbench.kind": "request"},
        parameters=_request_parameters(record) if record is not None else {},
        metrics=_request_metrics(record, max(times, default=0)) if record is not None else [],
        artifacts=[*files, *((workspace.home / figure, "figures") for figure in job["figures"])],
        version=job["content"],
    )


def group_content(workspace: Workspace, group: Mapping[str, Any]) -> Content:
    """Return the run of a sweep, which holds its plan; the runs of its requests are under it."""
    files = [workspace.home / name for name in group["files"]]
    written = _milliseconds(*files)
    return Content(
        name=group["name"],
        identity=("glassbench.experiments.sweep", group["digest"]),
        status="FINISHED",
        start=written,
        end=written,
        tags={"glassbench.kind": "sweep"},
        parameters={},
        artifacts=[(file, "") for file in files],
        version=group["digest"][:16],
    )


def _trial_parameters(trial: Mapping[str, Any]) -> dict[str, str]:
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
        parameters |= conditions[0]
    else:
        parameters["conditions"] = "; ".join(map(_condition_name, conditions))
    return {name: str(value)[:LONGEST_VALUE] for name, value in parameters.items()}


def _request_parameters(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what the request asked for; nothing here depends on how it went."""
    parameters = {
        "task": record["task"]["name"],
        "protocol_version": record["task"]["protocol_version"],
        "dataset_digest": record["dataset"]["digest"],
        "model": record["model"]["name"],
        "model_digest": record["model"]["digest"],
        "seeds": ",".join(map(str, record["seeds"])),
        **{f"model.{name}": value for name, value in record["hyperparameters"].items()},
    }
    return {name: str(value)[:LONGEST_VALUE] for name, value in parameters.items()}


def _trial_metrics(
    folder: Path, result: TrialResult, ended: int, wall: float
) -> Iterator[MetricRow]:
    epochs = len(result.history)
    for position, entry in enumerate(result.history):
        when = ended - round(1000 * wall * (epochs - position - 1) / max(1, epochs))
        step = int(entry.get("epoch", position + 1))
        for name in FITTING:
            if _is_number(entry.get(name)):
                yield name, float(entry[name]), when, step
    for scored in result.conditions:
        where = "" if len(result.conditions) == 1 else _place(scored.condition)
        for name, score in scored.scores.items():
            if _is_number(score.value):
                yield name + where, float(score.value), ended, 0
    for name, value in result.cost.items():
        yield f"cost/{name}", float(value), ended, 0
    for step, sample in enumerate(_samples(folder)):
        for name, metric in SYSTEM_METRICS.items():
            if _is_number(sample.get(name)):
                yield metric, float(sample[name]), round(1000 * sample["time"]), step


def _request_metrics(record: Mapping[str, Any], ended: int) -> list[MetricRow]:
    rows = []
    for entry in record["conditions"]:
        where = "" if len(record["conditions"]) == 1 else _place(entry["condition"])
        numbers = {name: score["value"] for name, score in entry["scores"].items()}
        primary = record["task"]["primary_metric"]
        numbers["ceiling"] = (entry["ceiling"].get(primary) or {}).get("value")
        numbers["above_floor"] = (entry["above_floor"] or {}).get("difference")
        rows += [
            (name + where, float(value), ended, 0)
            for name, value in numbers.items()
            if _is_number(value)
        ]
    rows += [(f"cost/{name}", float(value), ended, 0) for name, value in record["cost"].items()]
    return rows


def _samples(folder: Path) -> list[Mapping[str, Any]]:
    samples = []
    path = folder / "system.jsonl"
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                samples.append(json.loads(line))
            except ValueError:
                continue
    return samples


def _commit(folder: Path) -> str | None:
    try:
        git = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["git"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return git and git["commit"]


def _milliseconds(*paths: Path) -> int:
    """Return when the first of some files that exists was written."""
    for path in paths:
        if path.exists():
            return path.stat().st_mtime_ns // 1_000_000
    return 0


def _condition_name(condition: Mapping[str, float]) -> str:
    return " ".join(f"{axis}={value:g}" for axis, value in condition.items())


def _place(condition: Mapping[str, float]) -> str:
    """Return a condition in the letters that a metric's name may have."""
    return "".join(f"/{axis}_{value:g}" for axis, value in condition.items()).replace("+", "")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _version(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
