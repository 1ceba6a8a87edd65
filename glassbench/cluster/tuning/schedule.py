"""When trials are stopped early, and how a population changes: Ray Tune's schedulers."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    PopulationBasedTraining,
    TrialScheduler,
)

from ...contract.search_space import Dimension
from ...experiments.tuning.journal import TuningTrial
from ...experiments.tuning.study import Study

METRIC, TIME = "validation", "epoch"
# Successive halving keeps a third at a ninth and at a third of the epochs, and at the end.
REDUCTION = 3
# A population is compared ten times.
PERTURBATIONS = 10
# The checkpoint of an epoch is written after its report: at the first there is none to copy.
FIRST_COPIED = 2


class SuccessiveHalving(AsyncHyperBandScheduler):
    """ASHA that knows which trials it stopped, and what trials of earlier attempts reported."""

    def __init__(self, most_epochs: int, before: Sequence[TuningTrial]) -> None:
        super().__init__(
            time_attr=TIME,
            metric=METRIC,
            mode="max",
            max_t=max(2, most_epochs),
            grace_period=max(1, round(most_epochs / REDUCTION**2)),
            reduction_factor=REDUCTION,
            stop_last_trials=False,
        )
        self.stopped: set[str] = set()
        for trial in before:
            known = SimpleNamespace(trial_id=f"before-{trial.index}")
            self.on_trial_add(None, known)
            for epoch, score in sorted(trial.reports.items()):
                super().on_trial_result(None, known, {TIME: epoch, METRIC: score})

    def on_trial_result(self, tune_controller, trial, result) -> str:
        decision = super().on_trial_result(tune_controller, trial, result)
        if decision == TrialScheduler.STOP:
            self.stopped.add(trial.trial_id)
        return decision


def new_scheduler(study: Study, trials: Sequence[TuningTrial], changeable: Sequence[Dimension]):
    """Return the scheduler of a study.

    Parameters
    ----------
    trials : of earlier attempts
    changeable : dimensions of the space that may change from one epoch to the next
    """
    if study.scheduler == "asha":
        ended = [trial for trial in trials if trial.ended]
        return SuccessiveHalving(study.most_epochs, ended)
    if study.scheduler == "none":
        return FIFOScheduler()
    generator = np.random.default_rng([study.seed, 11])

    def explore(config: dict) -> dict:
        values = dict(config["trial"]["hyperparameters"])
        for dimension in changeable:
            values[dimension.name] = dimension.explore(values[dimension.name], generator)
        return config | {"trial": config["trial"] | {"hyperparameters": values}}

    return PopulationBasedTraining(
        time_attr=TIME,
        metric=METRIC,
        mode="max",
        perturbation_interval=max(1, study.most_epochs // PERTURBATIONS),
        burn_in_period=FIRST_COPIED,
        custom_explore_fn=explore,
        log_config=False,
    )
