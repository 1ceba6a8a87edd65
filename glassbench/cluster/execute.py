"""Running trials: each once, side by side where there is room, and on after a crash.

A trial is one Ray task. Ray chooses machine and process, and holds each to its cores,
GPUs and memory; here is decided what is handed to it, and what happens when a process dies.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..contract.errors import ClusterError
from ..contract.trial_plan import Trial
from ..experiments.jobs import (
    Finisher,
    OnEvent,
    Outcome,
    forget_failure,
    make_jobs,
    run_here,
    shares_by_key,
    unique_trials,
)
from ..experiments.resources import Capacity, Needs, Terms, local_capacity, slots
from ..home.files import holder_of
from ..home.workspace import Workspace
from ..trial.attempt import RUN_TRIAL, Attempt, Job, attempt_in_worker
from ..trial.process import ProgressReader
from .session import Session, open_session, present_capacity

POLL = 0.2
READ_AT_ONCE = 64
LOOK_AGAIN = 5.0
# Trials that are handed to Ray beyond those that fit, so that no core waits for the driver
# and a cluster that grows on demand sees a demand.
AHEAD = 2


def execute(
    trials: Sequence[Trial],
    workspace: Workspace,
    *,
    cluster: str | Session = "auto",
    on_event: OnEvent = lambda event: None,
    max_failures: int = 2,
    cpus_per_trial: int | None = None,
    gpus_per_trial: float | None = None,
    workers: int = 1,
    run: str = RUN_TRIAL,
    terms: Terms | None = None,
) -> list[Outcome]:
    """Run trials to their end and return their outcomes in the order of the trials.

    They start in this order, floors last. A finished trial is never run again; its result is in
    the workspace at once. A trial that raises has failed, and the others go on; a worker that
    dies is replaced, up to `max_failures` times, and goes on from the trial's checkpoint.

    Parameters
    ----------
    cluster : as `open_session` takes it, or a session that is open already
    on_event : called in this thread with everything that happens
    cpus_per_trial, gpus_per_trial : what one trial takes; see `share_of`. Floors
        take one core and no GPU.
    workers : processes that train one trial together; floors have one
    run : the function that runs a trial, `module:function`, as `run_trial`
    terms : those of a sweep; each trial then takes what it needs

    Raises ClusterError if the cluster cannot be reached, or a plugin changed since the plan.
    """
    terms = terms or Terms()
    by_key = unique_trials(trials)
    finish = Finisher(workspace, on_event, terms)
    waiting = {k: trial for k, trial in by_key.items() if not finish.ended_before(k, trial)}
    if waiting and cluster == "none":
        if workers > 1:
            raise ClusterError(f"workers={workers} needs Ray: run with cluster=local, or workers=1")
        shares = shares_by_key(by_key, local_capacity(), terms, cpus_per_trial, gpus_per_trial)
        with make_jobs(waiting, workspace, shares, run, terms) as jobs:
            run_here(jobs, finish)
    elif waiting:
        with contextlib.ExitStack() as stack:
            session = cluster
            if not isinstance(session, Session):
                session = stack.enter_context(open_session(session))
            capacity, remote = session.capacity, session.kind == "remote"
            if workers > 1 and cpus_per_trial is None:
                cpus_per_trial = max(1, capacity.cpus // workers)
            shares = shares_by_key(by_key, capacity, terms, cpus_per_trial, gpus_per_trial)
            jobs = stack.enter_context(make_jobs(waiting, workspace, shares, run, terms, remote))
            if workers > 1:
                from .train import execute_distributed

                together = [job for job in jobs if not job.trial.floor]
                jobs = [job for job in jobs if job.trial.floor]
                for job in together:
                    tell = partial(finish.tell, job.trial)
                    share = shares[job.trial.key]
                    attempt = execute_distributed(
                        job, workspace, workers, share, tell, max_failures
                    )
                    finish.ended(job.trial, attempt)
            if jobs:
                _Tasks(jobs, shares, capacity, finish, max_failures, terms).run()
    return [finish.outcomes[trial.key] for trial in trials]


@dataclass(frozen=True)
class _Attempted:
    """A trial with what it takes, and how often its worker died."""

    job: Job
    share: Needs
    failures: int = 0

    @property
    def folder(self) -> Path:
        return self.job.workspace.trial_folder(self.job.trial.key)


def _attempt(job: Job, archives: dict[str, bytes]) -> Attempt:
    return attempt_in_worker(replace(job, archives=archives))


class _Tasks:
    """Trials as tasks of the Ray that this process is connected to, until each has ended."""

    def __init__(
        self,
        jobs: Sequence[Job],
        shares: Mapping[str, Needs],
        capacity: Capacity,
        finish: Finisher,
        max_failures: int,
        terms: Terms,
    ) -> None:
        import ray

        self.finish, self.max_failures, self.terms = finish, max_failures, terms
        self.capacity = capacity
        self.archives = ray.put(dict(jobs[0].archives))
        # Ray takes a process for as many short trials as come, and one of its own for a long one.
        self.reusing = ray.remote(max_retries=0)(_attempt)
        self.fresh = ray.remote(max_retries=0, max_calls=1)(_attempt)
        self.queues: dict[tuple[bool, Needs], deque[_Attempted]] = {}
        for job in jobs:
            self._add(_Attempted(replace(job, archives={}), shares[job.trial.key]))
        self.put_off: list[_Attempted] = []
        self.running: dict[Any, _Attempted] = {}
        self.readers: dict[Any, ProgressReader] = {}
        self.turn: deque[Any] = deque()

    def run(self) -> None:
        import ray

        looked = time.monotonic()
        try:
            while any(self.queues.values()) or self.running or self.put_off:
                for attempted in list(self._to_start()):
                    self._start(attempted)
                self._read_some()
                for reference in _ended(self.running):
                    self._read(reference)
                    self.readers.pop(reference)
                    self._end(reference, self.running.pop(reference))
                if time.monotonic() - looked > LOOK_AGAIN:
                    looked = time.monotonic()
                    # A head that does not answer now is asked again.
                    with contextlib.suppress(Exception):
                        self.capacity = present_capacity()
                    while self.put_off:
                        self._add(self.put_off.pop())
        finally:
            # After Ctrl-C: what the workers have written is whole, and the rest is theirs to lose.
            for reference in self.running:
                with contextlib.suppress(Exception):
                    ray.cancel(reference, force=True)

    def _add(self, attempted: _Attempted, first: bool = False) -> None:
        """Let a trial wait behind others of its size, or before them."""
        queue = self.queues.setdefault((attempted.job.trial.floor, attempted.share), deque())
        (queue.appendleft if first else queue.append)(attempted)

    def _to_start(self) -> Iterator[_Attempted]:
        """Yield the trials to hand to Ray now: of each size as many as fit, and a few more."""
        under_way = Counter(attempted.share for attempted in self.running.values())
        # Floors come after all models, whatever they take.
        for floor, share in sorted(self.queues, key=lambda kind: kind[0]):
            if floor and any(queue for kind, queue in self.queues.items() if not kind[0]):
                return
            queue = self.queues[floor, share]
            while queue and under_way[share] < slots(self.capacity, share) + AHEAD:
                under_way[share] += 1
                yield queue.popleft()

    def _start(self, attempted: _Attempted) -> None:
        job, share = attempted.job, attempted.share
        if self.terms.defer and self._is_elsewhere(attempted):
            return
        forget_failure(attempted.folder)
        reader = ProgressReader(attempted.folder)
        # A process that has seen one GPU would keep to it, whatever Ray gives it next.
        reused = self.terms.reused(job.trial) and not share.gpus
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus}
        if share.memory_bytes:
            options["memory"] = share.memory_bytes
        task = self.reusing if reused else self.fresh
        reference = task.options(**options).remote(job, self.archives)
        self.running[reference], self.readers[reference] = attempted, reader

    def _is_elsewhere(self, attempted: _Attempted) -> bool:
        """Settle or put off a trial that another driver has run or runs; say whether it is so."""
        trial = attempted.job.trial
        if self.finish.ended_before(trial.key, trial):
            return True
        holder = holder_of(attempted.folder)
        if holder is None:
            return False
        self.finish.tell(trial, "waiting", None, f"{holder} runs it")
        self.put_off.append(attempted)
        return True

    def _read_some(self) -> None:
        """Read what running trials say, a few files at a time: thousands must not cost more."""
        if not self.turn:
            self.turn.extend(self.running)
        for _ in range(min(READ_AT_ONCE, len(self.turn))):
            reference = self.turn.popleft()
            if reference in self.running:
                self._read(reference)

    def _read(self, reference: Any) -> None:
        trial = self.running[reference].job.trial
        for kind, progress, message in self.readers[reference].new():
            self.finish.tell(trial, kind, progress, message)

    def _end(self, reference: Any, attempted: _Attempted) -> None:
        """Settle an ended attempt, or let its trial wait for the next one."""
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
            if failures > self.max_failures:
                self.finish.failed(trial, f"its worker died {failures} times: {_cause(error)}")
                return
            message = f"its worker died; attempt {failures + 1} of {self.max_failures + 1} goes on"
            self.finish.tell(trial, "retried", None, message)
            self._add(replace(attempted, failures=failures), first=True)
        except exceptions.RayError as error:
            self.finish.failed(trial, f"{type(error).__name__}: {_cause(error)}")
        else:
            if attempt.held is not None:
                self.put_off.append(attempted)
            else:
                self.finish.ended(trial, attempt)


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
