"""The journal of a tuning study: one JSON line for each event, in order.

A study continues from it after a crash, and its report says nothing else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...home.files import append_json_line, read_json_lines

JOURNAL_FILE = "journal.jsonl"
NO_COST = {"wall_seconds": 0.0, "cpu_seconds": 0.0, "gpu_seconds": 0.0}


@dataclass
class TuningTrial:
    """One set of hyperparameters, fitted at all conditions of the study.

    Attributes
    ----------
    hyperparameters : all of them; under PBT the current ones
    state : `running`, `finished`, `stopped` (early, by the scheduler) or `failed`
    reports : validation score by epoch: the mean over the conditions of the best so far
    score : of the study's metric on the validation split; None where it is unknown
    cost : `wall_seconds`, `cpu_seconds`, `gpu_seconds` of all attempts
    began, noted : seconds since the Unix epoch of its first and its latest event
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
        """Return the number of epochs trained, None for a model that reports none."""
        return max(self.reports, default=None)

    @property
    def ended(self) -> bool:
        """Whether the trial is not run again."""
        return self.state in ("finished", "stopped")


class Journal:
    """The trials of a study, on disk as soon as something happens; one process writes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL_FILE
        self.trials: list[TuningTrial] = []
        for event in read_json_lines(self.path):
            if isinstance(event, dict) and "event" in event:
                self._apply(event)

    def suggested(self, hyperparameters: Mapping[str, Any]) -> TuningTrial:
        """Begin the next trial."""
        return self._note("suggested", len(self.trials), hyperparameters=hyperparameters)

    def started(self, index: int) -> None:
        """Note that a trial runs, for the first time or again."""
        self._note("started", index)

    def report(
        self, index: int, epoch: int, score: float, cost: Mapping[str, float],
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Note the validation score after an epoch; an epoch that is known already is skipped."""
        trial = self.trials[index]
        current = trial.hyperparameters if hyperparameters is None else hyperparameters
        if epoch not in trial.reports or current != trial.hyperparameters:
            self._note(
                "report", index, epoch=epoch, score=score, cost=cost, hyperparameters=current
            )

    def ended(
        self, index: int, state: str, score: float | None, cost: Mapping[str, float],
        error: str = "", hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Note how a trial ended."""
        changed = {} if hyperparameters is None else {"hyperparameters": hyperparameters}
        self._note("ended", index, state=state, score=score, cost=cost, error=error, **changed)

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
