"""The journal of a tuning study: one JSON line for each event; a study continues from it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...home.files import append_json_line, read_json_lines

JOURNAL_FILE = "journal.jsonl"
NO_COST = {"wall_seconds": 0.0, "cpu_seconds": 0.0, "gpu_seconds": 0.0}


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
