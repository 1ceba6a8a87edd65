"""Running a study: its trials on Ray Tune or in this process, then the best configuration."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...contract.errors import ClusterError, UserError
from ...contract.folder_digest import folder_digest
from ...contract.model_card import ModelCard
from ...experiments.resources import Share, share_of
from ...experiments.tuning.configuration import write_configuration
from ...experiments.tuning.journal import Journal, TuningTrial
from ...experiments.tuning.outcome import best_trial, study_plain, tuning_statement
from ...experiments.tuning.search import check_search
from ...experiments.tuning.study import Study
from ...home.files import write_json
from ...home.lock import exclusive
from ...home.workspace import Workspace
from ...plugins.registry import load_model_card
from ...tracking import RequestDelivery, TrialDelivery, deliver, end_preparation, prepare_store
from ...trial.attempt import Job
from ...trial.packed_folder import pack_folder
from ..session import Session, open_session
from .keeper import Keeper, OnTuningEvent, TuningEvent
from .setting import Setting

BEST_FILE, REPORT_FILE, PICTURE_FILE = "best.toml", "report.json", "score_against_cost.png"
ENVIRONMENT = {
    # The journal is what a study goes on from, and its report is its log.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.1",
}


@dataclass(frozen=True)
class StudyReport:
    """What a study came to.

    Attributes
    ----------
    best_path : the configuration file, None where no trial ran to its end
    """

    study: Study
    trials: Sequence[TuningTrial]
    folder: Path
    best_path: Path | None
    picture: Path | None
    tracking: dict[str, Any]


def run_study(
    study: Study,
    workspace: Workspace,
    on_event: OnTuningEvent = lambda event: None,
    *,
    cluster: str | Session = "auto",
    threads: int | None = None,
    workers: int = 1,
    max_failures: int = 2,
    waiting: Callable[[str], None] = lambda words: None,
) -> StudyReport:
    """Try what the study has not tried yet, and report on all of it.

    A trial that ended is not run again, one that was interrupted goes on from its
    checkpoints, and one that failed is tried anew. One process at a time runs a study.

    Parameters
    ----------
    threads : cores of one worker of a trial
    workers : processes that train one fit together
    waiting : told who runs the study, where another process does

    Raises
    ------
    ClusterError
        If the cluster cannot be reached, or cannot do what is asked.
    KeyboardInterrupt
        After the trials have been stopped.
    """
    check_search(study.search)
    _check_workers(study, workers)
    folder = study.folder(workspace)
    preparation = prepare_store(workspace)
    try:
        with exclusive(folder, lambda words: waiting(words.replace("trial", "study"))):
            write_json(folder / "study.json", study.identity)
            journal = Journal(folder)
            for trial in journal.trials:
                if trial.ended:
                    on_event(TuningEvent("known", trial))
            if _left(study, journal):
                with contextlib.ExitStack() as stack:
                    session = cluster
                    if not isinstance(session, Session):
                        session = stack.enter_context(open_session(session))
                    keeper = Keeper(study, workspace, journal, on_event)
                    _run(study, workspace, keeper, session, threads, workers, max_failures)
            # Through Ray's client it is another process that keeps the journal.
            return _report(study, workspace, Journal(folder).trials)
    except BaseException:
        end_preparation(preparation)
        raise


def _left(study: Study, journal: Journal) -> bool:
    unfinished = any(not trial.ended for trial in journal.trials)
    return unfinished or len(journal.trials) < study.trials


def _check_workers(study: Study, workers: int) -> None:
    several = study.model.conditions_per_fit == "one" and len(study.conditions) > 1
    if workers > 1 and study.scheduler != "none" and several:
        raise ClusterError(
            f"workers={workers} trains the {len(study.conditions)} conditions one after another, "
            f"so that there is no epoch at which scheduler={study.scheduler} could compare "
            "trials: ask for one condition, or for scheduler=none"
        )


def _run(
    study: Study,
    workspace: Workspace,
    keeper: Keeper,
    session: Session,
    threads: int | None,
    workers: int,
    max_failures: int,
) -> None:
    """Run what is left of a study."""
    if workers > 1 and threads is None:
        threads = max(1, session.capacity.cpus // workers)
    share = share_of(session.capacity, study.trials, threads, study.model.resources["gpus"])
    job = _job(study, workspace, session, share)
    setting = Setting(study, job, share, workers, max_failures)
    if session.kind == "none":
        from .here import run_here

        run_here(setting, workspace, keeper)
        return
    with _environment(ENVIRONMENT):
        from .on_ray import run_on_ray

        run_on_ray(setting, workspace, session, keeper)


def _job(study: Study, workspace: Workspace, session: Session, share: Share) -> Job:
    """Return what the workers need for every trial of the study."""
    model = study.model
    found = folder_digest(model.folder)
    if found != model.digest:
        raise ClusterError(f"model {model.name} was edited just now: run the same command again")
    archives, task_digest = {model.digest: pack_folder(model.folder)}, ""
    if session.kind == "remote":
        task_digest = folder_digest(study.task.folder)
        archives[task_digest] = pack_folder(study.task.folder)
    return Job(
        trial=study.fits(study.hyperparameters)[0],
        home=str(workspace.home),
        device=share.device,
        threads=share.threads,
        archives=archives,
        task_digest=task_digest,
    )


def _report(study: Study, workspace: Workspace, trials: Sequence[TuningTrial]) -> StudyReport:
    """Write best configuration, report and picture; deliver them to MLflow."""
    from ...experiments.tuning.picture import draw_study

    folder = study.folder(workspace)
    plain = study_plain(study, trials)
    write_json(folder / REPORT_FILE, plain)
    best = best_trial(study, trials)
    best_path = None
    if best is not None:
        best_path = write_configuration(
            folder / BEST_FILE,
            {
                "task": study.task.name,
                "model": _model_word(study.model),
                "dataset": study.dataset.name,
                "hyperparameters": best.hyperparameters,
                "tuning": tuning_statement(study, trials),
            },
            f"Trial {best.index} of {len(trials)}, the best on validation: "
            f"{study.metric} {best.score:.4f}.\nglassbench run config={BEST_FILE} takes it.",
        )
    picture = draw_study(study, trials, folder / PICTURE_FILE)
    delivered = deliver(workspace, _delivery(study, workspace, trials, plain, picture))
    tracking = {
        "uri": delivered.uri,
        "run_id": delivered.run_id,
        "delivered": delivered.delivered,
        "message": delivered.message,
    }
    return StudyReport(study, trials, folder, best_path, picture, tracking)


def _model_word(model: ModelCard) -> str:
    """Return the word under which `glassbench run` finds the model: its name, or its folder."""
    with contextlib.suppress(UserError):
        if load_model_card(model.name).digest == model.digest:
            return model.name
    return str(model.folder)


def _delivery(
    study: Study,
    workspace: Workspace,
    trials: Sequence[TuningTrial],
    plain: Mapping[str, Any],
    picture: Path | None,
) -> RequestDelivery:
    folder = study.folder(workspace)
    told = {entry["trial"]: entry for entry in plain["trials"]}
    content = json.dumps(plain, sort_keys=True).encode()

    def one(trial: TuningTrial) -> TrialDelivery:
        more = {
            "all_hyperparameters": trial.hyperparameters,
            "task": study.task.name,
            "model": study.model.name,
            "dataset": study.dataset.name,
            "metric": study.metric,
            "seed": study.seed,
            "began": trial.began,
            "noted": trial.noted,
        }
        return TrialDelivery(
            study.trial_key(trial.index),
            f"{study.model.name} trial {trial.index}",
            told[trial.index] | more,
            trial.error or None,
        )

    return RequestDelivery(
        digest=study.digest,
        name=f"tuning {study.model.name} on {study.task.name}, {study.dataset.name}",
        experiment=f"glassbench/{study.task.name}",
        record=str((folder / REPORT_FILE).relative_to(workspace.home)),
        content=hashlib.sha256(content).hexdigest(),
        trials=tuple(map(one, trials)),
        figures=() if picture is None else (str(picture.relative_to(workspace.home)),),
        kind="study",
    )


def forget_study(study: Study, workspace: Workspace) -> None:
    """Remove what earlier runs of the study left, its fits included."""
    folder = study.folder(workspace)
    for trial in Journal(folder).trials:
        for fit in study.fits(trial.hyperparameters):
            shutil.rmtree(workspace.trial_folder(fit.key), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    for name in ("ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
