"""What happens to trials while they run, and how each of them ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..contract.trial_plan import Trial
from ..home.workspace import Workspace
from ..model import Progress
from ..trial.attempt import Attempt
from ..trial.log import LOG_FILE
from ..trial.result import TrialResult, read_result, result_path
from .resources import Terms
from .sweep.progress import note_failure


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    `kind` is `cached`, `started`, `progress`, `noted`, `retried`, `finished` or `failed`.
    """

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


OnEvent = Callable[[Event], None]


class Finisher:
    """Turns what workers tell and return into events and outcomes."""

    def __init__(
        self,
        workspace: Workspace,
        on_event: OnEvent,
        outcomes: dict[str, Outcome],
        terms: Terms,
    ) -> None:
        self.workspace, self.on_event, self.outcomes = workspace, on_event, outcomes
        self.terms = terms

    def tell(self, trial: Trial, kind: str, progress: Progress | None, message: str) -> None:
        self.on_event(Event("progress" if kind == "waiting" else kind, trial, progress, message))

    def ended(self, trial: Trial, attempt: Attempt) -> None:
        result, key = attempt.result, trial.key
        missing = self.terms.keep_results or not result_path(self.workspace, key).exists()
        if attempt.error is not None:
            self.failed(trial, attempt.error)
        elif result is None and missing:
            self.failed(trial, "it returned nothing")
        elif result is not None and result.key != key:
            self.failed(trial, f"it returned the result of another trial, {result.key}")
        else:
            self.outcomes[key] = Outcome(trial, result)
            self.on_event(Event("finished", trial))

    def failed(self, trial: Trial, error: str) -> None:
        folder = self.workspace.trial_folder(trial.key)
        log = folder / LOG_FILE
        note_failure(folder, error)
        self.outcomes[trial.key] = Outcome(trial, None, error, log if log.exists() else None)
        self.on_event(Event("failed", trial, None, error))

    def ended_before(self, trial: Trial) -> bool:
        """Take the result that an earlier command or another driver left, if there is one."""
        if self.terms.keep_results:
            outcome = stored_outcome(self.workspace, trial)
        else:
            there = result_path(self.workspace, trial.key).exists()
            outcome = Outcome(trial, None) if there else None
        if outcome is None:
            return False
        self.outcomes[trial.key] = outcome
        self.on_event(Event("cached" if outcome.finished else "failed", trial))
        return True


def stored_outcome(workspace: Workspace, trial: Trial) -> Outcome | None:
    """Return the result that lies in the workspace, or why it cannot be read; None without one."""
    try:
        result = read_result(workspace, trial)
    except ValueError as error:
        folder = workspace.trial_folder(trial.key)
        return Outcome(
            trial,
            None,
            f"the stored result of {trial.name} is unreadable ({type(error).__name__}): delete "
            f"{folder} to run the trial again",
        )
    return None if result is None else Outcome(trial, result)
