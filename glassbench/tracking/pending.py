"""What is still to be delivered to MLflow, and which run holds what has been delivered."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..home.files import append_json_line, read_json_lines, write_file, write_json
from ..home.workspace import Workspace


@dataclass(frozen=True)
class TrialDelivery:
    """A trial to deliver, as `Trial.to_json` writes it; figures relative to the workspace."""

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

    @property
    def run(self) -> str:
        """By what the notes know the parent run."""
        return f"glassbench.{self.kind}={self.digest}"

    @property
    def version(self) -> str:
        """Digest of all that a complete delivery of the request holds."""
        sweep = self.group and self.group["digest"]
        return digest_of([self.content, sweep, sorted([t.key, t.error or ""] for t in self.trials)])


class Notes:
    """Which run of one store holds what, as lines of `tracking/runs.jsonl`; the last line counts.

    A note has `run_id`; `version`, the digest of what the run holds, empty while it is filled;
    and `result`, the digest of a trial's result.
    """

    def __init__(self, workspace: Workspace, uri: str) -> None:
        self.path, self.uri = folder(workspace) / "runs.jsonl", uri
        lines = read_json_lines(self.path)
        self.by_run = {line["run"]: line for line in lines if line["uri"] == uri}

    def get(self, run: str, fact: str = "run_id") -> str:
        """Return a fact about a run, empty where nothing is known."""
        return self.by_run.get(run, {}).get(fact, "")

    def add(self, run: str, **facts: str) -> None:
        """Note what a run holds now."""
        self.by_run[run] = {"uri": self.uri, "run": run, **facts}
        append_json_line(self.path, self.by_run[run])

    def forget(self) -> None:
        """Drop all notes of this store: it is new, and holds nothing."""
        if self.by_run:
            others = [line for line in read_json_lines(self.path) if line["uri"] != self.uri]
            write_file(self.path, "".join(json.dumps(line) + "\n" for line in others))
            self.by_run = {}

    def holds(self, request: RequestDelivery) -> bool:
        """Return whether the store has all of a request."""
        return self.get(request.run, "version") == request.version


def folder(workspace: Workspace) -> Path:
    """Return the folder of everything that waits for MLflow."""
    return workspace.home / "tracking"


def keep(workspace: Workspace, request: RequestDelivery, uri: str) -> None:
    """Keep a request until the store has it."""
    path = folder(workspace) / "pending" / f"{request.digest[:16]}.json"
    write_json(path, {"uri": uri, "request": asdict(request)})


def pending(workspace: Workspace) -> list[Path]:
    """Return the files of what waits, the newest first."""
    written = {}
    for path in (folder(workspace) / "pending").glob("*.json"):
        # Another command may have delivered it in this moment.
        with contextlib.suppress(FileNotFoundError):
            written[path] = path.stat().st_mtime_ns
    return sorted(written, key=lambda path: written[path], reverse=True)


def read_pending(path: Path) -> tuple[str, RequestDelivery]:
    """Return the store, without credentials, and the request that waits for it."""
    waiting = json.loads(path.read_text(encoding="utf-8"))
    request = waiting["request"]
    trials = tuple(TrialDelivery(**trial) for trial in request["trials"])
    return waiting["uri"], RequestDelivery(**request | {"trials": trials})


def digest_of(plain: Any) -> str:
    """Return a short digest of plain values."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
