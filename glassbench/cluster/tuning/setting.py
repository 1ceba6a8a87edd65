"""What every trial of a study shares, and how one is opened; the same with Ray and without."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...contract.trial_plan import Trial
from ...experiments.resources import Share
from ...experiments.tuning.journal import Journal, TuningTrial
from ...experiments.tuning.outcome import higher_is_better
from ...experiments.tuning.search import suggest
from ...experiments.tuning.study import Study
from ...home.workspace import Workspace
from ...trial.attempt import Job
from .fit import Fit, FitAmongWorkers, FitInThread
from .trial import Report, RunningTrial


@dataclass(frozen=True)
class Setting:
    """What every trial of a study shares.

    Attributes
    ----------
    job : as the workers of this driver want it; its trial is replaced
    share : what one worker of a trial takes
    """

    study: Study
    job: Job
    share: Share
    workers: int = 1
    max_failures: int = 2

    @property
    def workspace(self) -> Workspace:
        return Workspace(Path(self.job.home))


def next_trial(study: Study, journal: Journal) -> TuningTrial | None:
    """Begin and return the next trial, None where the study has enough or nothing new is left."""
    if len(journal.trials) >= study.trials:
        return None
    point = suggest(
        study.search,
        study.space,
        study.hyperparameters,
        study.seed,
        journal.trials,
        higher_is_better(study),
    )
    if point is None:
        return None
    return journal.suggested({**study.hyperparameters, **point})


def population_home(study: Study, workspace: Workspace, index: int) -> Workspace:
    """Return where a member of a population keeps its fits, whose hyperparameters change."""
    return Workspace(study.folder(workspace) / "population" / str(index))


def open_trial(setting: Setting, index: int, hyperparameters: Mapping[str, Any]) -> RunningTrial:
    """Return a trial of the study, ready to go on from where it is."""
    study, workspace = setting.study, setting.workspace
    if study.scheduler == "pbt":
        workspace = population_home(study, workspace, index)
    job = replace(setting.job, home=str(workspace.home))

    def new_fit(trial: Trial) -> Fit:
        own = replace(job, trial=trial)
        if setting.workers > 1:
            return FitAmongWorkers(own, setting.workers, setting.share, setting.max_failures)
        return FitInThread(own)

    return RunningTrial(study.fits(hyperparameters), workspace, new_fit, study.metric)


def plain_report(
    study: Study, report: Report, hyperparameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a report as Ray Tune carries it; `validation` is what schedulers compare."""
    validation = report.validation
    if validation is None and study.on_primary:
        validation = report.score
    return {
        "epoch": report.epoch,
        "validation": math.nan if validation is None else validation,
        "score": report.score,
        "ended": report.ended,
        "error": report.error,
        "cost": dict(report.cost),
        "hyperparameters": dict(hyperparameters),
        "done": report.ended,
    }
