"""What trials report, into the journal of their study and to whoever watches."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...experiments.tuning.journal import Journal, TuningTrial, finite
from ...experiments.tuning.study import Study
from ...home.workspace import Workspace
from .trial import CHECKPOINT


@dataclass(frozen=True)
class TuningEvent:
    """Something that happened to a trial: `known`, `started`, `report`, `retried`, or its state."""

    kind: str
    trial: TuningTrial
    message: str = ""


OnTuningEvent = Callable[[TuningEvent], None]


class Keeper:
    """Notes on disk what a trial tells before anybody hears of it."""

    def __init__(
        self, study: Study, workspace: Workspace, journal: Journal, on_event: OnTuningEvent
    ) -> None:
        self.study, self.workspace = study, workspace
        self.journal, self.on_event = journal, on_event

    def started(self, index: int) -> None:
        self.journal.started(index)
        self._tell("started", index)

    def reported(self, index: int, report: Mapping[str, Any]) -> None:
        """Note a report as `plain_report` makes it."""
        if report["error"]:
            self.failed(index, report["error"], report["cost"])
        elif report["ended"]:
            score = finite(report["score"])
            self.journal.ended(
                index, "finished", score, report["cost"], hyperparameters=report["hyperparameters"]
            )
            self._tell("finished", index)
        else:
            told = {name: report[name] for name in ("epoch", "cost", "hyperparameters")}
            self.journal.report(index, score=report["validation"], **told)
            self._tell("report", index)

    def stopped(self, index: int) -> None:
        """Note that the scheduler stopped a trial, whose checkpoints nobody needs any more."""
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
        self._tell("retried", index, "its worker died; another one goes on")

    def _tell(self, kind: str, index: int, message: str = "") -> None:
        self.on_event(TuningEvent(kind, self.journal.trials[index], message))
