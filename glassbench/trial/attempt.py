"""One attempt at a trial, where it runs: lock, log, threads and sources, then the trial itself."""

from __future__ import annotations

import contextlib
import errno
import importlib
import math
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..contract.errors import ClusterError, UserError
from ..contract.folder_digest import HELPERS_FILE, folder_digest, helpers_digest, plugin_files
from ..contract.trial_plan import Trial
from ..home.cache import kept_in
from ..home.files import Held, exclusive, whole_folder, write_json
from ..home.machine import environment, torch_gpus
from ..home.workspace import PROVENANCE_FILE, Workspace
from ..model import Progress
from .process import (
    ALL_OUTPUT,
    captured,
    free_memory,
    limited_threads,
    sampled,
    warnings_noted,
    write_progress,
)
from .restored import kept_running, settings_restored
from .result import TrialResult, read_result

RUN_TRIAL = "glassbench.trial.run:run_trial"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

Tell = Callable[[str, Progress | None, str], None]


@dataclass(frozen=True)
class Job:
    """A trial with all that a worker needs to run it; its workspace as the worker sees it.

    Attributes
    ----------
    run : name of the function that runs the trial, `module:function`
    task_digest : digest of the task's folder, empty where the worker shares the file system
    shared : a file that the worker must see if it shares the workspace, empty if it surely does
    returns_result : whether the result is handed back; it is on disk in any case
    patience : seconds to wait for another process that runs the same trial
    """

    trial: Trial
    home: str
    run: str = RUN_TRIAL
    device: str = "cpu"
    threads: int = 1
    task_digest: str = ""
    shared: str = ""
    returns_result: bool = True
    patience: float = math.inf
    checkpoints: str = ""

    @property
    def workspace(self) -> Workspace:
        return Workspace(Path(self.home), self.checkpoints)


@dataclass(frozen=True)
class Attempt:
    """How one attempt ended; `held` says who runs the trial, where patience came to an end."""

    result: TrialResult | None
    error: str | None = None
    held: str | None = None


def attempt_in_worker(job: Job) -> Attempt:
    """Run a job in a process of its own; tell about it through the trial's folder."""
    if job.shared and not Path(job.shared).exists():
        return Attempt(
            None,
            f"the workspace {job.home} is not the same folder on the worker "
            f"{os.uname().nodename}: put GLASSBENCH_HOME on a file system that all machines share",
        )
    folder = job.workspace.trial_folder(job.trial.key)
    tell = partial(write_progress, folder)
    tell("started", None, f"process {os.getpid()}")
    free_memory()
    with captured(folder, descriptors=ALL_OUTPUT):
        return attempt(job, tell)


def attempt_here(job: Job, tell: Tell) -> Attempt:
    """Run a job in this process; `tell` has the terminal to itself while it is called."""
    tell("started", None, "")
    with captured(job.workspace.trial_folder(job.trial.key)) as released:

        def tell_outside(kind: str, progress: Progress | None, message: str) -> None:
            with released():
                tell(kind, progress, message)

        return attempt(job, tell_outside)


def attempt_among_workers(job: Job, rank: int) -> Attempt:
    """Run a job with other workers, whose first alone writes to its folder.

    The others take part in the fit, and write to a scratch folder that is dropped.
    """
    if rank == 0:
        return attempt_in_worker(job)
    folder = job.workspace.trial_folder(job.trial.key)
    with tempfile.TemporaryDirectory(prefix="glassbench-") as home:
        scratch = Workspace(Path(home))
        with captured(folder, f"log.worker{rank}.txt", ALL_OUTPUT):
            try:
                _call(job, located(job, job.workspace), scratch, lambda progress: None, rank=rank)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                return Attempt(None, _explained(error, job))
    return Attempt(None)


