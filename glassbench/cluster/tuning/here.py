"""A study in this process, one trial after another, without Ray."""

from __future__ import annotations

from ...contract.errors import ClusterError
from ...home.workspace import Workspace
from ...trial.log import CapturedStreams
from ...trial.process import limited_threads
from .keeper import Keeper
from .setting import Setting, next_trial, open_trial, plain_report


def run_here(setting: Setting, workspace: Workspace, keeper: Keeper) -> None:
    """Run what is left of a study.

    Raises
    ------
    ClusterError
        If the study compares trials while they run, or trains on several workers.
    """
    study, journal = setting.study, keeper.journal
    if study.scheduler != "none":
        raise ClusterError(
            f"scheduler={study.scheduler} needs Ray Tune: run with cluster=local, "
            "or with scheduler=none"
        )
    if setting.workers > 1:
        raise ClusterError(f"workers={setting.workers} needs Ray: run with cluster=local")
    waiting = [trial for trial in journal.trials if not trial.ended]
    with limited_threads(setting.share.threads):
        while (trial := waiting.pop(0) if waiting else next_trial(study, journal)) is not None:
            keeper.started(trial.index)
            _run_one(setting, workspace, trial, keeper)


def _run_one(setting: Setting, workspace: Workspace, trial, keeper: Keeper) -> None:
    log = workspace.trial_folder(setting.study.trial_key(trial.index))
    running = open_trial(setting, trial.index, trial.hyperparameters)
    ended = False
    while not ended:
        with CapturedStreams(log):
            report = running.step()
        keeper.reported(trial.index, plain_report(setting.study, report, trial.hyperparameters))
        ended = report.ended
