"""One fit of a tuning trial, advanced from report to report.

Fits of one trial take turns, so that after each epoch there is one mean over their
conditions; a fit that does not have the turn waits inside its own report.
"""

from __future__ import annotations

import json
import queue
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ...contract.trial_plan import Trial
from ...experiments.resources import Share
from ...experiments.tuning.journal import NO_COST
from ...home.files import write_json
from ...home.lock import exclusive
from ...home.workspace import Workspace
from ...model import Progress
from ...trial.attempt import Job, located, record_provenance
from ...trial.result import TrialResult
from ...trial.run import run_trial

COST_FILE = "tuning_cost.json"
STOP_FILE = "tuning_stop"
SHARED_RUN = "glassbench.cluster.tuning.fit:run_until_stopped"


class Stopped(Exception):
    """The fit was told to end where it is."""


class Fit(Protocol):
    """A fit that goes on from report to report.

    Attributes
    ----------
    progress : what it reported last
    result : once it has ended well
    error : once it has ended badly
    """

    progress: Progress | None
    result: TrialResult | None
    error: str | None

    def advance(self) -> None:
        """Go on until the next report, or the end."""

    def stop(self) -> None:
        """End it where it is; its checkpoint stays."""


class FitInThread:
    """A fit in a thread of this process, which runs only while it is advanced."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.progress: Progress | None = None
        self.result: TrialResult | None = None
        self.error: str | None = None
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._random: dict[str, Any] | None = None

    def advance(self) -> None:
        if self._random is not None:
            _restore_random(self._random)
        with _spent(self.job):
            if self._thread is None:
                self._thread = threading.Thread(target=self._body, daemon=True)
                self._thread.start()
            else:
                self._go.release()
            self._back.acquire()
        self._random = _random_state()

    def stop(self) -> None:
        if self._thread is not None and self.result is None and self.error is None:
            self._stopped = True
            self._go.release()
            self._thread.join()

    def _body(self) -> None:
        try:
            self.result = _run(self.job, self._report)
        except (Exception, SystemExit) as error:
            if not self._stopped:
                traceback.print_exc(file=sys.stderr)
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self._back.release()

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        self._back.release()
        self._go.acquire()
        if self._stopped:
            raise Stopped("the trial was stopped")


class FitAmongWorkers:
    """A fit by several workers together, through Ray Train; it does not wait between reports."""

    def __init__(self, job: Job, workers: int, share: Share, max_failures: int) -> None:
        self.job, self.workers, self.share = job, workers, share
        self.max_failures = max_failures
        self.progress: Progress | None = None
        self.result: TrialResult | None = None
        self.error: str | None = None
        self._told: queue.Queue[Progress | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    @property
    def _stop_file(self) -> Path:
        return _folder(self.job) / STOP_FILE

    def advance(self) -> None:
        with _spent(self.job, processes=self.workers):
            if self._thread is None:
                self._stop_file.unlink(missing_ok=True)
                self._thread = threading.Thread(target=self._body, daemon=True)
                self._thread.start()
            progress = self._told.get()
        if progress is not None:
            self.progress = progress

    def stop(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._stop_file.parent.mkdir(parents=True, exist_ok=True)
            self._stop_file.touch()
            self._thread.join()

    def _body(self) -> None:
        from ..train import execute_distributed

        def tell(kind: str, progress: Progress | None, message: str) -> None:
            if progress is not None:
                self._told.put(progress)

        try:
            attempt = execute_distributed(
                replace(self.job, run=SHARED_RUN),
                Workspace(Path(self.job.home)),
                self.workers,
                self.share,
                tell,
                self.max_failures,
            )
            self.result, self.error = attempt.result, attempt.error
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self._told.put(None)


def run_until_stopped(
    trial: Trial,
    workspace: Workspace,
    *,
    report: Callable[[Progress], None],
    **options: Any,
) -> TrialResult:
    """Run a trial as `run_trial` does, until a stop file appears in its folder."""
    stop = workspace.trial_folder(trial.key) / STOP_FILE

    def report_unless_stopped(progress: Progress) -> None:
        report(progress)
        if stop.exists():
            raise Stopped("the trial was stopped")

    return run_trial(trial, workspace, report=report_unless_stopped, **options)


def cost_of(trial_folder: Path) -> dict[str, float]:
    """Return the seconds that all attempts at a fit took while it had the turn."""
    try:
        return json.loads((trial_folder / COST_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return dict(NO_COST)


def _run(job: Job, report: Callable[[Progress], None]) -> TrialResult:
    workspace, folder = Workspace(Path(job.home)), _folder(job)
    with exclusive(folder, lambda words: None):
        result = run_trial(
            located(job, workspace),
            workspace,
            report=report,
            device=job.device,
            threads=job.threads,
        )
        record_provenance(folder)
    return result


def _folder(job: Job) -> Path:
    return Workspace(Path(job.home)).trial_folder(job.trial.key)


class _spent:
    """Adds what a block takes to the cost of a fit."""

    def __init__(self, job: Job, processes: int = 1) -> None:
        self.job, self.processes = job, processes

    def __enter__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        if self.processes > 1:
            # Other processes work: what they could have taken stands for what they took.
            cpu = wall * self.processes * self.job.threads
        gpus = wall * self.processes if self.job.device.startswith("cuda") else 0.0
        folder = _folder(self.job)
        before = cost_of(folder)
        spent = {"wall_seconds": wall, "cpu_seconds": cpu, "gpu_seconds": gpus}
        write_json(folder / COST_FILE, {name: before[name] + spent[name] for name in spent})


def _random_state() -> dict[str, Any]:
    """Return the state of every generator that a fit may draw from besides its own."""
    import numpy as np

    state: dict[str, Any] = {"python": random.getstate(), "numpy": np.random.get_state()}  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        state["torch"] = torch.get_rng_state()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def _restore_random(state: dict[str, Any]) -> None:
    import numpy as np

    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None and "torch" in state:
        torch.set_rng_state(state["torch"])
        if "cuda" in state:
            torch.cuda.set_rng_state_all(state["cuda"])
