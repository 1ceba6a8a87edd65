"""Where each trial of a plan stands, read from the trials' folders alone."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ...contract.trial_plan import Trial
from ...home.files import write_json
from ...home.lock import holder_of
from ...home.workspace import Workspace
from .estimates import seconds_left, seconds_of
from .plan import SweepPlan

DONE, RUNNING, FAILED, WAITING = "done", "running", "failed", "waiting"
STATES = (DONE, RUNNING, FAILED, WAITING)
FAILURE_FILE = "failure.json"
# So many finished trials of a series tell what the others take.
ENOUGH = 9


@dataclass(frozen=True)
class TrialState:
    """Where one trial stands.

    Attributes
    ----------
    series : position of its series in the plan
    seconds : what it is expected to take, None where nothing is known
    state : one of `STATES`
    message : who runs it, or why it failed
    """

    trial: Trial
    series: int
    seconds: float | None
    state: str
    message: str = ""


def trial_states(plan: SweepPlan, workspace: Workspace) -> list[TrialState]:
    """Return where each trial stands, whoever runs it, in the order of the plan."""
    states = []
    for planned in plan.planned:
        folder = workspace.trial_folder(planned.key)
        state, message = WAITING, ""
        if (folder / "result.json").exists():
            state = DONE
        elif (holder := holder_of(folder)) is not None:
            state, message = RUNNING, holder
        elif (error := failure(folder)) is not None:
            state, message = FAILED, error
        states.append(
            TrialState(plan.trial(planned), planned.series, planned.seconds, state, message)
        )
    return states


def counts(states: Iterable[TrialState]) -> dict[str, int]:
    """Return how many trials are in each state."""
    counted = Counter(each.state for each in states)
    return {state: counted[state] for state in STATES}


def time_left(states: Sequence[TrialState], workspace: Workspace) -> float | None:
    """Return the seconds until the last trial ends, with as many side by side as now.

    What trials of a series took counts more than what the plan expects of them; None where
    nothing is known.
    """
    taken: dict[int, list[float]] = {}
    for each in states:
        of_series = taken.setdefault(each.series, [])
        if each.state == DONE and len(of_series) < ENOUGH:
            seconds = seconds_of(workspace.trial_folder(each.trial.key))
            of_series += [] if seconds is None else [seconds]
    usual = {series: median(seconds) for series, seconds in taken.items() if seconds}
    expected = {state: [usual.get(s.series, s.seconds) for s in states if s.state == state]
                for state in (RUNNING, WAITING)}  # fmt: skip
    if not expected[RUNNING] and not expected[WAITING]:
        return 0.0 if any(each.state == DONE for each in states) else None
    return seconds_left(expected[RUNNING], expected[WAITING], max(1, len(expected[RUNNING])))


def note_failure(folder: Path, error: str) -> None:
    """Note why a trial failed, for other processes; a full disk forgoes the note."""
    with contextlib.suppress(OSError):
        write_json(folder / FAILURE_FILE, {"error": error, "time": time.time()})


def forget_failure(folder: Path) -> None:
    """Forget an earlier failure: the trial is run again."""
    (folder / FAILURE_FILE).unlink(missing_ok=True)


def failure(folder: Path) -> str | None:
    """Return why a trial failed, or None where it has not."""
    try:
        return str(json.loads((folder / FAILURE_FILE).read_text(encoding="utf-8"))["error"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
