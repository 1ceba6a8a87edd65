"""What is to be delivered and what has been, in small files of the workspace."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..home.files import write_json
from ..home.workspace import Workspace

VERSION = 1
TRIAL_LEDGER = "delivery.json"


@dataclass(frozen=True)
class TrialDelivery:
    """A trial to deliver.

    Attributes
    ----------
    trial : as `Trial.to_json` writes it
    error : what went wrong, if it failed
    figures : paths relative to the workspace
    """

    key: str
    name: str
    trial: Mapping[str, Any]
    error: str | None = None
    figures: tuple[str, ...] = ()


@dataclass(frozen=True)
class RequestDelivery:
    """A request to deliver: one parent run, and one nested run for each trial.

    Attributes
    ----------
    digest : of the request; the same request has one parent run, however often it is given
    name : name of the parent run
    experiment : name of the MLflow experiment
    record : path of the record relative to the workspace, None where nothing finished
    content : digest of the record, so that a changed record is delivered again
    figures : paths relative to the workspace
    kind : `request`, or `study` for a study of tuning, whose `record` is its report and
        whose trials hold what the report says of each
    group : `digest`, `name` and `files` (relative to the workspace) of a sweep, under whose
        run that of the request stands; None where it stands alone
    """

    digest: str
    name: str
    experiment: str
    record: str | None
    content: str
    trials: tuple[TrialDelivery, ...]
    figures: tuple[str, ...] = ()
    kind: str = "request"
    group: Mapping[str, Any] | None = None


def folder(workspace: Workspace) -> Path:
    return workspace.home / "tracking"


def job_path(workspace: Workspace, digest: str) -> Path:
    return folder(workspace) / f"{digest[:16]}.json"


def store_job(workspace: Workspace, request: RequestDelivery, uri: str) -> dict[str, Any]:
    """Note what is to be delivered to a store, and return the note with what was delivered."""
    path = job_path(workspace, request.digest)
    before = read_job(path) or {}
    job = {
        "version": VERSION,
        "uri": uri,
        "digest": request.digest,
        "name": request.name,
        "experiment": request.experiment,
        "record": request.record,
        "content": request.content,
        "trials": [vars(trial) | {"figures": list(trial.figures)} for trial in request.trials],
        "figures": list(request.figures),
        "kind": request.kind,
        # A request that was part of a sweep stays so when it is given alone.
        "group": before.get("group") if request.group is None else dict(request.group),
        "stores": before.get("stores", {}),
    }
    write_json(path, job)
    return job


def read_job(path: Path) -> dict[str, Any] | None:
    """Return a note; one that is missing, torn or of another version says nothing."""
    try:
        job = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return job if isinstance(job, dict) and job.get("version") == VERSION else None


def pending_jobs(workspace: Workspace) -> list[Path]:
    """Return the notes of what has not been delivered, oldest first."""
    paths = sorted(folder(workspace).glob("*.json"), key=lambda path: path.stat().st_mtime)
    return [path for path in paths if (job := read_job(path)) and not is_delivered(job)]


def is_delivered(job: Mapping[str, Any]) -> bool:
    """Return whether the store that a note names has exactly what the note says."""
    return job["stores"].get(job["uri"], {}).get("delivered") == wanted(job)


def wanted(job: Mapping[str, Any]) -> list[Any]:
    """Return what a complete delivery of the note is known by."""
    parts = [job["content"], sorted([t["key"], t["error"] or ""] for t in job["trials"])]
    return [*parts, job["group"]["digest"]] if job.get("group") else parts


def store_state(job: dict[str, Any], path: Path, **changes: Any) -> None:
    """Change what is known of the job's store, on disk as well."""
    job["stores"].setdefault(job["uri"], {}).update(changes)
    write_json(path, job)


class TrialLedger:
    """What one store has of a trial, in the trial's folder."""

    def __init__(self, workspace: Workspace, key: str, uri: str) -> None:
        self.path, self.uri = workspace.trial_folder(key) / TRIAL_LEDGER, uri
        try:
            self.stores = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            self.stores = {}

    @property
    def run_id(self) -> str | None:
        return self.stores.get(self.uri, {}).get("run_id")

    def done(self) -> Sequence[str]:
        return self.stores.get(self.uri, {}).get("done", [])

    def start(self, run_id: str) -> None:
        self.stores[self.uri] = {"run_id": run_id, "done": []}
        write_json(self.path, self.stores)

    def add(self, steps: Iterable[str]) -> None:
        entry = self.stores[self.uri]
        entry["done"] = list(dict.fromkeys([*entry["done"], *steps]))
        write_json(self.path, self.stores)
