"""Delivery of results to MLflow, after they are safe on disk: what waits, and what a store holds.

MLflow runs in a process of its own, under a time limit: a store that is dead, slow or broken
costs that time at most, and what it did not take is delivered with the next command.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import TypeAdapter

from ..contract.trial_plan import digest_of
from ..home.files import write_json
from ..home.workspace import Workspace

URI_VARIABLE = "MLFLOW_TRACKING_URI"
PATIENCE = 120.0
SECONDS_A_TRIAL = 1.0
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class TrialDelivery:
    """A trial to deliver, as `Trial.to_json` writes it."""

    key: str
    name: str
    trial: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True)
class SweepDelivery:
    """The sweep under whose run the runs of its requests stand; `files` are its own."""

    digest: str
    name: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class RequestDelivery:
    """A request to deliver: one parent run by its digest, and one nested run for each trial.

    `content` is the digest of the record, which is None where nothing finished; the record of a
    `study` of tuning is its report, where its trials stand. Paths are in the workspace.
    """

    digest: str
    name: str
    experiment: str
    record: str | None
    content: str
    trials: tuple[TrialDelivery, ...]
    figures: tuple[str, ...] = ()
    kind: str = "request"
    sweep: SweepDelivery | None = None

    @property
    def version(self) -> str:
        trials = sorted([t.key, t.error or ""] for t in self.trials)
        return digest_of([self.content, self.sweep and self.sweep.digest, trials, self.figures])


_REQUEST = TypeAdapter(RequestDelivery)


def folder(workspace: Workspace) -> Path:
    return workspace.home / "tracking"


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
    return waiting["uri"], _REQUEST.validate_python(waiting["request"])


def delivered_folder(workspace: Workspace, uri: str) -> Path:
    """Return where it stands, for each request, which version of it a store holds in which run."""
    return folder(workspace) / "delivered" / digest_of(uri)[:16]


def read_delivered(workspace: Workspace, uri: str, request: RequestDelivery) -> Delivered:
    """Return which run of a store holds the request, and whether it holds all of it."""
    path = delivered_folder(workspace, uri) / f"{request.digest[:16]}.json"
    # What is noted of a store of the workspace that was removed since is void.
    gone = uri == sqlite_uri(workspace.database) and not workspace.database.exists()
    note = {} if gone or not path.exists() else json.loads(path.read_text(encoding="utf-8"))
    return Delivered(uri, note.get("run_id"), note.get("version") == request.version)


def note_delivered(
    workspace: Workspace, uri: str, request: RequestDelivery, run_id: str, version: str = ""
) -> None:
    """Note the run of a request, and its version once the run holds everything."""
    path = delivered_folder(workspace, uri) / f"{request.digest[:16]}.json"
    write_json(path, {"run_id": run_id, "version": version})


@dataclass(frozen=True)
class Delivered:
    """How a delivery ended: store without credentials, parent run, and why it is not whole."""

    uri: str
    run_id: str | None
    delivered: bool
    message: str = ""


def tracking_uri(workspace: Workspace) -> str:
    """Return $MLFLOW_TRACKING_URI, or the SQLite store of the workspace."""
    named = os.environ.get(URI_VARIABLE, "")
    if re.match(r"sqlite:///[^/]", named):
        # A later command, which may stand in another folder, means the same file.
        return f"{sqlite_uri(Path.cwd())}/{named.removeprefix('sqlite:///')}"
    return named or sqlite_uri(workspace.database)


def sqlite_uri(path: Path) -> str:
    """Return the URI of a SQLite database; what would end a path in a URI is quoted."""
    return "sqlite:///" + re.sub("[%#?]", lambda match: f"%{ord(match[0]):02X}", str(path))


def begin_delivery(
    workspace: Workspace, requests: Sequence[RequestDelivery]
) -> subprocess.Popen[str] | None:
    """Note what no store has yet, and load MLflow in the process that `deliver_all` waits for.

    Should this process end before, that one delivers what is noted all the same.
    """
    _note_pending(workspace, requests)
    return _start(workspace) if pending(workspace) else None


def deliver_all(
    workspace: Workspace,
    requests: Sequence[RequestDelivery],
    patience: float = PATIENCE,
    begun: subprocess.Popen[str] | None = None,
) -> list[Delivered]:
    """Deliver requests in one go, and what earlier ones could not deliver.

    A store that has everything is not even asked; it has `patience` seconds, and more for many
    trials. What it does not take is kept for the next command, and nothing is raised.
    """
    uri = without_credentials(tracking_uri(workspace))
    _note_pending(workspace, requests)
    message = ""
    if begun or pending(workspace):
        trials = sum(len(request.trials) for request in requests)
        errors = _deliver(workspace, max(patience, SECONDS_A_TRIAL * trials), begun)
        message = _message(errors, uri)
    delivered = [read_delivered(workspace, uri, request) for request in requests]
    return [each if each.delivered else replace(each, message=message) for each in delivered]


def _note_pending(workspace: Workspace, requests: Sequence[RequestDelivery]) -> None:
    uri = without_credentials(tracking_uri(workspace))
    for request in requests:
        if not read_delivered(workspace, uri, request).delivered:
            path = folder(workspace) / "pending" / f"{request.digest[:16]}.json"
            write_json(path, {"uri": uri, "request": asdict(request)})


def deliver(
    workspace: Workspace, request: RequestDelivery, patience: float = PATIENCE
) -> Delivered:
    return deliver_all(workspace, [request], patience)[0]


def without_credentials(uri: str) -> str:
    parts = urlsplit(uri)
    if not parts.netloc:
        return uri
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _deliver(
    workspace: Workspace, patience: float, begun: subprocess.Popen[str] | None = None
) -> str:
    """Run the delivery under its time limit; return what it says of stores that failed."""
    process = begun or _start(workspace)
    try:
        # Which ends its input, for which it waits.
        return process.communicate(timeout=patience)[1]
    except subprocess.TimeoutExpired:
        return f"the store did not take everything within {patience:g} s"
    finally:
        if process.poll() is None:
            # With what it may have started.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _message(errors: str, uri: str) -> str:
    """Return the line about a store, or else the last one, which says how the process died."""
    lines = errors.strip().splitlines() or ["the delivery ended early"]
    own = [line for line in lines if line.startswith(f"{uri} ")]
    return own[-1].removeprefix(f"{uri} ") if own else lines[-1]


def _start(workspace: Workspace) -> subprocess.Popen[str]:
    folder(workspace).mkdir(parents=True, exist_ok=True)
    environment = SETTINGS | dict(os.environ)
    paths = [str(Path(__file__).resolve().parents[2]), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    try:
        Path.home()
    except RuntimeError:
        # MLflow looks for its settings there, and ends where a user has no home directory.
        environment["HOME"] = str(workspace.home)
    module = "glassbench.tracking.mlflow_store"
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(workspace.home)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
