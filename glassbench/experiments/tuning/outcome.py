"""What a study came to: the ranking, the best trial, its cost, and the figure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .journal import NO_COST, TuningTrial

if TYPE_CHECKING:
    from ...record.record import Tuning
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


def tuning_statement(study: TuningStudy, trials: Sequence[TuningTrial]) -> Tuning:
    """Return how much tuning stands behind the best trial."""
    from ...record.record import Tuning

    best = best_trial(study, trials)
    states = ("finished", "stopped", "failed")
    return Tuning.model_validate(
        {
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
            "changed": [],
        }
    )


def study_plain(study: TuningStudy, trials: Sequence[TuningTrial]) -> dict[str, Any]:
    """Return a study and its trials as plain values, the best trial first."""
    best = best_trial(study, trials)
    return {
        "task": study.task.name,
        "dataset": study.dataset.name,
        "model": study.model.name,
        "space": {dimension.name: dimension.words for dimension in study.space},
        "tuning": tuning_statement(study, trials).to_json(),
        "best": None if best is None else best.index,
        "trials": [
            {
                "trial": trial.index,
                "key": study.trial_key(trial.index),
                "state": trial.state,
                "score": trial.score,
                "epochs": trial.epochs,
                "hyperparameters": study.searched(trial.hyperparameters),
                "cost": trial.cost,
                "reports": {str(epoch): score for epoch, score in trial.reports.items()},
                "error": trial.error,
                "all_hyperparameters": trial.hyperparameters,
                "began": trial.began,
                "noted": trial.noted,
            }
            for trial in ranked(study, trials)
        ],
    }


def draw_tuning(study: TuningStudy, trials: Sequence[TuningTrial], path: Path) -> Path | None:
    """Draw validation scores against cost, of each trial and of the best so far."""
    scored = [trial for trial in trials if trial.score is not None and trial.ended]
    if not scored:
        return None
    from ...figures import FLOORS, MODEL, new_figure, save_figure

    figure = new_figure(8.4, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    marks = [("finished", "finished", {"color": MODEL})]
    marks += [("stopped", "stopped early", {"color": FLOORS[0], "fillstyle": "none"})]
    for state, label, style in marks:
        if points := [(t.cost["wall_seconds"], t.score) for t in scored if t.state == state]:
            left.plot(*zip(*points, strict=True), "o", label=label, **style)
    best = best_trial(study, trials)
    if best is not None:
        left.plot(best.cost["wall_seconds"], best.score, "*", color=MODEL, markersize=14,
                  label=f"best: trial {best.index}")  # fmt: skip
    if scored[0].index == 0:
        left.axhline(scored[0].score, color="0.6", linewidth=1, linestyle="--",
                     label="without tuning")  # fmt: skip
    title = study.task.metric(study.metric).title
    left.set_xlabel("cost of the trial (s)")
    left.set_ylabel(f"{title}, validation")
    left.legend(fontsize=8, frameon=False)
    finished = [trial for trial in scored if trial.state == "finished"]
    spent = dict(zip((t.index for t in trials), accumulate(t.cost["wall_seconds"] for t in trials)))
    scores = [t.score for t in finished if t.score is not None]
    bests = accumulate(scores, lambda a, b: max(a, b) if study.higher_is_better else min(a, b))
    costs = [spent[trial.index] for trial in finished]
    right.step(costs, list(bests), where="post", color=MODEL, marker=".")
    right.set_xlabel("cost of all trials so far (s)")
    right.set_title("best so far", fontsize=10)
    figure.suptitle(
        f"{study.model.title} on {study.task.name}, dataset {study.dataset.name}: "
        f"{len(trials)} trials",
        fontsize=10,
    )
    return save_figure(figure, path)


def tuning_words(tuning: Tuning) -> str:
    """Return how much tuning stands behind a record in one line."""
    states = {"finished": "finished", "stopped": "stopped early", "failed": "failed"}
    counts = [f"{tuning[state]} {words}" for state, words in states.items() if tuning[state]]
    score, gpu_seconds = tuning.validation_score, tuning.gpu_seconds
    parts = [
        f"{tuning.trials} trials ({', '.join(counts) or '–'})",
        f"{tuning.search} search, {SCHEDULERS_IN_WORDS.get(tuning.scheduler, tuning.scheduler)}",
        f"{tuning.metric} on validation {'undefined' if score is None else f'{score:.3f}'}",
        f"{tuning.wall_seconds:.0f} s, {tuning.cpu_seconds:.0f} CPU s"
        + (f", {gpu_seconds:.0f} GPU s" if gpu_seconds else ""),
        f"study {tuning.study[:12]}",
    ]
    if tuning.changed:
        parts.append(f"changed since: {', '.join(tuning.changed)}")
    return "; ".join(parts)
