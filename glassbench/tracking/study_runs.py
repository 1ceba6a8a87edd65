"""What a run of MLflow holds of a study of tuning, and of one trial of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from ..home.workspace import Workspace
from .runs import LONGEST_VALUE, Content

VALIDATION = "validation_score"
STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED", "running": "RUNNING"}


def study_content(workspace: Workspace, job: Mapping[str, Any]) -> Content:
    """Return the run of a study, which holds its report, picture and best configuration."""
    path = workspace.home / job["record"]
    report = json.loads(path.read_text(encoding="utf-8"))
    tuning = report["tuning"]
    told = [trial["trial"] for trial in job["trials"]]
    start = min((_milliseconds(t["began"]) for t in told), default=0)
    end = max((_milliseconds(t["noted"]) for t in told), default=start)
    numbers = {
        VALIDATION: tuning["validation_score"],
        **{f"trials/{name}": tuning[name] for name in ("finished", "stopped", "failed")},
        **{f"cost/{n}": tuning[n] for n in ("wall_seconds", "cpu_seconds", "gpu_seconds")},
    }
    parameters = {
        **{name: report[name] for name in ("task", "dataset", "model")},
        **{name: tuning[name] for name in ("search", "scheduler", "metric", "seed")},
        **{f"space.{name}": words for name, words in report["space"].items()},
    }
    return Content(
        name=job["name"],
        identity=("glassbench.study", job["digest"]),
        status="FINISHED" if tuning["finished"] else "FAILED",
        start=start,
        end=end,
        tags={"glassbench.kind": "study"},
        parameters={name: str(value)[:LONGEST_VALUE] for name, value in parameters.items()},
        metrics=[(name, float(value), end, 0) for name, value in numbers.items() if _known(value)],
        artifacts=[
            (path, ""),
            (path.with_name("best.toml"), ""),
            (path.with_name("journal.jsonl"), ""),
            *((workspace.home / figure, "figures") for figure in job["figures"]),
        ],
        version=job["content"],
    )


def study_trial_content(workspace: Workspace, delivery: Mapping[str, Any], parent: str) -> Content:
    """Return the run of one trial: its hyperparameters, and its score after each epoch."""
    trial = delivery["trial"]
    start, end = _milliseconds(trial["began"]), _milliseconds(trial["noted"])
    reports = {int(epoch): score for epoch, score in trial["reports"].items()}
    span = (end - start) / max(1, max(reports, default=1))
    metrics = [
        (VALIDATION, float(score), round(start + span * epoch), epoch)
        for epoch, score in reports.items()
        if _known(score)
    ]
    if _known(trial["score"]):
        metrics.append((trial["metric"], float(trial["score"]), end, 0))
    metrics += [(f"cost/{name}", float(v), end, 0) for name, v in trial["cost"].items()]
    tags = {
        "mlflow.parentRunId": parent,
        "glassbench.kind": "tuning trial",
        "glassbench.model": trial["model"],
        "glassbench.dataset": trial["dataset"],
        "glassbench.state": trial["state"],
    }
    if delivery["error"]:
        tags["glassbench.error"] = delivery["error"]
    parameters = {
        "task": trial["task"],
        "seed": trial["seed"],
        **{f"model.{name}": value for name, value in trial["all_hyperparameters"].items()},
    }
    text = json.dumps([trial, delivery["error"]], sort_keys=True)
    return Content(
        name=delivery["name"],
        identity=("glassbench.key", delivery["key"]),
        status=STATUS[trial["state"]],
        start=start,
        end=max(start, end),
        tags=tags,
        parameters={name: str(value)[:LONGEST_VALUE] for name, value in parameters.items()},
        metrics=metrics,
        artifacts=[(workspace.trial_folder(delivery["key"]) / "log.txt", "")],
        version=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
