"""Running trials: each once, side by side where there is room, and on after a crash."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ..model import Progress
from ..plan import Trial, folder_digest
from ..results import TrialResult, read_result
from ..workspace import Workspace
from .events import ClusterError, Event, Outcome
from .log import LOG_FILE
from .resources import Share, share_of
from .session import Session, open_session
from .sources import pack_folder
from .worker import RUN_TRIAL, Attempt, Job, attempt_here

OnEvent = Callable[[Event], None]


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
) -> list[Outcome]:
    """Run trials to their end and return their outcomes in the order of the trials.

    A finished trial is never run again. A trial that raises has failed, and the
    others go on; a worker that dies is replaced by a new one, up to
    `max_failures` times, which goes on from the trial's checkpoint. Results are
    in the workspace as soon as they are there: whatever stops this function
    loses nothing of a finished trial.

    Parameters
    ----------
    cluster : as `open_session` takes it, or a session that is open already
    on_event : called in this thread with everything that happens
    cpus_per_trial, gpus_per_trial : what one trial takes; see `share_of`. Floors
        take one core and no GPU.
    workers : processes that train one trial together; floors have one
    run : the function that runs a trial, `module:function`, as `run_trial`

    Raises
    ------
    ClusterError
        If the cluster cannot be reached, or a plugin changed since the trials were planned.
    KeyboardInterrupt
        After the workers have been stopped.
    """
    outcomes: dict[str, Outcome] = {}
    for trial in _unique(trials):
        outcome = _finished_before(trial, workspace)
        if outcome is not None:
            outcomes[trial.key] = outcome
            on_event(Event("cached" if outcome.result else "failed", trial))
    waiting = [trial for trial in _unique(trials) if trial.key not in outcomes]
    if waiting:
        with contextlib.ExitStack() as stack:
            session = cluster
            if not isinstance(session, Session):
                session = stack.enter_context(open_session(session))
            models = sum(not trial.floor for trial in _unique(trials))
            if workers > 1 and cpus_per_trial is None:
                cpus_per_trial = max(1, session.capacity.cpus // workers)
                models = 1
            share = share_of(session.capacity, models, cpus_per_trial, gpus_per_trial)
            archives = _archives(waiting)
            jobs = stack.enter_context(_jobs(waiting, workspace, session, share, archives, run))
            finish = _Finisher(workspace, on_event, outcomes)
            together = [job for job in jobs if workers > 1 and not job.trial.floor]
            alone = [job for job in jobs if job not in together]
            if together:
                _run_together(together, workspace, session, share, workers, finish, max_failures)
            _run_alone(alone, session, share, finish, max_failures)
    return [outcomes[trial.key] for trial in trials]


def _unique(trials: Iterable[Trial]) -> list[Trial]:
    """Return trials without repeats, models before floors: floors fill the cores left over."""
    by_key: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda trial: trial.floor):
        by_key.setdefault(trial.key, trial)
    return list(by_key.values())


def _finished_before(trial: Trial, workspace: Workspace) -> Outcome | None:
    try:
        result = read_result(workspace, trial)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        folder = workspace.trial_folder(trial.key)
        return Outcome(
            trial,
            None,
            f"the stored result of {trial.name} is unreadable ({error!r}): delete {folder} "
            "to run the trial again",
        )
    return None if result is None else Outcome(trial, result)


def _archives(trials: Sequence[Trial]) -> dict[str, bytes]:
    """Return the packed folder of each model by digest, as it was when the trials were planned."""
    archives = {}
    for model in {trial.model.digest: trial.model for trial in trials}.values():
        folder = Path(model.folder)
        found = folder_digest(folder) if folder.is_dir() else "none"
        if found != model.digest:
            raise ClusterError(
                f"model {model.name} in {folder} has the digest {found[:8]}, the run was planned "
                f"with {model.digest[:8]}: it was edited in between; run the same command again"
            )
        archives[model.digest] = pack_folder(folder)
    return archives


@contextlib.contextmanager
def _jobs(
    trials: Sequence[Trial],
    workspace: Workspace,
    session: Session,
    share: Share,
    archives: dict[str, bytes],
    run: str,
) -> Iterator[list[Job]]:
    """Yield one job for each trial, with what a machine without our files needs."""
    shared, task_digests = "", {}
    workspace.home.mkdir(parents=True, exist_ok=True)
    if session.kind == "remote":
        for folder in {trial.task_folder for trial in trials}:
            task_digests[folder] = folder_digest(Path(folder))
            archives[task_digests[folder]] = pack_folder(Path(folder))
        shared = str(workspace.home / f".shared-{uuid.uuid4().hex}")
        Path(shared).touch()
    try:
        yield [
            Job(
                trial=trial,
                home=str(workspace.home),
                run=run,
                device="cpu" if trial.floor else share.device,
                threads=1 if trial.floor else share.threads,
                archives=archives,
                task_digest=task_digests.get(trial.task_folder, ""),
                shared=shared,
            )
            for trial in trials
        ]
    finally:
        if shared:
            Path(shared).unlink(missing_ok=True)


class _Finisher:
    """Turns what workers tell and return into events and outcomes."""

    def __init__(
        self, workspace: Workspace, on_event: OnEvent, outcomes: dict[str, Outcome]
    ) -> None:
        self.workspace, self.on_event, self.outcomes = workspace, on_event, outcomes

    def tell(
        self, trial: Trial, kind: str, progress: Progress | None = None, message: str = ""
    ) -> None:
        self.on_event(Event("progress" if kind == "waiting" else kind, trial, progress, message))

    def finished(self, trial: Trial, result: TrialResult) -> None:
        if result.key != trial.key:
            self.failed(trial, f"it returned the result of another trial, {result.key}")
            return
        self.outcomes[trial.key] = Outcome(trial, result)
        self.on_event(Event("finished", trial))

    def failed(self, trial: Trial, error: str) -> None:
        log = self.workspace.trial_folder(trial.key) / LOG_FILE
        self.outcomes[trial.key] = Outcome(trial, None, error, log if log.exists() else None)
        self.on_event(Event("failed", trial, None, error))

    def ended(self, trial: Trial, attempt: Attempt) -> None:
        if attempt.result is None:
            self.failed(trial, attempt.error or "it returned nothing")
        else:
            self.finished(trial, attempt.result)


def _run_alone(
    jobs: Sequence[Job], session: Session, share: Share, finish: _Finisher, max_failures: int
) -> None:
    if not jobs:
        return
    if session.kind == "none":
        for job in jobs:
            finish.ended(job.trial, attempt_here(job, _teller(finish, job.trial)))
        return
    from .actors import run_in_actors

    run_in_actors(jobs, share, finish, max_failures)


def _run_together(
    jobs: Sequence[Job],
    workspace: Workspace,
    session: Session,
    share: Share,
    workers: int,
    finish: _Finisher,
    max_failures: int,
) -> None:
    if session.kind == "none":
        raise ClusterError(f"workers={workers} needs Ray: run with cluster=local, or workers=1")
    from .train import execute_distributed

    for job in jobs:
        attempt = execute_distributed(
            job, workspace, workers, share, _teller(finish, job.trial), max_failures
        )
        finish.ended(job.trial, attempt)


def _teller(finish: _Finisher, trial: Trial) -> Callable[[str, Progress | None, str], None]:
    return lambda kind, progress, message: finish.tell(trial, kind, progress, message)
