"""What `execute` tells while it runs, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..contract.trial_plan import Trial
from ..model import Progress
from ..trial.result import TrialResult

EVENT_KINDS = ("cached", "started", "progress", "noted", "retried", "finished", "failed")


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial; `kind` is one of `EVENT_KINDS`."""

    kind: str
    trial: Trial
    progress: Progress | None = None
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: with a result, or with an error and the log that explains it.

    Where results were not to be kept in memory, one that finished has neither.
    """

    trial: Trial
    result: TrialResult | None
    error: str | None = None
    log: Path | None = None

    @property
    def finished(self) -> bool:
        return self.error is None
