"""What a run of MLflow holds of a study of tuning, and of one trial of it."""

from __future__ import annotations

import json

from ..home.workspace import Workspace
from .pending import RequestDelivery, TrialDelivery, digest_of
from .runs import Content, is_number

VALIDATION = "validation_score"
STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED", "running": "RUNNING"}


def study_content(workspace: Workspace, request: RequestDelivery) -> Content:
    """Return the run of a study, which holds its report, picture and best configuration."""
    assert request.record is not None, "a study has a report"
    path = workspace.home / request.record
    report = json.loads(path.read_text(encoding="utf-8"))
    tuning = report["tuning"]
    trials = [delivery.trial for delivery in request.trials]
    start = min((_milliseconds(trial["began"]) for trial in trials), default=0)
    end = max((_milliseconds(trial["noted"]) for trial in trials), default=start)
    numbers = {
        VALIDATION: tuning["validation_score"],
        **{f"trials/{name}": tuning[name] for name in ("finished", "stopped", "failed")},
        **{f"cost/{n}": tuning[n] for n in ("wall_seconds", "cpu_seconds", "gpu_seconds")},
    }
    return Content(
        name=request.name,
        run=request.run,
        status="FINISHED" if tuning["finished"] else "FAILED",
        start=start,
        end=end,
        version=request.version,
        tags={"glassbench.kind": "study"},
        parameters={
            **{name: report[name] for name in ("task", "dataset", "model")},
            **{name: tuning[name] for name in ("search", "scheduler", "metric", "seed")},
            **{f"space.{name}": text for name, text in report["space"].items()},
        },
        metrics=[(name, float(v), end, 0) for name, v in numbers.items() if is_number(v)],
        artifacts=[
            *((path.with_name(n), "") for n in (path.name, "best.toml", "journal.jsonl")),
            *((workspace.home / figure, "figures") for figure in request.figures),
        ],
    )


def study_trial_content(workspace: Workspace, delivery: TrialDelivery) -> Content:
    """Return the run of one trial: its hyperparameters, and its score after each epoch."""
    trial = delivery.trial
    start, end = _milliseconds(trial["began"]), _milliseconds(trial["noted"])
    reports = {int(epoch): score for epoch, score in trial["reports"].items()}
    span = (end - start) / max(1, max(reports, default=1))
    metrics = [
        (VALIDATION, float(score), round(start + span * epoch), epoch)
        for epoch, score in reports.items()
        if is_number(score)
    ]
    if is_number(trial["score"]):
        metrics.append((trial["metric"], float(trial["score"]), end, 0))
    metrics += [(f"cost/{name}", float(v), end, 0) for name, v in trial["cost"].items()]
    tags = {
        "glassbench.kind": "tuning trial",
        "glassbench.model": trial["model"],
        "glassbench.dataset": trial["dataset"],
        "glassbench.state": trial["state"],
    }
    if delivery.error:
        tags["glassbench.error"] = delivery.error
    return Content(
        name=delivery.name,
        run=f"glassbench.key={delivery.key}",
        status=STATUS[trial["state"]],
        start=start,
        end=max(start, end),
        version=digest_of([trial, delivery.error]),
        tags=tags,
        parameters={
            "task": trial["task"],
            "seed": trial["seed"],
            **{f"model.{name}": value for name, value in trial["all_hyperparameters"].items()},
        },
        metrics=metrics,
        artifacts=[(workspace.trial_folder(delivery.key) / "log.txt", "")],
    )


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
