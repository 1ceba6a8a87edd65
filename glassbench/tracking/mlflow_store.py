"""The side of the delivery that speaks to MLflow; runs as a process of its own.

`python -m glassbench.tracking.mlflow_store prepare HOME`
`python -m glassbench.tracking.mlflow_store deliver HOME JOB…`
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..home.workspace import Workspace
from .delivery import tracking_uri, without_credentials
from .ledger import TrialLedger, folder, read_job, store_state, wanted
from .runs import RESULT_TAG, Content, group_content, request_content, trial_content
from .study_runs import study_content, study_trial_content

METRICS_AT_ONCE = 1000
SEARCHED_ONE_BY_ONE = 20
PARAMETERS_AT_ONCE = 100
CREATE = """
import sys
from mlflow import MlflowClient
MlflowClient(tracking_uri=sys.argv[1]).search_experiments()
"""
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "fuse", "ceph", "9p")


def main(arguments: Sequence[str]) -> int:
    action, home, *names = arguments
    workspace = Workspace(Path(home))
    with _alone(workspace):
        if action == "prepare":
            create_database(workspace.database)
            return 0
        return deliver_jobs(workspace, [folder(workspace) / name for name in names])


def deliver_jobs(workspace: Workspace, jobs: Sequence[Path]) -> int:
    """Deliver jobs in turn; a store that fails is left alone, the others are tried."""
    failed: dict[str, str] = {}
    stores: dict[str, _Store] = {}
    for path in jobs:
        job = read_job(path)
        if job is None:
            continue
        uri = _uri(job["uri"], workspace)
        if job["uri"] in failed:
            store_state(job, path, error=failed[job["uri"]])
            continue
        try:
            if uri not in stores:
                stores[uri] = _Store(uri, job["uri"], workspace)
            stores[uri].deliver(job, path)
        except Exception as error:
            failed[job["uri"]] = _said(error, uri)
            store_state(job, path, error=failed[job["uri"]])
    for message in failed.values():
        print(message, file=sys.stderr)
    return 1 if failed else 0


def _uri(noted: str, workspace: Workspace) -> str:
    """Return the URI with the credentials that a note never holds."""
    now = tracking_uri(workspace)
    return now if without_credentials(now) == noted else noted


def _said(error: Exception, uri: str) -> str:
    words = " ".join(str(error).split())
    secret = urlsplit(uri).netloc.rpartition("@")[0]
    return f"{type(error).__name__}: {words.replace(secret, '***') if secret else words}"[:500]


class _Store:
    """One MLflow store."""

    def __init__(self, uri: str, noted: str, workspace: Workspace) -> None:
        database = database_of(uri)
        if database is not None and not database.exists():
            create_database(database)
        from mlflow import MlflowClient

        self.client = MlflowClient(tracking_uri=uri)
        self.noted, self.workspace = noted, workspace
        self.artifacts = artifact_location(uri, workspace)
        self.groups: dict[str, str] = {}
        self.present: dict[str, list[Any]] = {}
        self.searched = ""

    def deliver(self, job: dict[str, Any], path: Path) -> None:
        experiment = self._experiment(job["experiment"])
        state = job["stores"].get(job["uri"], {})
        of_study = job.get("kind") == "study"
        content = (study_content if of_study else request_content)(self.workspace, job)
        if job.get("group"):
            content.tags["mlflow.parentRunId"] = self._group(job["group"], experiment)
        parent = self._find(state.get("run_id"), content, experiment)
        fresh = parent is None
        if parent is None:
            parent = self._create(content, experiment)
        store_state(job, path, run_id=parent, error="")
        self._look_around(job["trials"], experiment)
        for trial in job["trials"]:
            make = study_trial_content if of_study else trial_content
            self._deliver_trial(trial, make(self.workspace, trial, parent), experiment, fresh)
        for step in content.steps:
            self._take(step, content, parent)
        store_state(job, path, delivered=wanted(job), error="")

    def _group(self, group: Mapping[str, Any], experiment: str) -> str:
        """Return the run of a sweep, delivered once for all of its requests."""
        digest = group["digest"]
        if digest not in self.groups:
            content = group_content(self.workspace, group)
            found = self._find(None, content, experiment)
            self.groups[digest] = found or self._create(content, experiment)
            for step in content.steps:
                self._take(step, content, self.groups[digest])
        return self.groups[digest]

    def _deliver_trial(
        self, trial: Mapping[str, Any], content: Content, experiment: str, verify: bool
    ) -> None:
        ledger = TrialLedger(self.workspace, trial["key"], self.noted)
        steps = [step for step in content.steps if step not in ledger.done()]
        if ledger.run_id and not steps and not verify:
            return
        run_id = self._find(ledger.run_id, content, experiment)
        if run_id is None:
            run_id = self._create(content, experiment)
        if run_id != ledger.run_id:
            ledger.start(run_id)
            steps = content.steps
        # A crash in between has them taken again, which changes nothing.
        for step in steps:
            self._take(step, content, run_id)
        ledger.add(steps)

    def _look_around(self, trials: Sequence[Mapping[str, Any]], experiment: str) -> None:
        """Read which trials have a run, where many are new: a search for each takes longer."""
        new = sum(
            TrialLedger(self.workspace, trial["key"], self.noted).run_id is None for trial in trials
        )
        if new <= SEARCHED_ONE_BY_ONE or self.searched == experiment:
            return
        self.present, token = {}, None
        while True:
            page = self.client.search_runs(
                [experiment], "tags.`glassbench.kind` = 'trial'", max_results=1000, page_token=token
            )
            for run in page:
                self.present.setdefault(run.data.tags.get("glassbench.key", ""), []).append(run)
            token = page.token
            if not token:
                break
        self.searched = experiment

    def _experiment(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        if found is None:
            with contextlib.suppress(Exception):
                return self.client.create_experiment(name, artifact_location=self.artifacts)
            # Another process may have created it in between; if not, the next line says why.
            found = self.client.get_experiment_by_name(name)
        if found is None:
            return self.client.create_experiment(name, artifact_location=self.artifacts)
        if found.lifecycle_stage != "active":
            self.client.restore_experiment(found.experiment_id)
        return found.experiment_id

    def _find(self, run_id: str | None, content: Content, experiment: str) -> str | None:
        """Return the run of this content, also where a crash kept its id from the ledger."""
        from mlflow.exceptions import MlflowException

        if run_id is not None:
            try:
                if self.client.get_run(run_id).info.lifecycle_stage == "active":
                    return run_id
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
        name, value = content.identity
        if name == "glassbench.key" and self.searched == experiment:
            return self._same(self.present.get(value, []), content)
        found = self.client.search_runs([experiment], f"tags.`{name}` = '{value}'", max_results=50)
        return self._same(found, content)

    def _same(self, found: Sequence[Any], content: Content) -> str | None:
        """Return the one of some runs of a trial that has its result."""
        # A trial that was forgotten and run again has another result, and a run of its own.
        mine = content.tags.get(RESULT_TAG)
        return next(
            (run.info.run_id for run in found if run.data.tags.get(RESULT_TAG) in (None, mine)),
            None,
        )

    def _create(self, content: Content, experiment: str) -> str:
        run = self.client.create_run(
            experiment, start_time=content.start, tags=content.tags, run_name=content.name
        )
        return run.info.run_id

    def _take(self, step: str, content: Content, run_id: str) -> None:
        """Hand one part of the content over; to do it again changes nothing."""
        actions: dict[str, Callable[[], None]] = {
            "parameters": lambda: self._parameters(content, run_id),
            "metrics": lambda: self._metrics(content, run_id),
            "artifacts": lambda: self._artifacts(content, run_id),
        }
        name = step.partition(":")[0]
        if name == "closed":
            self.client.set_terminated(run_id, content.status, end_time=content.end)
        else:
            actions[name]()

    def _parameters(self, content: Content, run_id: str) -> None:
        from mlflow.entities import Param, RunTag

        tags = [RunTag(key, value) for key, value in content.tags.items()]
        parameters = [Param(key, value) for key, value in content.parameters.items()]
        for some in _batches(parameters, PARAMETERS_AT_ONCE) if parameters else [[]]:
            self.client.log_batch(run_id, params=some, tags=tags)
            tags = []

    def _metrics(self, content: Content, run_id: str) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(*values) for values in content.metrics]
        for some in _batches(metrics, METRICS_AT_ONCE):
            self.client.log_batch(run_id, metrics=some)

    def _artifacts(self, content: Content, run_id: str) -> None:
        for file, place in content.artifacts:
            if file.exists():
                self.client.log_artifact(run_id, str(file), place or None)


def database_of(uri: str) -> Path | None:
    """Return the file of a SQLite store, or None for any other store."""
    parts = urlsplit(uri)
    return Path(parts.path[1:]) if parts.scheme.startswith("sqlite") and parts.path else None


def artifact_location(uri: str, workspace: Workspace) -> str | None:
    """Return where artifacts go: beside a database, and where a server wants them."""
    if urlsplit(uri).scheme in ("http", "https", "databricks", "databricks-uc"):
        return None
    database = database_of(uri)
    beside = database.absolute().parent if database is not None else workspace.home
    return (beside / "mlartifacts").as_uri()


def create_database(path: Path) -> None:
    """Create a SQLite store, whole or not at all; nothing happens where there is one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.partial*"):
        left.unlink()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    # In a process of its own, which holds no connection once it has ended.
    subprocess.run(
        [sys.executable, "-c", CREATE, f"sqlite:///{partial}"],
        cwd=path.parent,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if not _on_network(path.parent):
        # Readers such as `mlflow ui` then never block a delivery, nor it them.
        with contextlib.closing(sqlite3.connect(partial)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    os.replace(partial, path)


def _on_network(path: Path) -> bool:
    """Return whether a folder lies on a file system where SQLite's WAL does not work."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return False
    best, kind = "", ""
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, place, system, *_ = line.split()
        if path.resolve().is_relative_to(place) and len(place) >= len(best):
            best, kind = place, system
    return kind.startswith(NETWORK_FILE_SYSTEMS)


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Let one process of this workspace at a time speak to stores."""
    folder(workspace).mkdir(parents=True, exist_ok=True)
    with open(folder(workspace) / "lock", "w", encoding="utf-8") as file:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.1)
        yield


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
