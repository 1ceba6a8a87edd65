"""Delivery of results to MLflow, after they are safe on disk.

MLflow runs in a process of its own, under a time limit: a store that is dead,
slow or broken costs that time at most, and what it did not take is delivered
with the next command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import glassbench

from ..home.workspace import Workspace
from .ledger import (
    RequestDelivery,
    folder,
    is_delivered,
    job_path,
    pending_jobs,
    read_job,
    store_job,
)

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
    """How a delivery ended.

    Attributes
    ----------
    uri : the store, without credentials
    public_uri : the same without folders of this machine, for records
    run_id : id of the parent run, None where there is none yet
    delivered : whether the store has everything
    message : why not
    """

    uri: str
    public_uri: str
    run_id: str | None
    delivered: bool
    message: str = ""


def tracking_uri(workspace: Workspace) -> str:
    """Return $MLFLOW_TRACKING_URI, or the SQLite store of the workspace."""
    return os.environ.get(URI_VARIABLE) or f"sqlite:///{workspace.database}"


def prepare_store(workspace: Workspace) -> subprocess.Popen | None:
    """Begin to create the default store where there is none yet, beside other work.

    Returns the process, which the next delivery waits for; None where the store
    is there or is not ours to create.
    """
    if os.environ.get(URI_VARIABLE) or workspace.database.exists():
        return None
    return _start(workspace, "prepare", [])


def deliver(
    workspace: Workspace, request: RequestDelivery, patience: float = PATIENCE
) -> Delivered:
    """Deliver a request; see `deliver_all`."""
    return deliver_all(workspace, [request], patience)[0]


def deliver_all(
    workspace: Workspace, requests: Sequence[RequestDelivery], patience: float = PATIENCE
) -> list[Delivered]:
    """Deliver requests in one go, and what earlier ones could not deliver.

    Nothing is delivered twice: a store that has everything is not even asked.
    Never raises for a store's sake.

    Parameters
    ----------
    patience : seconds that the store has for everything; many trials have more
    """
    uri = tracking_uri(workspace)
    jobs = [store_job(workspace, request, without_credentials(uri)) for request in requests]
    paths = [job_path(workspace, request.digest) for request in requests]
    trouble, mine = "", set(paths)
    waiting = sorted(pending_jobs(workspace), key=lambda other: other not in mine)
    if waiting:
        trials = sum(len(request.trials) for request in requests)
        trouble = _deliver(workspace, waiting, max(patience, SECONDS_A_TRIAL * trials))
    return [
        _delivered(read_job(path) or job, trouble, uri, workspace)
        for path, job in zip(paths, jobs, strict=True)
    ]


def _delivered(job: Mapping[str, Any], trouble: str, uri: str, workspace: Workspace) -> Delivered:
    state = job["stores"].get(job["uri"], {})
    delivered = is_delivered(job)
    message = "" if delivered else state.get("error") or trouble
    return Delivered(
        job["uri"], public_uri(uri, workspace), state.get("run_id"), delivered, message
    )


def deliver_pending(workspace: Workspace, patience: float = PATIENCE) -> tuple[int, str]:
    """Deliver what earlier requests could not; return how many are left, and why."""
    waiting = pending_jobs(workspace)
    if not waiting:
        return 0, ""
    trouble = _deliver(workspace, waiting, patience)
    left = pending_jobs(workspace)
    for path in left:
        job = read_job(path) or {"stores": {}, "uri": ""}
        trouble = job["stores"].get(job["uri"], {}).get("error") or trouble
    return len(left), trouble if left else ""


def without_credentials(uri: str) -> str:
    """Return the URI without user name, password and query."""
    parts = urlsplit(uri)
    if not parts.netloc:
        return uri
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def public_uri(uri: str, workspace: Workspace) -> str:
    """Return the URI as it may stand in a record: a file is named, its folder is not."""
    bare = without_credentials(uri)
    if urlsplit(bare).scheme.startswith(("sqlite", "file")):
        return f"{urlsplit(bare).scheme}:///{Path(urlsplit(bare).path).name}"
    return bare


def _deliver(workspace: Workspace, jobs: Sequence[Path], patience: float) -> str:
    """Run the delivery under its time limit; return what went wrong with the process itself."""
    process = _start(workspace, "deliver", [path.name for path in jobs])
    try:
        _, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        return f"the store did not take everything within {patience:g} s"
    finally:
        _end(process)
    if process.returncode:
        lines = errors.strip().splitlines()
        return lines[-1] if lines else f"the delivery ended with status {process.returncode}"
    return ""


def _start(workspace: Workspace, action: str, arguments: Sequence[str]) -> subprocess.Popen:
    folder(workspace).mkdir(parents=True, exist_ok=True)
    environment = SETTINGS | dict(os.environ)
    ours = str(Path(glassbench.__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [ours, environment.get("PYTHONPATH", "")])
    )
    return subprocess.Popen(
        [sys.executable, "-m", "glassbench.tracking.mlflow_store", action, str(workspace.home),
         *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )  # fmt: skip


def _end(process: subprocess.Popen) -> None:
    """End the process, and what it may have started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stderr is not None:
        process.stderr.close()


def end_preparation(process: subprocess.Popen | None) -> None:
    """End a preparation that nobody will wait for; the store then appears not at all."""
    if process is not None:
        _end(process)
