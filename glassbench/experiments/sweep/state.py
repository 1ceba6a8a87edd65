"""Where each trial of a plan stands, read from the trials' folders alone."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ...home.files import write_json
from ...home.workspace import Workspace
from .estimates import seconds_of
from .plan import PlannedTrial, SweepPlan

DONE, RUNNING, FAILED, WAITING = "done", "running", "failed", "waiting"
STATES = (DONE, RUNNING, FAILED, WAITING)
FAILURE_FILE = "failure.json"
LOOKED_AT = 9


@dataclass(frozen=True)
class Standing:
    """Where one trial stands.

    Attributes
    ----------
    state : one of `STATES`
    words : who runs it, or why it failed
    """

    planned: PlannedTrial
    state: str
    words: str = ""


def standings(
    plan: SweepPlan, workspace: Workspace, holder_of: Callable[[Path], str | None]
) -> Iterator[Standing]:
    """Yield where each trial stands, in the order of the plan.

    Parameters
    ----------
    holder_of : who holds a trial's folder, None where nobody does
    """
    for planned in plan.planned:
        folder = workspace.trial_folder(planned.key)
        if (folder / "result.json").exists():
            yield Standing(planned, DONE)
        elif (holder := holder_of(folder)) is not None:
            yield Standing(planned, RUNNING, holder)
        elif (error := failure(folder)) is not None:
            yield Standing(planned, FAILED, error)
        else:
            yield Standing(planned, WAITING)


def seconds_taken(found: Sequence[Standing], workspace: Workspace) -> dict[int, float]:
    """Return what trials took by series: the median over a few that are done."""
    taken: dict[int, list[float]] = {}
    for standing in found:
        of_series = taken.setdefault(standing.planned.series, [])
        if standing.state != DONE or len(of_series) >= LOOKED_AT:
            continue
        path = workspace.trial_folder(standing.planned.key) / "cost.json"
        with contextlib.suppress(OSError, ValueError):
            of_series.append(seconds_of(json.loads(path.read_text(encoding="utf-8"))))
    return {series: median(seconds) for series, seconds in taken.items() if seconds}


def counts(found: Iterator[Standing] | list[Standing]) -> dict[str, int]:
    """Return how many trials are in each state."""
    counted = Counter(standing.state for standing in found)
    return {state: counted[state] for state in STATES}


def note_failure(folder: Path, error: str) -> None:
    """Note why a trial failed, for those who look from elsewhere; a full disk forgoes the note."""
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
