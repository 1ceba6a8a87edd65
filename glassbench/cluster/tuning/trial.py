"""A trial of a study on this machine or on several workers of Ray Train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...experiments.resources import Needs
from ...experiments.tuning.running import Fit, RunningTrial
from ...experiments.tuning.study import TuningStudy
from ...home.workspace import Workspace
from ...trial.attempt import Job, attempt
from ..train import execute_distributed, stop_workers


@dataclass(frozen=True)
class SharedByTrials:
    """What all trials of a study share; `share` is that of one of the workers of a fit."""

    study: TuningStudy
    job: Job
    share: Needs
    workers: int = 1
    max_failures: int = 2

    @property
    def processors(self) -> tuple[int, int]:
        """Return how many cores and GPUs other processes than this one keep busy."""
        gpus = self.workers if self.job.device.startswith("cuda") else 0
        return (self.workers * self.job.threads if self.workers > 1 else 0), gpus


def new_fit(job: Job, workers: int, share: Needs, max_failures: int) -> Fit:
    """Return the fit of a job, in this process or by several workers together."""
    if workers == 1:
        return Fit(lambda tell: attempt(job, tell))

    return Fit(
        lambda tell: execute_distributed(job, job.workspace, workers, share, tell, max_failures),
        end_workers=lambda: stop_workers(job.workspace.trial_folder(job.trial.key)),
    )


def open_trial(
    setting: SharedByTrials, index: int, hyperparameters: Mapping[str, Any]
) -> RunningTrial:
    """Return a trial of the study, ready to continue from where it is."""
    study, workspace = setting.study, Workspace(Path(setting.job.home))
    if study.scheduler == "pbt":
        # The hyperparameters of a population change under way: its fits are its own.
        workspace = Workspace(study.folder(workspace) / "population" / str(index))
    job = replace(setting.job, home=str(workspace.home))
    return RunningTrial(
        study.fits(hyperparameters),
        workspace,
        lambda trial: new_fit(
            replace(job, trial=trial), setting.workers, setting.share, setting.max_failures
        ),
        study.metric,
        setting.processors,
    )
