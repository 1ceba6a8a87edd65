"""The journal of a study: one line for each thing that happened, in its order.

The journal is all that a study needs to go on after a crash, and all that its report says.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JOURNAL_FILE = "journal.jsonl"
STATES = ("running", "finished", "stopped", "failed")
NO_COST = {"wall_seconds": 0.0, "cpu_seconds": 0.0, "gpu_seconds": 0.0}


@dataclass
class TuningTrial:
    """One set of hyperparameters that a study tries, over all its conditions.

    Attributes
    ----------
    hyperparameters : all of them; under PBT those that it has now
    state : of `STATES`; `stopped` is early, by the scheduler
    reports : by epoch, the validation score: the mean over the conditions of the best so far
    score : of the study's metric on the validation split; None where it is not known
    cost : `wall_seconds`, `cpu_seconds`, `gpu_seconds` of its fits, repeated attempts included
    began, noted : seconds since the epoch, when it was suggested and when it last told something
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
        """Return the epochs trained, None for a model that reports none."""
        return max(self.reports, default=None)

    @property
    def ended(self) -> bool:
        return self.state in ("finished", "stopped")


class Journal:
    """A study's trials, on disk as soon as something is known about them.

    One process writes at a time; whoever holds the study's lock.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL_FILE
        self.trials: list[TuningTrial] = []
        for line in self.path.read_bytes().splitlines() if self.path.exists() else ():
            event = _parsed(line)
            if event is not None:
                self._apply(event)

    def suggested(self, hyperparameters: Mapping[str, Any]) -> TuningTrial:
        """Begin the next trial."""
        index = len(self.trials)
        self._write({"event": "suggested", "trial": index, "hyperparameters": hyperparameters})
        return self.trials[index]

    def started(self, index: int) -> None:
        """Note that a trial runs, the first time or again."""
        self._write({"event": "started", "trial": index})

    def report(
        self, index: int, epoch: int, score: float, cost: Mapping[str, float],
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Note the validation score of an epoch, and the hyperparameters where they changed."""
        changed = self._changed(index, hyperparameters)
        if epoch in self.trials[index].reports and not changed:
            return
        event = {"event": "report", "trial": index, "epoch": epoch, "score": score, "cost": cost}
        self._write(event | changed)

    def ended(
        self, index: int, state: str, score: float | None, cost: Mapping[str, float],
        error: str = "", hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Note how a trial ended, and its hyperparameters where they changed."""
        event = {
            "event": "ended", "trial": index, "state": state, "score": score, "error": error,
            "cost": cost,
        }  # fmt: skip
        self._write(event | self._changed(index, hyperparameters))

    def _changed(self, index: int, hyperparameters: Mapping[str, Any] | None) -> dict[str, Any]:
        before = self.trials[index].hyperparameters
        changed = hyperparameters is not None and dict(hyperparameters) != before
        return {"hyperparameters": dict(hyperparameters)} if changed else {}

    def _write(self, event: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        event = {**event, "time": round(time.time(), 3)}
        line = json.dumps(event, allow_nan=False).encode() + b"\n"
        with open(self.path, "ab+") as file:
            # A line that a crash tore stays one line of its own.
            if file.tell() and not _ends_whole(file):
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._apply(json.loads(line))

    def _apply(self, event: Mapping[str, Any]) -> None:
        kind, index = event["event"], event["trial"]
        if kind == "suggested":
            trial = TuningTrial(index, dict(event["hyperparameters"]), began=event["time"])
            self.trials.append(trial)
            return
        trial = self.trials[index]
        trial.noted = event["time"]
        if "hyperparameters" in event:
            trial.hyperparameters = dict(event["hyperparameters"])
        if "cost" in event:
            trial.cost = dict(event["cost"])
        if kind == "started":
            trial.state, trial.error = "running", ""
        elif kind == "report":
            trial.reports[event["epoch"]] = event["score"]
        elif kind == "ended":
            trial.state, trial.score, trial.error = event["state"], event["score"], event["error"]


def _ends_whole(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    """Return a line's event; a line torn by a crash says nothing."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def finite(value: float | None) -> float | None:
    """Return the value, None where it is no number."""
    return None if value is None or not math.isfinite(value) else float(value)
