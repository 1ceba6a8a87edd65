"""What a run of MLflow holds: of a request, a study of tuning, a sweep, or of one trial."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contract.trial_plan import digest_of
from ..home.files import read_json_lines
from ..home.workspace import PROVENANCE_FILE, Workspace
from ..trial.result import TrialResult, read_result, result_path
from .delivery import RequestDelivery, SweepDelivery, TrialDelivery

STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED", "running": "RUNNING"}

# Name, value, milliseconds since the epoch, step.
MetricRow = tuple[str, float | None, int, int]


@dataclass
class RunContent:
    """One run; the same each time it is made, so that a repeated delivery repeats nothing.

    It is found by a tag and its value; `start` and `end` are in milliseconds since the epoch,
    `version` and `result` digests of what it holds and of a trial's result, if any.
    """

    run: tuple[str, str]
    name: str
    status: str
    start: int
    end: int
    version: str
    tags: dict[str, str | None]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    history: Iterable[MetricRow] = ()
    artifacts: Iterable[Path] = ()
    figures: Iterable[str] = ()
    result: str = ""


def trial_content(workspace: Workspace, delivery: TrialDelivery) -> RunContent:
    trial, conditions = delivery.trial, delivery.trial["conditions"]
    folder, path = workspace.trial_folder(delivery.key), result_path(workspace, delivery.key)
    end = _written(path, folder / "log.txt")
    names = (" ".join(f"{axis}={value:g}" for axis, value in c.items()) for c in conditions)
    content = RunContent(
        run=("glassbench.key", delivery.key),
        name=delivery.name,
        status="FAILED",
        start=end,
        end=end,
        version=digest_of(["", delivery.error]),
        tags={
            "kind": "trial",
            "model": trial["model"]["name"],
            "dataset": trial["dataset"]["name"],
            "floor": str(bool(trial["floor"])).lower(),
            "error": delivery.error,
        },
        parameters={
            **{name: trial[name] for name in ("task", "protocol_version", "seed")},
            **{f"{part}_digest": trial[part]["digest"] for part in ("dataset", "model")},
            **_prefixed("model.", trial["hyperparameters"]),
            **(conditions[0] if len(conditions) == 1 else {"conditions": "; ".join(names)}),
        },
        artifacts=[folder / "log.txt"],
    )
    result = None if delivery.error else read_result(workspace, delivery.key)
    if result is not None:
        content.status = "FINISHED"
        content.start = end - round(1000 * result.cost["wall_seconds"])
        content.result = hashlib.sha256(path.read_bytes()).hexdigest()
        content.version = digest_of([content.result, None])
        if commit := _commit(folder):
            content.tags["mlflow.source.git.commit"] = commit
        content.numbers = _scores(result) | _prefixed("cost/", result.cost)
        content.history = _on_the_way(folder, result, content.start, end)
        content.artifacts = [
            folder / name for name in ("log.txt", "predictions.npz", path.name, PROVENANCE_FILE)
        ]
    return content


def request_contents(
    workspace: Workspace, request: RequestDelivery
) -> tuple[RunContent, Iterable[RunContent]]:
    """Return the run of a request, with its record where anything finished, and of its trials."""
    folders = {trial.key: workspace.trial_folder(trial.key) for trial in request.trials}
    ends = [_written(result_path(workspace, k), f / "log.txt") for k, f in folders.items()]
    content = RunContent(
        run=(f"glassbench.{request.kind}", request.digest),
        name=request.name,
        status="FAILED" if any(trial.error for trial in request.trials) else "FINISHED",
        start=min(ends, default=0),
        end=max(ends, default=0),
        version=request.version,
        tags={"kind": "request"},
        figures=request.figures,
    )
    if request.record is not None:
        path = workspace.home / request.record
        record = json.loads(path.read_text(encoding="utf-8"))
        content.artifacts = [path]
        content.numbers = _record_numbers(record)
        content.parameters = {
            "task": record["task"]["name"],
            "protocol_version": record["task"]["protocol_version"],
            "model": record["model"]["name"],
            "seeds": ",".join(map(str, record["seeds"])),
            **{f"{part}_digest": record[part]["digest"] for part in ("dataset", "model")},
            **_prefixed("model.", record["hyperparameters"]),
        }
    return content, (trial_content(workspace, trial) for trial in request.trials)


def study_contents(
    workspace: Workspace, request: RequestDelivery
) -> tuple[RunContent, Iterable[RunContent]]:
    """Return the run of a study, with report, picture and best configuration, and of its trials."""
    assert request.record is not None, "a study has a report"
    path = workspace.home / request.record
    report = json.loads(path.read_text(encoding="utf-8"))
    tuning, trials = report["tuning"], report["trials"]
    costs = {name: tuning[name] for name in ("wall_seconds", "cpu_seconds", "gpu_seconds")}
    counts = {name: tuning[name] for name in ("finished", "stopped", "failed")}
    content = RunContent(
        run=(f"glassbench.{request.kind}", request.digest),
        name=request.name,
        status="FINISHED" if tuning["finished"] else "FAILED",
        start=round(1000 * min((trial["began"] for trial in trials), default=0)),
        end=round(1000 * max((trial["noted"] for trial in trials), default=0)),
        version=request.version,
        tags={"kind": "study"},
        parameters={
            **{name: report[name] for name in ("task", "dataset", "model")},
            **{name: tuning[name] for name in ("search", "scheduler", "metric", "seed")},
            **_prefixed("space.", report["space"]),
        },
        numbers={
            "validation_score": tuning["validation_score"],
            **_prefixed("trials/", counts),
            **_prefixed("cost/", costs),
        },
        artifacts=[path.with_name(n) for n in (path.name, "best.toml", "journal.jsonl")],
        figures=request.figures,
    )
    return content, (_study_trial(workspace, report, trial) for trial in trials)


def _study_trial(
    workspace: Workspace, report: Mapping[str, Any], trial: Mapping[str, Any]
) -> RunContent:
    start, end = round(1000 * trial["began"]), round(1000 * trial["noted"])
    reports = {int(epoch): score for epoch, score in trial["reports"].items()}
    step = (end - start) / max(1, max(reports, default=1))
    tuning = report["tuning"]
    return RunContent(
        run=("glassbench.key", trial["key"]),
        name=f"{report['model']} trial {trial['trial']}",
        status=STATUS[trial["state"]],
        start=start,
        end=max(start, end),
        version=digest_of(trial),
        tags={
            "kind": "tuning trial",
            **{name: report[name] for name in ("model", "dataset")},
            **{name: trial[name] for name in ("state", "error")},
        },
        parameters={
            "task": report["task"],
            "seed": tuning["seed"],
            **_prefixed("model.", trial["all_hyperparameters"]),
        },
        numbers={tuning["metric"]: trial["score"], **_prefixed("cost/", trial["cost"])},
        history=[("validation_score", s, round(start + step * e), e) for e, s in reports.items()],
        artifacts=[workspace.trial_folder(trial["key"]) / "log.txt"],
    )


def sweep_content(workspace: Workspace, sweep: SweepDelivery) -> RunContent:
    """Return the run of a sweep, which holds its plan; the runs of its requests are under it."""
    files = [workspace.home / name for name in sweep.files]
    return RunContent(
        run=("glassbench.sweep", sweep.digest),
        name=sweep.name,
        status="FINISHED",
        start=_written(*files),
        end=_written(*files),
        version=sweep.digest,
        tags={"kind": "sweep"},
        artifacts=files,
    )


def _scores(result: TrialResult) -> dict[str, float | None]:
    return {
        name + _suffix(scored.condition, len(result.conditions)): score.value
        for scored in result.conditions
        for name, score in scored.scores.items()
    }


def _record_numbers(record: Mapping[str, Any]) -> dict[str, float | None]:
    numbers = _prefixed("cost/", record["cost"])
    primary = record["task"]["primary_metric"]
    for entry in record["conditions"]:
        suffix = _suffix(entry["condition"], len(record["conditions"]))
        numbers |= {name + suffix: score["value"] for name, score in entry["scores"].items()}
        numbers[f"ceiling{suffix}"] = (entry["ceiling"].get(primary) or {}).get("value")
        numbers[f"above_floor{suffix}"] = (entry["above_floor"] or {}).get("difference")
    return numbers


def _on_the_way(folder: Path, result: TrialResult, start: int, end: int) -> Iterator[MetricRow]:
    """Yield what was reported of each epoch, and samples of processor and memory."""
    for count, entry in enumerate(result.history, 1):
        when = start + round((end - start) * count / len(result.history))
        for name in ("loss", "validation_score", "learning_rate"):
            yield name, entry.get(name), when, entry.get("epoch", count)
    for step, sample in enumerate(read_json_lines(folder / "system.jsonl")):
        when = round(1000 * sample.pop("time"))
        yield from ((f"system/{name}", value, when, step) for name, value in sample.items())


def _commit(folder: Path) -> str | None:
    try:
        git = json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))["git"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return git and git["commit"]


def _prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {prefix + name: value for name, value in values.items()}


def _suffix(condition: Mapping[str, float], of: int) -> str:
    """Return one condition of several in the letters that a metric's name may have."""
    words = (f"/{axis}_{value:g}" for axis, value in condition.items())
    return "" if of == 1 else "".join(words).replace("+", "")


def _written(*paths: Path) -> int:
    """Return when the first of some files that exists was written, in milliseconds."""
    return next((path.stat().st_mtime_ns // 1_000_000 for path in paths if path.exists()), 0)
