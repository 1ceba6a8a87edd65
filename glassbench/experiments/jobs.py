"""Trials with what a worker needs to run them, and running them one after another in here."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..contract.errors import ClusterError
from ..contract.folder_digest import folder_digest
from ..contract.trial_plan import Trial
from ..home.lock import holder_of
from ..home.workspace import Workspace
from ..trial.attempt import Job, attempt_here
from ..trial.packed_folder import pack_folder
from .events import Finisher
from .resources import Capacity, Share, Terms, shares_of
from .sweep.plan import Needs
from .sweep.progress import forget_failure

# Seconds to wait for another process that runs a trial, where the trial may be put off.
DEFER_AFTER = 3.0


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
    gpus_per_trial: float | None,
) -> dict[str, Share]:
    """Return what each trial takes, by key; floors take one core and no GPU."""
    models = {key: trial for key, trial in trials.items() if not trial.floor}
    shares = dict.fromkeys(trials, Share(cpus=1))
    usual = Needs(gpus=1.0 if gpus_per_trial is None else float(gpus_per_trial))
    needs = [usual if terms.needs is None else terms.needs(trial) for trial in models.values()]
    return shares | dict(zip(models, shares_of(capacity, needs, cpus_per_trial)))


@contextlib.contextmanager
def make_jobs(
    trials: Mapping[str, Trial],
    workspace: Workspace,
    shares: Mapping[str, Share],
    run: str,
    terms: Terms,
    elsewhere: bool,
) -> Iterator[list[Job]]:
    """Yield one job for each trial, with what a machine without our files needs.

    Parameters
    ----------
    run : dotted name of the function that runs a trial
    elsewhere : whether the trials may run on other machines
    """
    archives = _packed_models(trials.values())
    shared, task_digests = "", {}
    workspace.home.mkdir(parents=True, exist_ok=True)
    if elsewhere:
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
                threads=shares[key].cpus,
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


def _packed_models(trials: Iterable[Trial]) -> dict[str, bytes]:
    """Return the packed folder of each model by digest, as it was when the trials were planned."""
    archives = {}
    for model in {trial.model.digest: trial.model for trial in trials}.values():
        folder = Path(model.folder)
        present = folder_digest(folder) if folder.is_dir() else "none"
        if present != model.digest:
            raise ClusterError(
                f"model {model.name} in {folder} has the digest {present[:8]}, the run was planned "
                f"with {model.digest[:8]}: it was edited in between; run the same command again"
            )
        archives[model.digest] = pack_folder(folder)
    return archives


def run_here(jobs: Sequence[Job], finish: Finisher) -> None:
    """Run jobs one after another in this process; what another process runs comes last."""
    waiting, put_off = deque(jobs), 0
    while waiting:
        job = waiting.popleft()
        folder = finish.workspace.trial_folder(job.trial.key)
        # Where all that are left run elsewhere, there is nothing better to do than to wait.
        waits = put_off >= len(waiting) or math.isinf(job.patience)
        if not waits and holder_of(folder) is not None:
            waiting.append(job)
            put_off += 1
            continue
        forget_failure(folder)
        job = replace(job, patience=math.inf if waits else 0.0)
        attempt = attempt_here(job, partial(finish.tell, job.trial))
        put_off = 0 if attempt.held is None else put_off + 1
        if attempt.held is None:
            finish.ended(job.trial, attempt)
        else:
            waiting.append(replace(job, patience=DEFER_AFTER))
