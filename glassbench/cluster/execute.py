"""Running trials: each once, side by side where there is room, and on after a crash.

A trial is one Ray task; Ray holds each to its cores, GPUs and memory.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from ..contract.errors import ClusterError
from ..contract.trial_plan import Trial
from ..experiments.jobs import (
    FAILURE_FILE,
    Finisher,
    OnEvent,
    Outcome,
    make_jobs,
    run_here,
    shares_by_key,
    unique_trials,
)
from ..experiments.resources import Needs, Terms
from ..home.workspace import Workspace
from ..trial.attempt import RUN_TRIAL, Job, attempt_in_worker
from ..trial.process import ProgressReader
from .session import Session, open_session

POLL = 0.2
READ_AT_ONCE = 64
# Seconds before a trial that another driver runs is asked about again.
LOOK_AGAIN = 5.0


def execute(
    trials: Sequence[Trial],
    workspace: Workspace,
    *,
    cluster: str | Session = "auto",
    on_event: OnEvent = lambda event: None,
    max_failures: int = 2,
    cpus_per_trial: int | None = None,
    workers: int = 1,
    run: str = RUN_TRIAL,
    terms: Terms | None = None,
) -> list[Outcome]:
    """Run trials to their end and return their outcomes in the order of the trials.

    They start in this order, floors last. A finished trial is never run again; its result is in
    the workspace at once. A trial that raises has failed, and the others go on; a worker that
    dies is replaced, up to `max_failures` times, and goes on from the trial's checkpoint.

    Floors have one core, one worker and no GPU; a trial of a model takes `cpus_per_trial` cores,
    or its share of what there is, for each of the `workers` that train it together. `run` names
    the function that runs a trial, as `module:function`; `on_event` is called in this thread.

    Raises ClusterError if the cluster cannot be reached, or a plugin changed since the plan.
    """
    terms = terms or Terms()
    by_key = unique_trials(trials)
    finish = Finisher(workspace, on_event, terms)
    waiting = {k: trial for k, trial in by_key.items() if not finish.ended_before(k, trial)}
    if not waiting:
        return [finish.outcomes[trial.key] for trial in trials]
    with contextlib.ExitStack() as stack:
        session = cluster
        if not isinstance(session, Session):
            session = stack.enter_context(open_session(session))
        if workers > 1 and session.kind == "none":
            raise ClusterError(f"workers={workers} needs Ray: run with cluster=local, or workers=1")
        if workers > 1 and cpus_per_trial is None:
            cpus_per_trial = max(1, session.capacity.cpus // workers)
        shares = shares_by_key(by_key, session.capacity, terms, cpus_per_trial)
        elsewhere = session.kind == "remote"
        jobs = stack.enter_context(make_jobs(waiting, workspace, shares, run, terms, elsewhere))
        if workers > 1:
            from .train import execute_distributed

            for job in (job for job in jobs if not job.trial.floor):
                tell, share = partial(finish.tell, job.trial), shares[job.trial.key]
                attempt = execute_distributed(job, workers, share, tell, max_failures)
                finish.ended(job.trial, attempt)
            jobs = [job for job in jobs if job.trial.floor]
        if session.kind == "none":
            run_here(jobs, finish)
        elif jobs:
            _run_tasks(jobs, shares, finish, max_failures, terms)
    return [finish.outcomes[trial.key] for trial in trials]


@dataclass(frozen=True)
class _Attempted:
    """A trial that was handed to Ray, and how often its worker died before."""

    job: Job
    reader: ProgressReader
    failures: int


def _run_tasks(
    jobs: Sequence[Job],
    shares: Mapping[str, Needs],
    finish: Finisher,
    max_failures: int,
    terms: Terms,
) -> None:
    """Run jobs as tasks of the Ray that this process is connected to, until each has ended.

    Ray has all of them from the beginning, and starts those of one size in their order.
    """
    import ray

    # Ray takes a process for as many short trials as come, and one of its own for a long one.
    reusing = ray.remote(max_retries=0)(attempt_in_worker)
    fresh = ray.remote(max_retries=0, max_calls=1)(attempt_in_worker)
    running: dict[Any, _Attempted] = {}
    put_off: list[Job] = []

    def start(job: Job, failures: int = 0) -> None:
        share, folder = shares[job.trial.key], finish.workspace.trial_folder(job.trial.key)
        (folder / FAILURE_FILE).unlink(missing_ok=True)
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus}
        if share.memory_bytes:
            options["memory"] = share.memory_bytes
        # A process that has seen one GPU would keep to it, whatever Ray gives it next.
        task = reusing if terms.reused(job.trial) and not share.gpus else fresh
        reader = ProgressReader(folder)
        running[task.options(**options).remote(job)] = _Attempted(job, reader, failures)

    def hand_on(attempted: _Attempted) -> None:
        for kind, progress, message in attempted.reader.new():
            finish.tell(attempted.job.trial, kind, progress, message)

    looked = time.monotonic()
    try:
        for job in jobs:
            start(job)
        while running or put_off:
            for reference in _ended(running):
                attempted = running.pop(reference)
                hand_on(attempted)
                goes_on = _end(reference, attempted, finish, max_failures)
                if goes_on == "again":
                    start(attempted.job, attempted.failures + 1)
                elif goes_on == "later":
                    put_off.append(attempted.job)
            # A few files at a time: thousands of trials must not cost more.
            for attempted in islice(running.values(), READ_AT_ONCE):
                hand_on(attempted)
            if put_off and time.monotonic() - looked > LOOK_AGAIN:
                looked, again = time.monotonic(), put_off.copy()
                put_off.clear()
                for job in again:
                    if not finish.ended_before(job.trial.key, job.trial):
                        start(job)
    finally:
        # After Ctrl-C: what the workers have written is whole, and the rest is theirs to lose.
        for reference in running:
            with contextlib.suppress(Exception):
                ray.cancel(reference, force=True)


def _end(reference: Any, attempted: _Attempted, finish: Finisher, max_failures: int) -> str:
    """Settle an ended attempt; `again` where its worker died, `later` where another driver runs."""
    import ray
    from ray import exceptions

    trial, failures = attempted.job.trial, attempted.failures + 1
    try:
        attempt = ray.get(reference)
    except (
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.OutOfMemoryError,
        exceptions.ObjectLostError,
    ) as error:
        if failures <= max_failures:
            message = f"its worker died; attempt {failures + 1} of {max_failures + 1} goes on"
            finish.tell(trial, "retried", None, message)
            return "again"
        finish.failed(trial, f"its worker died {failures} times: {_cause(error)}")
    except exceptions.RayError as error:
        finish.failed(trial, f"{type(error).__name__}: {_cause(error)}")
    else:
        if attempt.held is not None:
            return "later"
        finish.ended(trial, attempt)
    return ""


def _ended(running: Mapping[Any, _Attempted]) -> list[Any]:
    """Return all attempts that have ended, after waiting a moment for the first."""
    import ray

    if not running:
        time.sleep(POLL)
        return []
    references = list(running)
    ready, _ = ray.wait(references, num_returns=1, timeout=POLL)
    if ready and len(references) > 1:
        ready, _ = ray.wait(references, num_returns=len(references), timeout=0)
    return ready


def _cause(error: Exception) -> str:
    """Return what Ray says of a death: the end of a traceback, or the beginning of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any(line.startswith(("Traceback", "File ")) for line in lines):
        return lines[-1][:400]
    return " ".join(lines)[:400]
