"""A study on Ray Tune: one actor for each trial, one report after each epoch."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from ray import tune
from ray.tune import schedulers
from ray.tune.search import Searcher

from ...contract.errors import ClusterError
from ...contract.hyperparameters import Dimension
from ...experiments.resources import gpu_slots
from ...experiments.tuning.running import CHECKPOINT
from ...experiments.tuning.search import Journal, next_trial
from ...experiments.tuning.study import TuningStudy, TuningTrial
from ...home.files import write_json
from ...plugins.registry import load_model_class
from ...trial.attempt import located
from ...trial.process import ALL_OUTPUT, captured, limited_threads
from ..session import Session
from ..train import SharedByTrials, open_trial

METRIC, TIME = "validation", "epoch"
# Successive halving keeps a third after a ninth and a third of the epochs, and at the end.
REDUCTION = 3
# A population is compared ten times, the first time after two epochs: the checkpoint of an
# epoch is written after its report, so that there is none to copy after the first.
COMPARISONS, FIRST_COMPARISON = 10, 2
# A trial on several workers waits for them: it must take no part of a core from them, and
# Ray wants it to take something.
WAITING = {"cpu": 0.0, "memory": 1.0}
SAVED_BY = "saved_by.json"


class TuningTrainable(tune.Trainable):
    """One trial; its name is its number, which stays when PBT copies another trial into it."""

    def setup(self, config: dict[str, Any], **shared: SharedByTrials) -> None:
        self.setting = setting = shared["setting"]
        self.index = int(self.trial_name)
        self.hyperparameters = config["trial"]["hyperparameters"]
        self._open = contextlib.ExitStack()
        log = setting.job.workspace.trial_folder(setting.study.trial_key(self.index))
        log.mkdir(parents=True, exist_ok=True)
        self._open.enter_context(captured(log, descriptors=ALL_OUTPUT))
        self._open.enter_context(limited_threads(setting.share.cpus))
        self.running = open_trial(setting, self.index, self.hyperparameters)

    def step(self) -> dict[str, Any]:
        report = self.running.step()
        validation = report.validation
        if validation is None and self.setting.study.on_primary:
            validation = report.score
        return {
            TIME: report.epoch,
            METRIC: math.nan if validation is None else validation,
            "report": report,
            "hyperparameters": self.hyperparameters,
            "done": report.ended,
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        self.running.save(Path(checkpoint_dir))
        write_json(Path(checkpoint_dir) / SAVED_BY, [self.index, self.hyperparameters])

    def load_checkpoint(self, checkpoint: Any) -> None:
        saved_by = json.loads((Path(checkpoint) / SAVED_BY).read_text(encoding="utf-8"))
        if saved_by == [self.index, self.hyperparameters]:
            # Its own: its folder holds the same, or more.
            return
        job = replace(self.setting.job, trial=self.running.trials[0])
        folder = located(job, job.workspace).model.folder
        card = self.setting.study.model.model_copy(update={"folder": Path(folder)})
        model: Any = load_model_class(card)
        self.running.adopt(Path(checkpoint), model.adopt_checkpoint)

    def cleanup(self) -> None:
        self.running.stop()
        self._open.close()


class StudySearcher(Searcher):
    """Hands out unfinished trials, then new ones; the journal remembers them, not Ray."""

    def __init__(self, study: TuningStudy, journal: Journal) -> None:
        super().__init__()
        self.study, self.journal = study, journal
        self.unfinished = [trial for trial in journal.trials if not trial.ended]

    def suggest(self, trial_id: str) -> Any:
        next_one = self.unfinished.pop(0) if self.unfinished else None
        trial = next_one or next_trial(self.study, self.journal)
        return Searcher.FINISHED if trial is None else {"trial": _config(trial)}

    def on_trial_complete(self, *_: Any, **__: Any) -> None: ...

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None: ...


class JournalCallback(tune.Callback):
    """Notes in the journal what Ray Tune hears from the trials."""

    def __init__(self, setting: SharedByTrials, journal: Journal) -> None:
        self.setting, self.journal = setting, journal

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        if self.journal.trials[_index(trial)].state != "finished":
            self.journal.started(_index(trial))

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_: Any
    ) -> None:
        self.journal.reported(_index(trial), result["report"], result["hyperparameters"])

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        study, stopped = self.setting.study, self.journal.trials[_index(trial)]
        if study.scheduler != "asha" or stopped.state != "running":
            return
        score = max(stopped.reports.values(), default=None) if study.on_primary else None
        self.journal.ended(stopped.index, "stopped", score=score)
        # Nobody needs its checkpoints any more.
        for fit in study.fits(stopped.hyperparameters):
            folder = self.setting.job.workspace.trial_folder(fit.key)
            shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        self.journal.retried(_index(trial))

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        # The error of a fit is a report of its own: here its worker died.
        last = (trial.get_error() or "").strip().splitlines()[-1:]
        reason = f": {last[0][:400]}" if last else ""
        message = f"its worker died, and so did those that followed it{reason}"
        self.journal.ended(_index(trial), "failed", error=message)


def run_on_ray(setting: SharedByTrials, session: Session, journal: Journal) -> None:
    """Run the rest of a study on the Ray that this process is connected to.

    Ray Tune begins afresh each time: its scheduler learns earlier trials from the journal,
    and unfinished trials continue from their own checkpoints.
    """
    study = setting.study
    options: dict[str, Any] = {"scheduler": new_scheduler(study, journal.trials)}
    parameters: dict[str, Any] = {}
    if study.scheduler == "pbt":
        # A population is known from its start.
        while next_trial(study, journal) is not None:
            pass
        population = [trial for trial in journal.trials if not trial.ended]
        parameters["trial"] = tune.grid_search([_config(trial) for trial in population])
    else:
        ended = sum(trial.ended for trial in journal.trials)
        most = max(study.trials, len(journal.trials))
        options |= {"search_alg": StudySearcher(study, journal), "num_samples": most - ended}
    share, capacity, workers = setting.share, session.capacity, setting.workers
    side_by_side = capacity.cpus // (share.cpus * workers)
    if share.gpus:
        side_by_side = min(side_by_side, int(capacity.gpus / (gpu_slots(share.gpus) * workers)))
    taken = WAITING if workers > 1 else {"cpu": share.cpus, "gpu": share.gpus}
    scratch = study.folder(setting.job.workspace) / "ray"
    shutil.rmtree(scratch, ignore_errors=True)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(TuningTrainable, setting=setting), taken),
        param_space=parameters,
        tune_config=tune.TuneConfig(
            max_concurrent_trials=max(1, side_by_side),
            trial_name_creator=lambda trial: str(_index(trial)),
            trial_dirname_creator=lambda trial: str(_index(trial)),
            **options,
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(scratch),
            failure_config=tune.FailureConfig(max_failures=setting.max_failures),
            callbacks=[JournalCallback(setting, journal)],
            verbose=0,
        ),
    )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consider boosting PBT")
            tuner.fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def new_scheduler(study: TuningStudy, trials: Iterable[TuningTrial]) -> schedulers.TrialScheduler:
    """Return the scheduler of a study, which knows the reports of earlier trials."""
    if study.scheduler == "none":
        return schedulers.FIFOScheduler()
    if study.scheduler == "pbt":
        changeable = changeable_dimensions(study)
        generator = np.random.default_rng([study.seed, 11])

        def explore(config: dict[str, Any]) -> dict[str, Any]:
            values = dict(config["trial"]["hyperparameters"])
            for dimension in changeable:
                values[dimension.name] = dimension.explore(values[dimension.name], generator)
            return config | {"trial": config["trial"] | {"hyperparameters": values}}

        return schedulers.PopulationBasedTraining(
            time_attr=TIME,
            metric=METRIC,
            mode="max",
            perturbation_interval=max(1, study.most_epochs // COMPARISONS),
            burn_in_period=FIRST_COMPARISON,
            custom_explore_fn=explore,
            log_config=False,
        )
    asha = schedulers.ASHAScheduler(
        time_attr=TIME,
        metric=METRIC,
        mode="max",
        max_t=max(2, study.most_epochs),
        grace_period=max(1, round(study.most_epochs / REDUCTION**2)),
        reduction_factor=REDUCTION,
        stop_last_trials=False,
    )
    controller: Any = None
    for trial in trials:
        if trial.ended:
            known: Any = SimpleNamespace(trial_id=f"before-{trial.index}")
            asha.on_trial_add(controller, known)
            for epoch, score in sorted(trial.reports.items()):
                asha.on_trial_result(controller, known, {TIME: epoch, METRIC: score})
    return asha


def changeable_dimensions(study: TuningStudy) -> Sequence[Dimension]:
    """Return the searched hyperparameters that PBT may change during training."""
    model, name = load_model_class(study.model), study.model.name
    names = tuple(getattr(model, "changeable", ()))
    dimensions = [dimension for dimension in study.space if dimension.name in names]
    if not names or not hasattr(model, "adopt_checkpoint"):
        raise ClusterError(
            f"scheduler=pbt changes hyperparameters during training, and {name} cannot continue "
            "from a checkpoint with others (it has no `changeable`): take scheduler=asha"
        )
    if not dimensions:
        raise ClusterError(
            f"scheduler=pbt can change {', '.join(names)} of {name} during training, and its "
            f"search space has {', '.join(d.name for d in study.space)}: take scheduler=asha"
        )
    return dimensions


def _config(trial: TuningTrial) -> Mapping[str, Any]:
    return {"index": trial.index, "hyperparameters": dict(trial.hyperparameters)}


def _index(trial: Any) -> int:
    """Return the number of a trial, which stays when PBT copies another one into it."""
    return int(trial.custom_trial_name or trial.config["trial"]["index"])
