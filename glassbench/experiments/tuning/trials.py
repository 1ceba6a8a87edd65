"""The trials of a tuning study: their journal, which it continues from, their ranking and cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...home.files import append_json_line, read_json_lines

if TYPE_CHECKING:
    from ...record.record import Tuning
    from .study import TuningStudy

JOURNAL_FILE = "journal.jsonl"
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
class TrialReport:
    """A trial after an epoch or at its end; `validation` is the mean of the best scores so far."""

    epoch: int
    validation: float | None
    ended: bool = False
    score: float | None = None
    error: str = ""
    cost: Mapping[str, float] = field(default_factory=lambda: dict(NO_COST))


@dataclass(frozen=True)
class TuningEvent:
    """What happened to a trial: `known`, `started`, `report`, `retried`, or its final state."""

    kind: str
    trial: TuningTrial
    message: str = ""


OnTuningEvent = Callable[[TuningEvent], None]


class Journal:
    """The trials of a study, written by one process at a time; an event is first on disk."""

    def __init__(self, folder: Path, on_event: OnTuningEvent = lambda event: None) -> None:
        self.path, self.on_event = folder / JOURNAL_FILE, on_event
        self.trials: list[TuningTrial] = []
        self._spent: dict[int, dict[str, float]] = {}
        for event in read_json_lines(self.path):
            if isinstance(event, dict) and "event" in event:
                self._apply(event)

    def suggested(self, hyperparameters: Mapping[str, Any]) -> TuningTrial:
        return self._note("suggested", len(self.trials), hyperparameters=hyperparameters)

    def started(self, index: int) -> None:
        # What this attempt takes comes on top of what earlier ones took.
        self._spent[index] = self.trials[index].cost
        self._tell("started", self._note("started", index))

    def reported(
        self, index: int, report: TrialReport, hyperparameters: Mapping[str, Any] | None = None
    ) -> None:
        """Note a report that is not known yet; hyperparameters are given where they may change."""
        trial, spent = self.trials[index], self._spent.get(index, NO_COST)
        cost = {name: spent[name] + seconds for name, seconds in report.cost.items()}
        current = trial.hyperparameters if hyperparameters is None else hyperparameters
        if report.error:
            self.ended(index, "failed", error=report.error, cost=cost)
        elif report.ended:
            self.ended(index, "finished", score=report.score, cost=cost, hyperparameters=current)
        elif report.epoch not in trial.reports or current != trial.hyperparameters:
            facts: dict[str, Any] = {"epoch": report.epoch, "score": report.validation}
            self._note("report", index, **facts, cost=cost, hyperparameters=current)
            self._tell("report", trial)

    def ended(self, index: int, state: str, **facts: Any) -> None:
        self._note("ended", index, state=state, **facts)
        self._tell(state, self.trials[index], facts.get("error", ""))

    def retried(self, index: int) -> None:
        self._tell("retried", self.trials[index], "its worker died; another one continues")

    def _tell(self, kind: str, trial: TuningTrial, message: str = "") -> None:
        self.on_event(TuningEvent(kind, trial, message))

    def _note(self, event: str, index: int, **facts: Any) -> TuningTrial:
        line = {"event": event, "trial": index, **facts, "time": round(time.time(), 3)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        append_json_line(self.path, line)
        self._apply(line)
        return self.trials[index]

    def _apply(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "suggested":
            self.trials.append(TuningTrial(event["trial"], {}, began=event["time"]))
        trial = self.trials[event["trial"]]
        trial.noted = event["time"]
        trial.hyperparameters = dict(event.get("hyperparameters", trial.hyperparameters))
        trial.cost = dict(event.get("cost", trial.cost))
        if event["event"] == "report":
            trial.reports[event["epoch"]] = event["score"]
        else:
            trial.state = event.get("state", "running")
            trial.score, trial.error = event.get("score"), event.get("error", "")


def finite(value: Any) -> float | None:
    """Return a number as float, None for what is no finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


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
