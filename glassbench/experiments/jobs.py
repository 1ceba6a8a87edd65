"""Trials as they run: what a worker needs, what happens meanwhile, and how each of them ended."""

from __future__ import annotations

import contextlib
import json
import math
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..contract.errors import ClusterError
from ..contract.folder_digest import folder_digest
from ..contract.trial_plan import Trial
from ..home.files import holder_of, write_json
from ..home.workspace import Workspace
from ..model import Progress
from ..trial.attempt import Attempt, Job, attempt_here, keep_folder
from ..trial.process import LOG_FILE
from ..trial.result import TrialResult, read_result
from .resources import Capacity, Needs, Terms, shares_of

FAILURE_FILE = "failure.json"
# Seconds to wait for another process that runs a trial, where the trial may be put off.
DEFER_AFTER = 3.0


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    `kind` is `cached`, `started`, `progress`, `noted`, `retried`, `finished` or `failed`.
    """

    kind: str
    trial: Trial
    progress: Progress | None = None
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: with a result, or with an error and the log that explains it.

    Where results were not to be kept in memory, one that finished has neither.
    """

    trial: Trial
    result: TrialResult | None
    error: str | None = None
    log: Path | None = None

    @property
    def finished(self) -> bool:
        return self.error is None


OnEvent = Callable[[Event], None]


class Finisher:
    """Turns what workers say and return into events and `outcomes`, by key of the trial."""

    def __init__(self, workspace: Workspace, on_event: OnEvent, terms: Terms) -> None:
        self.workspace, self.on_event, self.terms = workspace, on_event, terms
        self.outcomes: dict[str, Outcome] = {}

    def tell(self, trial: Trial, kind: str, progress: Progress | None, message: str) -> None:
        self.on_event(Event("progress" if kind == "waiting" else kind, trial, progress, message))

    def failed(self, trial: Trial, error: str) -> None:
        folder = self.workspace.trial_folder(trial.key)
        log = folder / LOG_FILE
        # For other processes; a full disk forgoes the note.
        with contextlib.suppress(OSError):
            write_json(folder / FAILURE_FILE, {"error": error, "time": time.time()})
        self.outcomes[trial.key] = Outcome(trial, None, error, log if log.exists() else None)
        self.on_event(Event("failed", trial, None, error))

    def ended(self, trial: Trial, attempt: Attempt) -> None:
        if attempt.error is not None:
            self.failed(trial, attempt.error)
        else:
            self.outcomes[trial.key] = Outcome(trial, attempt.result)
            self.on_event(Event("finished", trial))

    def ended_before(self, key: str, trial: Trial) -> bool:
        """Take the result that an earlier command or another driver left, if there is one."""
        outcome = stored_outcome(self.workspace, trial)
        if outcome is None:
            return False
        self.outcomes[key] = outcome if self.terms.keep_results else replace(outcome, result=None)
        self.on_event(Event("cached" if outcome.finished else "failed", trial))
        return True


def stored_outcome(workspace: Workspace, trial: Trial) -> Outcome | None:
    """Return the result that lies in the workspace, or why it cannot be read; None without one."""
    try:
        result = read_result(workspace, trial)
    except ValueError as error:
        folder = workspace.trial_folder(trial.key)
        message = f"the stored result of {trial.name} is unreadable ({type(error).__name__})"
        return Outcome(trial, None, f"{message}: delete {folder} to run the trial again")
    return None if result is None else Outcome(trial, result)


def unique_trials(trials: Iterable[Trial]) -> dict[str, Trial]:
    """Return trials by key, models before floors: floors fill the cores left over."""
    by_key: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda trial: trial.floor):
        by_key.setdefault(trial.key, trial)
    return by_key


def shares_by_key(
    trials: Mapping[str, Trial],
    capacity: Capacity,
    terms: Terms,
    cpus_per_trial: int | None,
) -> dict[str, Needs]:
    """Return what each trial takes, by key; floors take one core and no GPU."""
    models = {key: trial for key, trial in trials.items() if not trial.floor}
    shares = dict.fromkeys(trials, Needs())
    needs = [terms.needs(trial) for trial in models.values()]
    return shares | dict(zip(models, shares_of(capacity, needs, cpus_per_trial)))


@contextlib.contextmanager
def make_jobs(
    trials: Mapping[str, Trial],
    workspace: Workspace,
    shares: Mapping[str, Needs],
    run: str,
    terms: Terms,
    elsewhere: bool = False,
) -> Iterator[list[Job]]:
    """Yield one job for each trial; models, and tasks if `elsewhere`, are copied to the workspace.

    A model may be edited while its trials run, and another machine may have neither.
    """
    for model in {trial.model.digest: trial.model for trial in trials.values()}.values():
        folder = Path(model.folder)
        present = folder_digest(folder) if folder.is_dir() else "none"
        if present != model.digest:
            raise ClusterError(
                f"model {model.name} in {folder} has the digest {present[:8]}, the run was planned "
                f"with {model.digest[:8]}: it was edited in between; run the same command again"
            )
        keep_folder(folder, present, workspace.sources)
    shared, task_digests = "", {}
    workspace.home.mkdir(parents=True, exist_ok=True)
    if elsewhere:
        for task in {trial.task_folder for trial in trials.values()}:
            task_digests[task] = folder_digest(Path(task))
            keep_folder(Path(task), task_digests[task], workspace.sources)
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
                threads=shares[key].cpus,
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


def run_here(jobs: Sequence[Job], finish: Finisher) -> None:
    """Run jobs one after another in this process; what another process runs comes last."""
    put_off = []
    for job in jobs:
        folder = finish.workspace.trial_folder(job.trial.key)
        if math.isfinite(job.patience) and holder_of(folder) is not None:
            put_off.append(job)
            continue
        (folder / FAILURE_FILE).unlink(missing_ok=True)
        attempt = attempt_here(job, partial(finish.tell, job.trial))
        if attempt.held is None:
            finish.ended(job.trial, attempt)
        else:
            put_off.append(job)
    if put_off:
        # There is nothing better to do than to wait for them.
        run_here([replace(job, patience=math.inf) for job in put_off], finish)


def failure(folder: Path) -> str | None:
    """Return why a trial failed, or None where it has not."""
    try:
        return str(json.loads((folder / FAILURE_FILE).read_text(encoding="utf-8"))["error"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
