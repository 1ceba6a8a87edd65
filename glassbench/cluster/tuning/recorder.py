"""What happens to the trials of a study, into its journal and then to whoever watches."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...experiments.tuning.journal import NO_COST, Journal, TuningTrial
from ...experiments.tuning.study import TuningStudy
from ...home.workspace import Workspace
from .trial import CHECKPOINT, Report


@dataclass(frozen=True)
class TuningEvent:
    """What happened to a trial: `known`, `started`, `report`, `retried`, or its final state."""

    kind: str
    trial: TuningTrial
    message: str = ""


OnTuningEvent = Callable[[TuningEvent], None]


class Recorder:
    """Writes each event to the journal before anybody hears of it."""

    def __init__(
        self, study: TuningStudy, workspace: Workspace, journal: Journal, on_event: OnTuningEvent
    ) -> None:
        self.study, self.workspace = study, workspace
        self.journal, self.on_event = journal, on_event
        self._spent: dict[int, dict[str, float]] = {}

    def state(self, index: int) -> str:
        """Return the state of a trial."""
        return self.journal.trials[index].state

    def started(self, index: int) -> None:
        # What this attempt takes comes on top of what earlier ones took.
        self._spent[index] = self.journal.trials[index].cost
        self.journal.started(index)
        self._tell("started", index)

    def reported(
        self, index: int, report: Report, hyperparameters: Mapping[str, Any] | None = None
    ) -> None:
        spent = self._spent.get(index, NO_COST)
        cost = {name: spent[name] + seconds for name, seconds in report.cost.items()}
        if report.error:
            self.failed(index, report.error, cost)
        elif report.ended:
            self.journal.ended(
                index, "finished", report.score, cost, hyperparameters=hyperparameters
            )
            self._tell("finished", index)
        elif report.validation is not None:
            self.journal.report(index, report.epoch, report.validation, cost, hyperparameters)
            self._tell("report", index)

    def stopped(self, index: int) -> None:
        """Note that the scheduler stopped a trial, and remove its checkpoints."""
        trial = self.journal.trials[index]
        score = max(trial.reports.values(), default=None) if self.study.on_primary else None
        self.journal.ended(index, "stopped", score, trial.cost)
        for fit in self.study.fits(trial.hyperparameters):
            folder = self.workspace.trial_folder(fit.key)
            shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
        self._tell("stopped", index)

    def failed(self, index: int, error: str, cost: Mapping[str, float] | None = None) -> None:
        cost = self.journal.trials[index].cost if cost is None else cost
        self.journal.ended(index, "failed", None, cost, error)
        self._tell("failed", index, error)

    def retried(self, index: int) -> None:
        self._tell("retried", index, "its worker died; another one continues")

    def _tell(self, kind: str, index: int, message: str = "") -> None:
        self.on_event(TuningEvent(kind, self.journal.trials[index], message))
