"""Delivery of results to MLflow, after they are safe on disk.

MLflow runs in a process of its own, under a time limit: a store that is dead, slow or broken
costs that time at most, and what it did not take is delivered with the next command.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ..home.workspace import Workspace
from .pending import Notes, RequestDelivery, folder, keep, pending

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


def prepare_store(workspace: Workspace) -> subprocess.Popen[str] | None:
    """Begin to create the default store where there is none yet, beside other work.

    Returns the process, None where there is nothing to create.
    """
    if os.environ.get(URI_VARIABLE) or workspace.database.exists():
        return None
    return _start(workspace, "prepare")


def end_preparation(process: subprocess.Popen[str] | None) -> None:
    """End a preparation that nobody will wait for; the store then appears not at all."""
    if process is not None:
        _end(process)


def deliver_all(
    workspace: Workspace, requests: Sequence[RequestDelivery], patience: float = PATIENCE
) -> list[Delivered]:
    """Deliver requests in one go, and what earlier ones could not deliver.

    A store that has everything is not even asked. What a store does not take is kept for the
    next command, and nothing is raised for its sake.

    Parameters
    ----------
    patience : seconds that the store has for everything; many trials have more
    """
    uri = without_credentials(tracking_uri(workspace))
    notes = Notes(workspace, uri)
    for request in requests:
        if not notes.holds(request):
            keep(workspace, request, uri)
    message = ""
    if pending(workspace):
        trials = sum(len(request.trials) for request in requests)
        message = _message(_deliver(workspace, max(patience, SECONDS_A_TRIAL * trials)), uri)
        notes = Notes(workspace, uri)
    delivered = []
    for request in requests:
        whole, run_id = notes.holds(request), notes.get(request.run) or None
        delivered.append(Delivered(uri, run_id, whole, "" if whole else message))
    return delivered


def deliver(
    workspace: Workspace, request: RequestDelivery, patience: float = PATIENCE
) -> Delivered:
    """Deliver one request, as `deliver_all` does."""
    return deliver_all(workspace, [request], patience)[0]


def without_credentials(uri: str) -> str:
    """Return the URI without user name, password and query."""
    parts = urlsplit(uri)
    if not parts.netloc:
        return uri
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _deliver(workspace: Workspace, patience: float) -> str:
    """Run the delivery under its time limit; return what it says of stores that failed."""
    process = _start(workspace, "deliver")
    try:
        return process.communicate(timeout=patience)[1]
    except subprocess.TimeoutExpired:
        return f"the store did not take everything within {patience:g} s"
    finally:
        _end(process)


def _message(errors: str, uri: str) -> str:
    """Return the line about a store, or else the last one, which says how the process died."""
    lines = errors.strip().splitlines() or ["the delivery ended early"]
    own = [line for line in lines if line.startswith(f"{uri} ")]
    return own[-1].removeprefix(f"{uri} ") if own else lines[-1]


def _start(workspace: Workspace, action: str) -> subprocess.Popen[str]:
    folder(workspace).mkdir(parents=True, exist_ok=True)
    environment = SETTINGS | dict(os.environ)
    paths = [str(Path(__file__).resolve().parents[2]), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    try:
        Path.home()
    except RuntimeError:
        # MLflow looks for its settings there, and ends where a user has no home directory.
        environment["HOME"] = str(workspace.home)
    return subprocess.Popen(
        [sys.executable, "-m", "glassbench.tracking.mlflow_store", action, str(workspace.home)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def _end(process: subprocess.Popen[str]) -> None:
    """End the process, and what it may have started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stderr is not None:
        process.stderr.close()