def attempt(job: Job, tell: Tell) -> Attempt:
    """Run the job; whatever the trial raises becomes the attempt's error."""
    workspace = job.workspace
    folder = workspace.trial_folder(job.trial.key)
    try:
        with exclusive(folder, lambda words: tell("waiting", None, words), patience=job.patience):
            result = read_result(workspace, job.trial) or _run(job, workspace, folder, tell)
            return Attempt(result if job.returns_result else None)
    except Held as error:
        return Attempt(None, held=str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Attempt(None, _explained(error, job))


def _explained(error: BaseException, job: Job) -> str:
    """Leave the traceback in the log, and return what went wrong in one line."""
    with contextlib.suppress(OSError):
        traceback.print_exc(file=sys.stderr)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return (
            f"no room is left on the disk of {error.filename or job.home}: free some, and the "
            "same command goes on from the last checkpoint"
        )
    kind = "" if type(error) is UserError else f"{type(error).__name__}: "
    message = f"{kind}{error}".removesuffix(": ")
    if isinstance(error, ValueError) and "read-only" in message:
        message += ": a model can only read what it is given, copy it first"
    return message


def _run(job: Job, workspace: Workspace, folder: Path, tell: Tell) -> TrialResult:
    trial = located(job, workspace)
    if job.device != "cpu" and not torch_gpus():
        tell("noted", None, "it was given a GPU that torch cannot use here: it trains on the CPU")
        job = replace(job, device="cpu")
    # Before the result: where that is, this is.
    write_json(folder / PROVENANCE_FILE, environment())
    with sampled(folder), warnings_noted(lambda words: tell("noted", None, words)):
        return _call(job, trial, workspace, lambda progress: tell("progress", progress, ""))


def _call(
    job: Job, trial: Trial, workspace: Workspace, report: Callable[[Progress], None], **options
) -> TrialResult:
    module, _, name = job.run.partition(":")
    options |= {"report": report, "device": job.device, "threads": job.threads}
    with (
        limited_threads(job.threads),
        settings_restored(),
        kept_in(job.workspace.cache),
        kept_running(),
    ):
        run = getattr(importlib.import_module(module), name)
        return run(trial, workspace, **options)


def located(job: Job, workspace: Workspace) -> Trial:
    """Return the trial with the folders of model, task and dataset as this machine has them."""
    trial = job.trial
    model = _present(Path(trial.model.folder), trial.model.digest, workspace)
    trial = replace(trial, model=replace(trial.model, folder=str(model)))
    dataset = Path(trial.dataset.path)
    if job.task_digest:
        planned = Path(trial.task_folder)
        task = _present(planned, job.task_digest, workspace)
        if not dataset.exists() and dataset.is_relative_to(planned):
            dataset = task / dataset.relative_to(planned)
        trial = replace(
            trial, task_folder=str(task), dataset=replace(trial.dataset, path=str(dataset))
        )
    if not dataset.exists():
        raise ClusterError(
            f"dataset {trial.dataset.name} is not at {dataset} on {os.uname().nodename}: put it "
            "on a file system that all machines share"
        )
    return trial


def _present(folder: Path, digest: str, workspace: Workspace) -> Path:
    """Return a plugin's folder, or the copy that was kept of it when the run was planned."""
    for place in (folder, workspace.sources / digest):
        if holds(place, digest):
            return place
    raise ClusterError(
        f"{folder} is not what it was when the run was planned (digest {digest[:8]}…): "
        "run the same command again"
    )


def keep_folder(folder: Path, digest: str, sources: Path) -> Path:
    """Return `sources/<digest>`, a copy of a plugin's folder for machines and times without it."""
    copy = sources / digest
    if holds(copy, digest):
        return copy
    # What lies there was changed by hand: it cannot be what its name says.
    shutil.rmtree(copy, ignore_errors=True)
    try:
        with whole_folder(copy) as partial:
            write_folder(read_folder(folder), partial)
    except OSError:
        # Unless another process was faster.
        if not holds(copy, digest):
            raise
    return copy


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the files of a plugin by name, with the digest of what it imports beside them."""
    files = plugin_files(folder)
    helpers = helpers_digest(folder, [path for _, path in files])
    contents = {name: path.read_bytes() for name, path in files}
    return contents | ({HELPERS_FILE: helpers.encode()} if helpers else {})


def write_folder(contents: Mapping[str, bytes], folder: Path) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def holds(folder: Path, digest: str) -> bool:
    """Return whether the folder is there with exactly this content."""
    return folder.is_dir() and folder_digest(folder) == digest
