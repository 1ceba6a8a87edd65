"""The side of the delivery that speaks to MLflow; runs as a process of its own.

`python -m glassbench.tracking.mlflow_store HOME` delivers what waits in a home.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..contract.errors import printable
from ..home.files import exclusive, whole_file
from ..home.workspace import Workspace
from . import delivery, runs

if TYPE_CHECKING:
    from mlflow.entities import Run

PARENT_TAG = "mlflow.parentRunId"
# Of what a run holds whole, and of a trial's result.
VERSION_TAG, RESULT_TAG = "glassbench.version", "glassbench.result"
CREATE = """
import sys
from mlflow import MlflowClient
MlflowClient(tracking_uri="sqlite:///" + sys.argv[1]).search_experiments()
"""
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "fuse", "ceph", "9p")


def main(home: str) -> int:
    """Deliver what waits in a home, one process of it at a time."""
    # Loaded while there is nothing to do yet; the command that began this ends our input.
    import mlflow.tracking.client  # noqa: F401

    sys.stdin.read()
    workspace = Workspace(Path(home))
    with exclusive(delivery.folder(workspace), lambda message: None, poll=0.1):
        return deliver_pending(workspace)


def deliver_pending(workspace: Workspace) -> int:
    """Deliver what waits; a store that fails is left alone, the others are tried."""
    failed: set[str] = set()
    stores: dict[str, _Store] = {}
    for path in delivery.pending(workspace):
        noted, request = delivery.read_pending(path)
        if noted in failed:
            continue
        now = delivery.tracking_uri(workspace)
        # A note never holds credentials: those of today serve the same store.
        uri = now if delivery.without_credentials(now) == noted else noted
        try:
            if noted not in stores:
                stores[noted] = _Store(uri, noted, workspace)
            stores[noted].deliver(request)
            # Unless another command has asked for more in the meantime.
            if delivery.read_pending(path) == (noted, request):
                path.unlink()
        except Exception as error:
            failed.add(noted)
            print(printable(f"{noted} {_explained(error, uri)}", 2000), file=sys.stderr)
    return 1 if failed else 0


def _explained(error: Exception, uri: str) -> str:
    message = " ".join(str(error).split())
    secret = urlsplit(uri).netloc.rpartition("@")[0]
    return f"{type(error).__name__}: {message.replace(secret, '***') if secret else message}"[:500]


class _Store:
    """One MLflow store."""

    def __init__(self, uri: str, noted: str, workspace: Workspace) -> None:
        database = database_of(uri)
        if database is not None:
            ensure_store(database, delivery.delivered_folder(workspace, noted))
        from mlflow import MlflowClient

        # Artifacts go beside a database, and where a server wants them.
        beside = workspace.home if database is None else database.absolute().parent
        of_server = urlsplit(uri).scheme in ("http", "https", "databricks", "databricks-uc")
        self.artifacts = None if of_server else (beside / "mlartifacts").as_uri()
        if database == workspace.database:
            # MLflow takes special characters of a path for parts of a URI: none are named here.
            os.chdir(workspace.home)
            uri = f"sqlite:///{database.name}"
        self.client = MlflowClient(tracking_uri=uri)
        self.noted, self.workspace = noted, workspace

    def deliver(self, request: delivery.RequestDelivery) -> None:
        """Deliver a request: its parent run, and the runs of its trials."""
        experiment = self._experiment(request.experiment)
        contents = runs.study_contents if request.kind == "study" else runs.request_contents
        content, nested = contents(self.workspace, request)
        about = (self.workspace, self.noted, request)
        if request.sweep:
            sweep = runs.sweep_content(self.workspace, request.sweep)
            content.tags[PARENT_TAG] = self._delivered(sweep, experiment)
        parent, is_new = self._run_of(content, experiment)
        delivery.note_delivered(*about, parent.info.run_id)
        for made in nested:
            made.tags[PARENT_TAG] = parent.info.run_id
            self._delivered(made, experiment, again=is_new)
        self._fill(parent.info.run_id, content)
        delivery.note_delivered(*about, parent.info.run_id, request.version)

    def _delivered(self, content: runs.RunContent, experiment: str, again: bool = False) -> str:
        """Return the id of the run that has the content; `again` fills one that has it already."""
        run, _ = self._run_of(content, experiment)
        if again or run.data.tags.get(VERSION_TAG) != content.version:
            self._fill(run.info.run_id, content)
        return run.info.run_id

    def _run_of(self, content: runs.RunContent, experiment: str) -> tuple[Run, bool]:
        """Return the run for some content, and whether it is new."""
        name, value = content.run
        for run in self.client.search_runs([experiment], f"tags.`{name}` = '{value}'"):
            # A trial that was forgotten and run again has another result, and a run of its own.
            if run.data.tags.get(RESULT_TAG, "") in ("", content.result):
                return run, False
        return self.client.create_run(
            experiment, start_time=content.start, tags={name: value}, run_name=content.name
        ), True

    def _fill(self, run_id: str, content: runs.RunContent) -> None:
        """Hand all content over; what the run has already stays as it is."""
        from mlflow.entities import Metric, Param, RunTag

        tags = {RESULT_TAG: content.result}
        for name, text in content.tags.items():
            tags[name if name.startswith("mlflow.") else f"glassbench.{name}"] = text or ""
        at_the_end = ((name, value, content.end, 0) for name, value in content.numbers.items())
        self.client.log_batch(
            run_id,
            metrics=[
                Metric(name, float(value), when, step)
                for name, value, when, step in (*content.history, *at_the_end)
                if value is not None and math.isfinite(value)
            ],
            params=[Param(name, str(value)) for name, value in content.parameters.items()],
            tags=[RunTag(name, text) for name, text in tags.items()],
        )
        figures = [self.workspace.home / figure for figure in content.figures]
        for folder_name, files in ((None, content.artifacts), ("figures", figures)):
            for file in filter(Path.exists, files):
                self.client.log_artifact(run_id, str(file), folder_name)
        self.client.set_terminated(run_id, content.status, end_time=content.end)
        self.client.set_tag(run_id, VERSION_TAG, content.version)

    def _experiment(self, name: str) -> str:
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            return self.client.create_experiment(name, artifact_location=self.artifacts)
        if experiment.lifecycle_stage != "active":
            self.client.restore_experiment(experiment.experiment_id)
        return experiment.experiment_id


def database_of(uri: str) -> Path | None:
    """Return the file of a SQLite store, or None for any other store."""
    scheme, _, path = uri.partition(":///")
    return Path(unquote(path.partition("?")[0])) if scheme.startswith("sqlite") and path else None


def ensure_store(database: Path, notes: Path | None = None) -> None:
    """Create a SQLite store where there is none; the notes about an earlier one are void."""
    if database.exists():
        return
    if notes is not None:
        shutil.rmtree(notes, ignore_errors=True)
    database.parent.mkdir(parents=True, exist_ok=True)
    for left in database.parent.glob(f"{database.name}.*.partial*"):
        left.unlink()
    with whole_file(database) as partial:
        template = _template()
        if template.exists():
            shutil.copyfile(template, partial)
        else:
            _create(partial, database)
            with contextlib.suppress(OSError), whole_file(template) as copy:
                shutil.copyfile(partial, copy)
        with contextlib.closing(sqlite3.connect(partial)) as connection:
            # Of the experiment that MLflow makes by itself, which nothing here uses.
            beside = str(database.absolute().parent / "mlruns" / "0")
            connection.execute("UPDATE experiments SET artifact_location = ?", [beside])
            connection.commit()
            if not _on_network(database.parent.resolve()):
                # Readers such as `mlflow ui` then never block a delivery, nor it them.
                connection.execute("PRAGMA journal_mode=WAL")


def _template() -> Path:
    """Return where this user's empty store of this MLflow lies: making one takes seconds."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "glassbench" / f"mlflow-{metadata.version('mlflow')}.db"


def _create(partial: Path, database: Path) -> None:
    # In a process of its own, which holds no connection once it has ended.
    process = subprocess.run(
        [sys.executable, "-P", "-c", CREATE, partial.name],
        cwd=database.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if process.returncode:
        # SQLAlchemy ends with its statement and a link.
        said = [line for line in process.stderr.splitlines() if line and line[0] not in "[( "]
        reason = said[-1] if said else "no reason was given"
        raise RuntimeError(f"{database} cannot be created: {reason}")


def _on_network(folder: Path) -> bool:
    """Return whether a folder lies on a file system where SQLite's WAL does not work."""
    import psutil

    mounts = psutil.disk_partitions(all=True)
    above = [(len(m.mountpoint), m.fstype) for m in mounts if folder.is_relative_to(m.mountpoint)]
    return max(above, default=(0, ""))[1].startswith(NETWORK_FILE_SYSTEMS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
