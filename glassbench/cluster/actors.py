"""Trials on Ray: a worker process for each, a new one where it died."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.sweep.state import forget_failure
from ..home.lock import holder_of
from ..home.workspace import Workspace
from ..trial.attempt import Attempt, Job, attempt_in_worker
from ..trial.progress_file import ProgressReader
from .packing import Packing
from .session import present_capacity

if TYPE_CHECKING:
    from ..experiments.events import Finisher
    from ..experiments.resources import Capacity, Share, Terms

POLL = 0.2
READ_AT_ONCE = 64
LOOK_AGAIN = 5.0


class Worker:
    """A process that runs jobs, one after another."""

    def run(self, job: Job, archives: dict[str, bytes]) -> Attempt:
        return attempt_in_worker(replace(job, archives=archives))


@dataclass
class _Running:
    job: Job
    share: Share
    failures: int
    actor: Any
    reader: ProgressReader
    told: bool = False


def run_in_actors(
    jobs: Sequence[Job],
    shares: Mapping[str, Share],
    capacity: Capacity,
    finish: Finisher,
    max_failures: int,
    terms: Terms,
) -> None:
    """Run jobs on the Ray that this process is connected to, until each has ended.

    Parameters
    ----------
    shares : what each trial takes, by key
    """
    import ray

    workers = _Workers(terms)
    archives = ray.put(dict(jobs[0].archives))
    packing = Packing(capacity)
    for job in jobs:
        packing.add((replace(job, archives={}), 0), shares[job.trial.key])
    put_off: deque[tuple[Job, int, Share]] = deque()
    running: dict[Any, _Running] = {}
    in_line: list[Any] = []
    watch = _Watch(finish)
    looked = time.monotonic()
    try:
        while len(packing) or running or put_off:
            for (job, failures), share, ahead in packing.start():
                if terms.defer and _is_elsewhere(job, finish, put_off, failures, share):
                    packing.ended(share)
                    continue
                forget_failure(_folder(job))
                actor = workers.take(job, share)
                current = _Running(job, share, failures, actor, ProgressReader(_folder(job)))
                reference = actor.run.remote(job, archives)
                running[reference] = current
                if ahead:
                    in_line.append(reference)
            # A worker that stays without a job would hold a core that a trial waits for.
            workers.release_idle()
            ended = [(reference, running.pop(reference)) for reference in _ready(running)]
            for reference, current in ended:
                watch.last(current)
                packing.ended(current.share)
                _end(reference, current, finish, max_failures, workers, packing, put_off)
                _move_up(current, in_line, running, workers, archives)
            watch.some(running)
            if time.monotonic() - looked > LOOK_AGAIN:
                looked = time.monotonic()
                # A head that does not answer now is asked again.
                with contextlib.suppress(Exception):
                    packing.resize(present_capacity())
                _take_up(put_off, packing)
            elif put_off and not running:
                time.sleep(POLL)
    finally:
        # Also after Ctrl-C: what the workers have written is whole, and the rest is theirs to lose.
        workers.release_idle()
        release([current.actor for current in running.values()])


class _Workers:
    """Processes for trials: most have one of their own, some share one with others like them."""

    def __init__(self, terms: Terms) -> None:
        import ray

        self.remote = ray.remote(Worker)
        self.terms = terms
        self.idle: dict[tuple[Share, str], list[Any]] = {}

    def take(self, job: Job, share: Share) -> Any:
        """Return an idle worker that may run the job, or a new one."""
        waiting = self.idle.get(self._kind(job, share))
        if waiting and self.terms.reused(job.trial):
            return waiting.pop()
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_restarts": 0}
        if share.memory:
            options["memory"] = share.memory
        return self.remote.options(**options).remote()

    def has_idle(self, job: Job, share: Share) -> bool:
        """Return whether a worker that may run the job has nothing to do."""
        return self.terms.reused(job.trial) and bool(self.idle.get(self._kind(job, share)))

    def give_back(self, actor: Any, job: Job, share: Share) -> None:
        """Take the worker of an ended job back, for another one or to end it."""
        if self.terms.reused(job.trial):
            self.idle.setdefault(self._kind(job, share), []).append(actor)
        else:
            release([actor])

    def release_idle(self) -> None:
        for actors in self.idle.values():
            release(actors)

    def _kind(self, job: Job, share: Share) -> tuple[Share, str]:
        # Floors train nothing, so that those of several models share a process.
        return share, "" if job.trial.floor else job.trial.model.digest


class _Watch:
    """Reads what running trials tell, a few files at a time, so that thousands cost no more."""

    def __init__(self, finish: Finisher) -> None:
        self.finish = finish
        self.turn: deque[Any] = deque()

    def some(self, running: Mapping[Any, _Running]) -> None:
        """Read the files of those whose turn it is."""
        if not self.turn:
            self.turn.extend(running)
        for _ in range(min(READ_AT_ONCE, len(self.turn))):
            current = running.get(self.turn.popleft())
            if current is not None:
                self.last(current)

    def last(self, current: _Running) -> None:
        """Read what one has told since it was last read."""
        for kind, progress, message in current.reader.new():
            current.told = True
            self.finish.tell(current.job.trial, kind, progress, message)


def _ready(running: Mapping[Any, _Running]) -> list[Any]:
    """Return all attempts that have ended, after waiting a moment for the first."""
    import ray

    if not running:
        return []
    references = list(running)
    ready, _ = ray.wait(references, num_returns=1, timeout=POLL)
    if ready and len(references) > 1:
        ready, _ = ray.wait(references, num_returns=len(references), timeout=0)
    return ready


def _move_up(
    ended: _Running,
    in_line: list[Any],
    running: dict[Any, _Running],
    workers: _Workers,
    archives: Any,
) -> None:
    """Give the room of an ended attempt to the first that was started ahead for it.

    Where the worker of the ended one stays, and with it holds the room, that first one runs
    in it: the worker of its own, which waits for a core, would wait until nothing is left.
    """
    in_line[:] = [reference for reference in in_line if reference in running]
    first = next((r for r in in_line if running[r].share == ended.share), None)
    if first is None:
        return
    in_line.remove(first)
    current = running[first]
    if not current.told and workers.has_idle(current.job, current.share):
        running.pop(first)
        release([current.actor])
        current.actor = workers.take(current.job, current.share)
        running[current.actor.run.remote(current.job, archives)] = current


def _is_elsewhere(job: Job, finish: Finisher, put_off: deque, failures: int, share: Share) -> bool:
    """Settle or put off a trial that another driver has run or runs; say whether it is so."""
    if finish.ended_elsewhere(job.trial):
        return True
    holder = holder_of(_folder(job))
    if holder is None:
        return False
    finish.tell(job.trial, "waiting", None, f"{holder} runs it")
    put_off.append((job, failures, share))
    return True


def _take_up(put_off: deque[tuple[Job, int, Share]], packing: Packing) -> None:
    """Let what was put off wait in line again."""
    while put_off:
        job, failures, share = put_off.popleft()
        packing.add((job, failures), share)


def _folder(job: Job) -> Path:
    return Workspace(Path(job.home)).trial_folder(job.trial.key)


def _end(
    reference: Any,
    current: _Running,
    finish: Finisher,
    max_failures: int,
    workers: _Workers,
    packing: Packing,
    put_off: deque,
) -> None:
    """Settle an ended attempt, or let its trial wait for the next one."""
    import ray

    job, trial, failures = current.job, current.job.trial, current.failures + 1
    try:
        attempt = ray.get(reference)
    except _deaths() as error:
        # Where only the connection broke, the old worker must not go on beside the new one.
        release([current.actor])
        if getattr(error, "actor_init_failed", False):
            finish.failed(trial, f"its worker cannot start: {_cause(error)}")
        elif failures <= max_failures:
            message = f"its worker died; attempt {failures + 1} of {max_failures + 1} goes on"
            finish.tell(trial, "retried", None, message)
            packing.add_first((job, failures), current.share)
        else:
            finish.failed(trial, f"its worker died {failures} times: {_cause(error)}")
    except ray.exceptions.RayError as error:
        release([current.actor])
        finish.failed(trial, f"{type(error).__name__}: {error}")
    else:
        workers.give_back(current.actor, job, current.share)
        if attempt.held is not None:
            put_off.append((job, current.failures, current.share))
        else:
            finish.ended(trial, attempt)


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


def release(actors: Iterable[Any]) -> None:
    """End workers and give their cores back; one that died already needs no end."""
    import ray

    actors = actors if isinstance(actors, list) else list(actors)
    while actors:
        with contextlib.suppress(Exception):
            ray.kill(actors.pop())


def _cause(error: Exception) -> str:
    """Return what Ray says of a death: the end of a traceback, or the beginning of its words."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any(line.startswith(("Traceback", "File ")) for line in lines):
        return lines[-1][:400]
    return " ".join(lines)[:400]
