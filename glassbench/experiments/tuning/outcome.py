"""What a study came to: the ranking, the best trial, and how much tuning that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .journal import NO_COST, TuningTrial

if TYPE_CHECKING:
    from .study import TuningStudy

ORDER = {"finished": 0, "stopped": 1, "running": 2, "failed": 3}
SCHEDULERS_IN_WORDS = {
    "asha": "early stopping by ASHA",
    "pbt": "population-based training",
    "none": "no early stopping",
}


def ranked(study: TuningStudy, trials: Sequence[TuningTrial]) -> list[TuningTrial]:
    """Return the trials, the best first; one that was stopped early stands below the finished."""
    sign = -1 if study.higher_is_better else 1

    def rank(trial: TuningTrial) -> tuple[int, bool, float, int]:
        score = 0.0 if trial.score is None else sign * trial.score
        return ORDER[trial.state], trial.score is None, score, trial.index

    return sorted(trials, key=rank)


def best_trial(study: TuningStudy, trials: Sequence[TuningTrial]) -> TuningTrial | None:
    """Return the best finished trial, None where none has a score."""
    first = next(iter(ranked(study, trials)), None)
    return first if first and first.state == "finished" and first.score is not None else None


def tuning_statement(study: TuningStudy, trials: Sequence[TuningTrial]) -> dict[str, Any]:
    """Return how much tuning stands behind the best trial, as a record states it."""
    best = best_trial(study, trials)
    states = ("finished", "stopped", "failed")
    return {
        "study": study.digest,
        "trials": len(trials),
        **{state: sum(trial.state == state for trial in trials) for state in states},
        "search": study.search,
        "scheduler": study.scheduler,
        "metric": study.metric,
        "validation_score": None if best is None else best.score,
        "seed": study.seed,
        "conditions": [dict(condition) for condition in study.conditions],
        **{name: sum(trial.cost.get(name, 0.0) for trial in trials) for name in NO_COST},
        "dataset_digest": study.dataset.digest,
        "model_digest": study.model.digest,
    }


def study_plain(study: TuningStudy, trials: Sequence[TuningTrial]) -> dict[str, Any]:
    """Return a study and its trials as plain values, the best trial first."""
    best = best_trial(study, trials)
    return {
        "task": study.task.name,
        "dataset": study.dataset.name,
        "model": study.model.name,
        "space": {dimension.name: dimension.words for dimension in study.space},
        "tuning": tuning_statement(study, trials),
        "best": None if best is None else best.index,
        "trials": [
            {
                "trial": trial.index,
                "state": trial.state,
                "score": trial.score,
                "epochs": trial.epochs,
                "hyperparameters": study.searched(trial.hyperparameters),
                "cost": trial.cost,
                "reports": {str(epoch): score for epoch, score in trial.reports.items()},
                "error": trial.error,
            }
            for trial in ranked(study, trials)
        ],
    }


def tuning_words(tuning: Mapping[str, Any]) -> str:
    """Return the field `tuning` of a record in one line."""
    states = {"finished": "finished", "stopped": "stopped early", "failed": "failed"}
    counts = [f"{tuning[state]} {words}" for state, words in states.items() if tuning[state]]
    score, gpu_seconds = tuning["validation_score"], tuning["gpu_seconds"]
    parts = [
        f"{tuning['trials']} trials ({', '.join(counts) or '–'})",
        f"{tuning['search']} search, "
        f"{SCHEDULERS_IN_WORDS.get(tuning['scheduler'], tuning['scheduler'])}",
        f"{tuning['metric']} on validation {'undefined' if score is None else f'{score:.3f}'}",
        f"{tuning['wall_seconds']:.0f} s, {tuning['cpu_seconds']:.0f} CPU s"
        + (f", {gpu_seconds:.0f} GPU s" if gpu_seconds else ""),
        f"study {tuning['study'][:12]}",
    ]
    if tuning["changed"]:
        parts.append(f"changed since: {', '.join(tuning['changed'])}")
    return "; ".join(parts)
