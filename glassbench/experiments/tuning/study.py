"""A tuning study: what is tuned, on what; its trials, their ranking and what they cost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.trial_plan import DatasetReference, Trial, Variation, digest_of, plan_trials
from ...home.workspace import Workspace
from ...model import Condition

if TYPE_CHECKING:
    from ...contract.hyperparameters import Dimension
    from ...contract.model_card import ModelCard
    from ...contract.task import Task
    from ...record.record import Tuning

SCHEDULERS, SEARCHES = ("asha", "pbt", "none"), ("random", "optuna")
ON_VALIDATION = Variation(scored_split="valid")
# A model without the hyperparameter `epochs` may still report epochs.
EPOCHS_UNKNOWN = 100
NO_COST = {"wall_seconds": 0.0, "cpu_seconds": 0.0, "gpu_seconds": 0.0}
ORDER = {"finished": 0, "stopped": 1, "running": 2, "failed": 3}
SCHEDULERS_IN_WORDS = {
    "asha": "early stopping by ASHA",
    "pbt": "population-based training",
    "none": "no early stopping",
}


@dataclass
class TuningTrial:
    """One set of hyperparameters, under PBT the current ones, fitted at all conditions.

    `state` is `running`, `finished`, `stopped` (by the scheduler) or `failed`; `reports` are
    validation scores by epoch, of the best so far, and `score` the final one of the study's
    metric; `began` and `noted` are the times of its first and its latest event.
    """

    index: int
    hyperparameters: dict[str, Any]
    state: str = "running"
    reports: dict[int, float] = field(default_factory=dict)
    score: float | None = None
    error: str = ""
    cost: dict[str, float] = field(default_factory=lambda: dict(NO_COST))
    began: float = 0.0
    noted: float = 0.0

    @property
    def epochs(self) -> int | None:
        return max(self.reports, default=None)

    @property
    def ended(self) -> bool:
        return self.state in ("finished", "stopped")


@dataclass(frozen=True)
class TuningStudy:
    """The search for the hyperparameters of one model with the best validation score.

    `hyperparameters` are those of trial 0, untuned; the score is a mean over the conditions.
    """

    task: Task
    dataset: DatasetReference
    model: ModelCard
    conditions: tuple[Condition, ...]
    hyperparameters: Mapping[str, Any]
    space: tuple[Dimension, ...]
    seed: int
    search: str
    scheduler: str
    metric: str
    trials: int

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return all that decides what is tried, as plain values.

        The number of trials does not count, so that a study can be prolonged; under PBT it
        does, since the population trains together.
        """
        identity = {
            "task": self.task.name,
            "protocol_version": self.task.protocol_version,
            "dataset": self.dataset.digest,
            "model": self.model.digest,
            "conditions": [dict(condition) for condition in self.conditions],
            "hyperparameters": dict(self.hyperparameters),
            "space": [[d.name, d.words] for d in self.space],
            "seed": self.seed,
            "search": self.search,
            "scheduler": self.scheduler,
            "metric": self.metric,
        }
        if self.task.other_target:
            identity["target"] = self.task.other_target
        return identity | ({"population": self.trials} if self.scheduler == "pbt" else {})

    @cached_property
    def digest(self) -> str:
        return digest_of(self.identity)

    @property
    def higher_is_better(self) -> bool:
        return self.task.metric(self.metric).higher_is_better

    @property
    def on_primary(self) -> bool:
        """Whether trials are ranked by the metric with which epochs are validated."""
        return self.metric == self.task.primary_metric.name

    @property
    def most_epochs(self) -> int:
        for dimension in self.space:
            if dimension.name == "epochs":
                return int(max(dimension.values, default=dimension.high))
        return int(self.hyperparameters.get("epochs", EPOCHS_UNKNOWN))

    def folder(self, workspace: Workspace) -> Path:
        from ...record.record import record_stem

        stem = record_stem(self.task.name, self.dataset.name, self.model.name, self.digest)
        return workspace.home / "tuning" / stem

    def trial_key(self, index: int) -> str:
        """Return the name of the folder that holds the log of a trial."""
        return hashlib.sha256(f"{self.digest}/{index}".encode()).hexdigest()

    def searched(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        return {dimension.name: hyperparameters[dimension.name] for dimension in self.space}

    def fits(self, hyperparameters: Mapping[str, Any]) -> list[Trial]:
        """Return the fits of one set of hyperparameters, to which the test split stays closed."""
        return plan_trials(
            self.model,
            self.task,
            self.dataset,
            self.conditions,
            (),
            hyperparameters,
            (self.seed,),
            variation=ON_VALIDATION,
        )


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
