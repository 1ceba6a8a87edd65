"""A study on Ray Tune."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from typing import Any

from ray import tune

from ...contract.errors import ClusterError
from ...contract.search_space import Dimension
from ...experiments.resources import gpu_slots
from ...experiments.tuning.journal import TuningTrial
from ...experiments.tuning.study import Study
from ...home.workspace import Workspace
from ...plugins.registry import load_model_class
from ..session import Session
from .keeper import Keeper
from .schedule import SuccessiveHalving, new_scheduler
from .search import StudySearcher, config_of
from .setting import Setting, next_trial
from .trainable import TuningTrainable

# A trial on several workers waits for them, and works little itself.
WAITING_CPUS = 0.01


def run_on_ray(setting: Setting, workspace: Workspace, session: Session, keeper: Keeper) -> None:
    """Run what is left of a study on the Ray that this process is connected to.

    Ray Tune begins afresh each time: what earlier attempts came to is told to its
    scheduler from the journal, and unfinished trials go on from their own checkpoints.

    Raises
    ------
    ClusterError
        If the model cannot do what the scheduler asks of it.
    """
    study, journal = setting.study, keeper.journal
    changeable = changeable_dimensions(study) if study.scheduler == "pbt" else ()
    scheduler = new_scheduler(study, journal.trials, changeable)
    unfinished = [trial for trial in journal.trials if not trial.ended]
    options: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    if study.scheduler == "pbt":
        # A population is known from its start; PBT takes no searcher.
        unfinished = _population(study, keeper)
        parameters["trial"] = tune.grid_search([config_of(t)["trial"] for t in unfinished])
    else:
        options["search_alg"] = StudySearcher(study, journal, unfinished)
        new = max(0, study.trials - len(journal.trials))
        options["num_samples"] = len(unfinished) + new
    scratch = study.folder(workspace) / "ray"
    shutil.rmtree(scratch, ignore_errors=True)
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(TuningTrainable, setting=setting), _resources(setting)
        ),
        param_space=parameters,
        tune_config=tune.TuneConfig(
            scheduler=scheduler,
            max_concurrent_trials=_at_once(setting, session),
            trial_name_creator=_name,
            trial_dirname_creator=_name,
            **options,
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(scratch),
            failure_config=tune.FailureConfig(max_failures=setting.max_failures),
            callbacks=[_Telling(keeper, scheduler)],
            verbose=0,
        ),
    )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consider boosting PBT")
            tuner.fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def changeable_dimensions(study: Study) -> tuple[Dimension, ...]:
    """Return what population-based training may change of a model in training.

    Raises
    ------
    ClusterError
        If the model cannot go on from a checkpoint with other hyperparameters.
    """
    model = load_model_class(study.model)
    names = tuple(getattr(model, "changeable", ()))
    found = tuple(dimension for dimension in study.space if dimension.name in names)
    name = study.model.name
    if not names or not hasattr(model, "adopt_checkpoint"):
        raise ClusterError(
            f"scheduler=pbt changes hyperparameters of a model in training, and {name} cannot go "
            "on from a checkpoint with others (it has no `changeable`): take scheduler=asha"
        )
    if not found:
        raise ClusterError(
            f"scheduler=pbt can change {', '.join(names)} of {name} in training, and its search "
            f"space has {', '.join(d.name for d in study.space)}: take scheduler=asha"
        )
    return found


def _population(study: Study, keeper: Keeper) -> list[TuningTrial]:
    while next_trial(study, keeper.journal) is not None:
        pass
    return [trial for trial in keeper.journal.trials if not trial.ended]


def _name(trial) -> str:
    """Return the number of a trial, which stays when PBT copies another one into it."""
    return str(trial.custom_trial_name or trial.config["trial"]["index"])


def _resources(setting: Setting) -> dict[str, float]:
    if setting.workers > 1:
        return {"cpu": WAITING_CPUS}
    share = setting.share
    return {"cpu": share.cpus} | ({"gpu": share.gpus} if share.gpus else {})


def _at_once(setting: Setting, session: Session) -> int:
    """Return how many trials run side by side."""
    share, capacity = setting.share, session.capacity
    most = capacity.cpus // (share.cpus * setting.workers)
    if share.gpus:
        most = min(most, int(capacity.gpus / (gpu_slots(share.gpus) * setting.workers)))
    return max(1, most)


class _Telling(tune.Callback):
    """Hands on what Ray Tune hears from the trials."""

    def __init__(self, keeper: Keeper, scheduler: Sequence) -> None:
        self.keeper, self.scheduler = keeper, scheduler

    def on_trial_start(self, iteration, trials, trial, **info) -> None:
        index = int(_name(trial))
        if self.keeper.journal.trials[index].state != "finished":
            self.keeper.started(index)

    def on_trial_result(self, iteration, trials, trial, result, **info) -> None:
        self.keeper.reported(int(_name(trial)), result)

    def on_trial_complete(self, iteration, trials, trial, **info) -> None:
        index = int(_name(trial))
        running = self.keeper.journal.trials[index].state == "running"
        stopped = isinstance(self.scheduler, SuccessiveHalving) and (
            trial.trial_id in self.scheduler.stopped
        )
        if running and stopped:
            self.keeper.stopped(index)

    def on_trial_recover(self, iteration, trials, trial, **info) -> None:
        self.keeper.retried(int(_name(trial)))

    def on_trial_error(self, iteration, trials, trial, **info) -> None:
        # What a fit raises is a report of its own; this is what befell its worker.
        last = (trial.get_error() or "").strip().splitlines()[-1:]
        reason = f": {last[0][:400]}" if last else ""
        words = f"its worker died, and so did those that followed it{reason}"
        self.keeper.failed(int(_name(trial)), words)
