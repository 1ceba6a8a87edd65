"""What a study came to: its ranking, its best trial, and how much tuning that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .journal import NO_COST, TuningTrial
from .study import Study


def higher_is_better(study: Study) -> bool:
    """Return whether a larger value of the study's metric is a better one."""
    return study.task.metric(study.metric).higher_is_better


def ranked(study: Study, trials: Sequence[TuningTrial]) -> list[TuningTrial]:
    """Return the trials, the best first.

    Trials that ran to their end come before those that were stopped early, whatever
    these had scored by then; the others come last.
    """
    sign = -1 if higher_is_better(study) else 1
    order = {"finished": 0, "stopped": 1, "running": 2, "failed": 3}

    def place(trial: TuningTrial) -> tuple:
        undefined = trial.score is None
        return order[trial.state], undefined, 0 if undefined else sign * trial.score, trial.index

    return sorted(trials, key=place)


def best_trial(study: Study, trials: Sequence[TuningTrial]) -> TuningTrial | None:
    """Return the best trial that ran to its end, None where none has a score."""
    first = next(iter(ranked(study, trials)), None)
    return first if first and first.state == "finished" and first.score is not None else None


def total_cost(trials: Sequence[TuningTrial]) -> dict[str, float]:
    """Return the cost of all trials together, in seconds."""
    return {name: sum(trial.cost.get(name, 0.0) for trial in trials) for name in NO_COST}


def tuning_statement(study: Study, trials: Sequence[TuningTrial]) -> dict[str, Any]:
    """Return how much tuning stands behind the best trial, as the record's schema has it."""
    best = best_trial(study, trials)
    counts = {
        state: sum(trial.state == state for trial in trials)
        for state in ("finished", "stopped", "failed")
    }
    return {
        "study": study.digest,
        "trials": len(trials),
        **counts,
        "search": study.search,
        "scheduler": study.scheduler,
        "metric": study.metric,
        "validation_score": None if best is None else best.score,
        "seed": study.seed,
        "conditions": [dict(condition) for condition in study.conditions],
        **total_cost(trials),
        "dataset_digest": study.dataset.digest,
        "model_digest": study.model.digest,
    }


def study_plain(study: Study, trials: Sequence[TuningTrial]) -> dict[str, Any]:
    """Return a study and all its trials as plain values, the best first."""
    best = best_trial(study, trials)
    return {
        "task": study.task.name,
        "dataset": study.dataset.name,
        "model": study.model.name,
        "space": {dimension.name: dimension.words for dimension in study.space},
        "tuning": tuning_statement(study, trials),
        "best": None if best is None else best.index,
        "trials": [_trial_plain(study, trial) for trial in ranked(study, trials)],
    }


def searched(study: Study, trial: TuningTrial) -> Mapping[str, Any]:
    """Return the values of a trial that the study searches."""
    return {d.name: trial.hyperparameters[d.name] for d in study.space}


def _trial_plain(study: Study, trial: TuningTrial) -> dict[str, Any]:
    return {
        "trial": trial.index,
        "state": trial.state,
        "score": trial.score,
        "epochs": trial.epochs,
        "hyperparameters": dict(searched(study, trial)),
        "cost": trial.cost,
        "reports": {str(epoch): score for epoch, score in trial.reports.items()},
        "error": trial.error,
    }
