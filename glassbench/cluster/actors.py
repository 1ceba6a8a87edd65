"""Trials on Ray: one worker process for each, a new one where it died."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..workspace import Workspace
from .progress_file import ProgressReader
from .worker import Attempt, Job, attempt_in_worker

if TYPE_CHECKING:
    from .execute import _Finisher
    from .resources import Share

POLL = 0.2
AHEAD = 2


class Worker:
    """A process that runs jobs, one after another."""

    def run(self, job: Job, archives: dict[str, bytes]) -> Attempt:
        return attempt_in_worker(replace(job, archives=archives))


@dataclass
class _Running:
    job: Job
    failures: int
    actor: Any
    reader: ProgressReader


def run_in_actors(jobs: Sequence[Job], share: Share, finish: _Finisher, max_failures: int) -> None:
    """Run jobs on the Ray that this process is connected to, until each has ended."""
    import ray

    remote = ray.remote(Worker)
    archives = ray.put(dict(jobs[0].archives))
    waiting = deque((replace(job, archives={}), 0) for job in jobs)
    running: dict[Any, _Running] = {}
    idle: list[Any] = []
    # A few more than fit at once, so that no core waits for this process.
    most = share.concurrent + AHEAD
    try:
        while waiting or running:
            while waiting and len(running) < most:
                job, failures = waiting.popleft()
                actor = _actor(remote, job, share, idle)
                reader = ProgressReader(_folder(job))
                running[actor.run.remote(job, archives)] = _Running(job, failures, actor, reader)
            # A worker that stays without a job would hold a core that a trial waits for.
            _release(idle)
            ready, _ = ray.wait(list(running), num_returns=1, timeout=POLL)
            for current in running.values():
                _tell_new(current, finish)
            for reference in ready:
                current = running.pop(reference)
                again = _end(reference, current, finish, max_failures, idle)
                if again is not None:
                    waiting.appendleft(again)
    finally:
        # Also after Ctrl-C: what the workers have written is whole, and the rest is theirs to lose.
        _release([*idle, *(current.actor for current in running.values())])


def _actor(remote, job: Job, share: Share, idle: list[Any]) -> Any:
    """Return a worker of its own for a trial; floors, which train nothing, share theirs."""
    if job.trial.floor:
        if idle:
            return idle.pop()
        return remote.options(num_cpus=1, max_restarts=0).remote()
    return remote.options(num_cpus=share.cpus, num_gpus=share.gpus, max_restarts=0).remote()


def _folder(job: Job) -> Path:
    return Workspace(Path(job.home)).trial_folder(job.trial.key)


def _tell_new(current: _Running, finish: _Finisher) -> None:
    for kind, progress, message in current.reader.new():
        finish.tell(current.job.trial, kind, progress, message)


def _end(
    reference: Any, current: _Running, finish: _Finisher, max_failures: int, idle: list[Any]
) -> tuple[Job, int] | None:
    """Settle an ended attempt; return the job with its number of failures if it runs again."""
    import ray

    _tell_new(current, finish)
    trial, failures = current.job.trial, current.failures + 1
    try:
        attempt = ray.get(reference)
    except _deaths() as error:
        if getattr(error, "actor_init_failed", False):
            finish.failed(trial, f"its worker cannot start: {_cause(error)}")
        elif failures <= max_failures:
            message = f"its worker died; attempt {failures + 1} of {max_failures + 1} goes on"
            finish.tell(trial, "retried", None, message)
            # Where only the connection broke, the old worker must not go on beside the new one.
            _release([current.actor])
            return current.job, failures
        else:
            finish.failed(trial, f"its worker died {failures} times: {_cause(error)}")
    except ray.exceptions.RayError as error:
        finish.failed(trial, f"{type(error).__name__}: {error}")
    else:
        finish.ended(trial, attempt)
        if trial.floor:
            idle.append(current.actor)
            return None
    _release([current.actor])
    return None


def _deaths() -> tuple[type[Exception], ...]:
    """Return what Ray raises when a worker, its machine or its memory is gone."""
    from ray import exceptions

    return (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.OutOfMemoryError,
        exceptions.ObjectLostError,
    )


def _release(actors: list[Any]) -> None:
    """End workers and give their cores back; one that died already needs no end."""
    import ray

    while actors:
        with contextlib.suppress(Exception):
            ray.kill(actors.pop())


def _cause(error: Exception) -> str:
    """Return what Ray says of a death: the end of a traceback, or the beginning of its words."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any(line.startswith(("Traceback", "File ")) for line in lines):
        return lines[-1][:400]
    return " ".join(lines)[:400]
