"""Running trials: each once, side by side where there is room, and on after a crash."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..contract.errors import ClusterError
from ..contract.folder_digest import folder_digest
from ..contract.trial_plan import Trial
from ..experiments.events import Event, Finisher, OnEvent, Outcome, finished_before
from ..experiments.resources import Share, Terms, shares_of
from ..experiments.sweep.plan import Needs
from ..experiments.sweep.state import forget_failure
from ..home.lock import holder_of
from ..home.workspace import Workspace
from ..model import Progress
from ..trial.attempt import RUN_TRIAL, Job, attempt_here
from ..trial.packed_folder import pack_folder
from .session import Session, open_session

DEFER_AFTER = 3.0


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

    They start in this order, floors last. A finished trial is never run again. A trial
    that raises has failed, and the others go on; a worker that dies is replaced by a
    new one, up to `max_failures` times, which goes on from the trial's checkpoint.
    Results are in the workspace as soon as they are there: whatever stops this function
    loses nothing of a finished trial.

    Parameters
    ----------
    cluster : as `open_session` takes it, or a session that is open already
    on_event : called in this thread with everything that happens
    cpus_per_trial, gpus_per_trial : what one trial takes; see `share_of`. Floors
        take one core and no GPU.
    workers : processes that train one trial together; floors have one
    run : the function that runs a trial, `module:function`, as `run_trial`
    terms : those of a sweep; each trial then takes what it needs

    Raises
    ------
    ClusterError
        If the cluster cannot be reached, or a plugin changed since the trials were planned.
    KeyboardInterrupt
        After the workers have been stopped.
    """
    terms = terms or Terms()
    by_key = _unique(trials)
    outcomes: dict[str, Outcome] = {}
    for key, trial in by_key.items():
        outcome = finished_before(key, trial, workspace, terms)
        if outcome is not None:
            outcomes[key] = outcome
            on_event(Event("cached" if outcome.finished else "failed", trial))
    waiting = {key: trial for key, trial in by_key.items() if key not in outcomes}
    if waiting:
        with contextlib.ExitStack() as stack:
            session = cluster
            if not isinstance(session, Session):
                session = stack.enter_context(open_session(session))
            if workers > 1 and cpus_per_trial is None:
                cpus_per_trial = max(1, session.capacity.cpus // workers)
            shares = _shares(by_key, session, terms, cpus_per_trial, gpus_per_trial)
            archives = _archives(list(waiting.values()))
            jobs = stack.enter_context(
                _jobs(waiting, workspace, session, shares, archives, run, terms)
            )
            finish = Finisher(workspace, on_event, outcomes, terms)
            if workers > 1:
                together = [job for job in jobs if not job.trial.floor]
                jobs = [job for job in jobs if job.trial.floor]
                _run_together(together, workspace, session, shares, workers, finish, max_failures)
            _run_alone(jobs, session, shares, finish, max_failures, terms)
    return [outcomes[trial.key] for trial in trials]


def _unique(trials: Iterable[Trial]) -> dict[str, Trial]:
    """Return trials by key, models before floors: floors fill the cores left over."""
    by_key: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda trial: trial.floor):
        by_key.setdefault(trial.key, trial)
    return by_key


def _shares(
    by_key: Mapping[str, Trial],
    session: Session,
    terms: Terms,
    cpus_per_trial: int | None,
    gpus_per_trial: float | None,
) -> dict[str, Share]:
    """Return what each trial takes, by key."""
    models = {key: trial for key, trial in by_key.items() if not trial.floor}
    shares = dict.fromkeys(by_key, Share(cpus=1))
    usual = Needs(gpus=1.0 if gpus_per_trial is None else float(gpus_per_trial))
    needs = [usual if terms.needs is None else terms.needs(trial) for trial in models.values()]
    return shares | dict(zip(models, shares_of(session.capacity, needs, cpus_per_trial)))


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
    trials: Mapping[str, Trial],
    workspace: Workspace,
    session: Session,
    shares: Mapping[str, Share],
    archives: dict[str, bytes],
    run: str,
    terms: Terms,
) -> Iterator[list[Job]]:
    """Yield one job for each trial, with what a machine without our files needs."""
    shared, task_digests = "", {}
    workspace.home.mkdir(parents=True, exist_ok=True)
    if session.kind == "remote":
        for folder in {trial.task_folder for trial in trials.values()}:
            task_digests[folder] = folder_digest(Path(folder))
            archives[task_digests[folder]] = pack_folder(Path(folder))
        shared = str(workspace.home / f".shared-{uuid.uuid4().hex}")
        Path(shared).touch()
    try:
        yield [
            Job(
                trial=trial,
                home=str(workspace.home),
                checkpoints=workspace.checkpoints,
                run=run,
                device=shares[key].device,
                threads=shares[key].threads,
                archives=archives,
                task_digest=task_digests.get(trial.task_folder, ""),
                shared=shared,
                returns_result=terms.keep_results,
                patience=DEFER_AFTER if terms.defer else math.inf,
            )
            for key, trial in trials.items()
        ]
    finally:
        if shared:
            Path(shared).unlink(missing_ok=True)


def _run_alone(
    jobs: Sequence[Job],
    session: Session,
    shares: Mapping[str, Share],
    finish: Finisher,
    max_failures: int,
    terms: Terms,
) -> None:
    if not jobs:
        return
    if session.kind == "none":
        _run_here(deque(jobs), finish)
        return
    from .actors import run_in_actors

    run_in_actors(jobs, shares, session.capacity, finish, max_failures, terms)


def _run_here(jobs: deque[Job], finish: Finisher) -> None:
    """Run jobs one after another; what another process runs comes last, if it may."""
    put_off = 0
    while jobs:
        job = jobs.popleft()
        folder = finish.workspace.trial_folder(job.trial.key)
        # Where all that are left run elsewhere, there is nothing better to do than to wait.
        waits = put_off >= len(jobs) or math.isinf(job.patience)
        if not waits and holder_of(folder) is not None:
            jobs.append(job)
            put_off += 1
            continue
        forget_failure(folder)
        job = replace(job, patience=math.inf if waits else 0.0)
        attempt = attempt_here(job, _teller(finish, job.trial))
        put_off = 0 if attempt.held is None else put_off + 1
        if attempt.held is None:
            finish.ended(job.trial, attempt)
        else:
            jobs.append(replace(job, patience=DEFER_AFTER))


def _run_together(
    jobs: Sequence[Job],
    workspace: Workspace,
    session: Session,
    shares: Mapping[str, Share],
    workers: int,
    finish: Finisher,
    max_failures: int,
) -> None:
    if session.kind == "none":
        raise ClusterError(f"workers={workers} needs Ray: run with cluster=local, or workers=1")
    from .train import execute_distributed

    for job in jobs:
        attempt = execute_distributed(
            job,
            workspace,
            workers,
            shares[job.trial.key],
            _teller(finish, job.trial),
            max_failures,
        )
        finish.ended(job.trial, attempt)


def _teller(finish: Finisher, trial: Trial) -> Callable[[str, Progress | None, str], None]:
    return lambda kind, progress, message: finish.tell(trial, kind, progress, message)
