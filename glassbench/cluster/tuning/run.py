"""Running a study: its trials, then the best configuration, the report and MLflow."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from ...contract.errors import ClusterError, UserError
from ...contract.model_card import ModelCard
from ...experiments.jobs import make_jobs
from ...experiments.resources import Needs, Terms, shares_of
from ...experiments.tuning.configuration import write_configuration
from ...experiments.tuning.search import (
    Journal,
    OnTuningEvent,
    TuningEvent,
    check_search,
    next_trial,
)
from ...experiments.tuning.study import (
    TuningStudy,
    TuningTrial,
    best_trial,
    draw_tuning,
    study_plain,
)
from ...home.files import exclusive, write_json
from ...home.workspace import Workspace
from ...plugins.registry import load_model_card
from ...tracking.delivery import (
    Delivered,
    RequestDelivery,
    deliver,
)
from ...trial.attempt import RUN_TRIAL
from ...trial.process import captured, limited_threads
from ..session import Session, open_session
from ..train import SETTINGS, SharedByTrials, open_trial

BEST_FILE, REPORT_FILE, PICTURE_FILE = "best.toml", "report.json", "score_against_cost.png"
RAY_SETTINGS = {
    # The journal is the log of a study.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    **SETTINGS,
}


@dataclass(frozen=True)
class StudyReport:
    """What a study came to; `best_path` is None where no trial finished with a score."""

    study: TuningStudy
    trials: Sequence[TuningTrial]
    folder: Path
    best_path: Path | None
    picture: Path | None
    tracking: Delivered


def run_study(
    study: TuningStudy,
    workspace: Workspace,
    on_event: OnTuningEvent = lambda event: None,
    *,
    cluster: str = "auto",
    threads: int | None = None,
    workers: int = 1,
    max_failures: int = 2,
    waiting: Callable[[str], None] = lambda message: None,
) -> StudyReport:
    """Run the trials that the study still lacks, and report on all of them.

    Ended trials are not run again, interrupted ones continue from their checkpoints, failed
    ones are tried anew. One process at a time runs a study; `waiting` is called with a message
    where another one does.
    """
    check_search(study.search)
    several = study.model.conditions_per_fit == "one" and len(study.conditions) > 1
    if workers > 1 and study.scheduler != "none" and several:
        raise ClusterError(
            f"workers={workers} trains the {len(study.conditions)} conditions one after another, "
            f"so that scheduler={study.scheduler} has no epoch at which to compare trials: "
            "ask for one condition, or for scheduler=none"
        )
    folder = study.folder(workspace)
    with exclusive(folder, lambda text: waiting(text.replace("trial", "study"))):
        write_json(folder / "study.json", study.identity)
        journal = Journal(folder, on_event)
        ended = [trial for trial in journal.trials if trial.ended]
        for trial in ended:
            on_event(TuningEvent("known", trial))
        if len(ended) < max(study.trials, len(journal.trials)):
            with open_session(cluster) as session:
                capacity, gpus = session.capacity, study.model.resources["gpus"]
                if workers > 1 and threads is None:
                    threads = max(1, capacity.cpus // workers)
                share, *_ = shares_of(capacity, [Needs(gpus=gpus)] * study.trials, threads)
                first = study.fits(study.hyperparameters)[0]
                about = ({first.key: first}, workspace, {first.key: share}, RUN_TRIAL, Terms())
                with make_jobs(*about, session.kind == "remote") as (job,):
                    setting = SharedByTrials(study, job, share, workers, max_failures)
                    _run(setting, session, journal)
        # Through Ray's client another process writes the journal: read it again.
        return _report(study, workspace, Journal(folder).trials)


def forget_study(study: TuningStudy, workspace: Workspace) -> None:
    folder = study.folder(workspace)
    for trial in Journal(folder).trials:
        for fit in study.fits(trial.hyperparameters):
            shutil.rmtree(workspace.trial_folder(fit.key), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _run(setting: SharedByTrials, session: Session, journal: Journal) -> None:
    """Run the rest of a study, on Ray Tune or one trial after another in this process."""
    scheduler = setting.study.scheduler
    if session.kind != "none":
        for name in ("ray.tune", "ray.train"):
            logging.getLogger(name).setLevel(logging.ERROR)
        with mock.patch.dict(os.environ, RAY_SETTINGS):
            from .on_ray import run_on_ray

            run_on_ray(setting, session, journal)
        return
    if scheduler != "none":
        raise ClusterError(
            f"scheduler={scheduler} needs Ray Tune: run with cluster=local, or scheduler=none"
        )
    if setting.workers > 1:
        raise ClusterError(f"workers={setting.workers} needs Ray: run with cluster=local")
    unfinished = [trial for trial in journal.trials if not trial.ended]
    with limited_threads(setting.share.cpus):
        for trial in unfinished:
            _run_here(setting, trial, journal)
        while (new := next_trial(setting.study, journal)) is not None:
            _run_here(setting, new, journal)


def _run_here(setting: SharedByTrials, trial: TuningTrial, journal: Journal) -> None:
    journal.started(trial.index)
    log = setting.job.workspace.trial_folder(setting.study.trial_key(trial.index))
    running, ended = open_trial(setting, trial.index, trial.hyperparameters), False
    while not ended:
        with captured(log):
            report = running.step()
        journal.reported(trial.index, report)
        ended = report.ended


def _report(study: TuningStudy, workspace: Workspace, trials: Sequence[TuningTrial]) -> StudyReport:
    folder, best_path = study.folder(workspace), None
    plain = study_plain(study, trials)
    write_json(folder / REPORT_FILE, plain)
    best = best_trial(study, trials)
    if best is not None:
        best_path = write_configuration(
            folder / BEST_FILE,
            {
                "task": study.task.name,
                "model": _model_word(study.model),
                "dataset": study.dataset.name,
                "hyperparameters": best.hyperparameters,
                "tuning": plain["tuning"],
            },
            f"Trial {best.index} of {len(trials)}, the best on validation: "
            f"{study.metric} {best.score:.4f}.\nUse it: glassbench run config={BEST_FILE}",
        )
    picture = draw_tuning(study, trials, folder / PICTURE_FILE)
    delivery = RequestDelivery(
        digest=study.digest,
        name=f"tuning {study.model.name} on {study.task.name}, {study.dataset.name}",
        experiment=f"glassbench/{study.task.name}",
        record=str((folder / REPORT_FILE).relative_to(workspace.home)),
        content=hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest(),
        trials=(),
        figures=() if picture is None else (str(picture.relative_to(workspace.home)),),
        kind="study",
    )
    tracking = deliver(workspace, delivery)
    return StudyReport(study, trials, folder, best_path, picture, tracking)


def _model_word(model: ModelCard) -> str:
    """Return how `glassbench run` finds the model: by its name, or by its folder."""
    with contextlib.suppress(UserError):
        if load_model_card(model.name).digest == model.digest:
            return model.name
    return str(model.folder)
