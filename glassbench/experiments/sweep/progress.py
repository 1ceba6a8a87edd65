"""How far a plan is, and when it ends, read from the folders of the trials alone."""

from __future__ import annotations

import contextlib
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from ...contract.trial_plan import Trial
from ...home.files import holder_of
from ...home.workspace import Workspace
from ..jobs import failure
from .plan import SweepPlan, in_order

DONE, RUNNING, FAILED, WAITING = "done", "running", "failed", "waiting"
STATES = (DONE, RUNNING, FAILED, WAITING)
# So many finished trials of a series tell what the others take.
ENOUGH = 9


@dataclass(frozen=True)
class TrialState:
    """Where one trial stands, who runs it or why it failed, and the seconds expected of it."""

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
        trial = plan.trial(planned)
        states.append(TrialState(trial, planned.series, planned.seconds, state, message))
    return states


def counts(states: Iterable[TrialState]) -> dict[str, int]:
    """Return how many trials are in each state."""
    counted = Counter(each.state for each in states)
    return {state: counted[state] for state in STATES}


def with_estimates(
    plan: SweepPlan, workspace: Workspace, hints: Mapping[str, float] | None = None
) -> SweepPlan:
    """Return the plan with expected seconds, in the order that follows from them.

    `hints` are seconds by digest of the model, where no trial like it has finished.
    """
    seconds, planned = history(workspace), []
    known: dict[tuple[int, int], float | None] = {}
    for item in plan.planned:
        trial = plan.trial(item)
        # The trials of one series and as many conditions are alike.
        kind = (item.series, len(trial.conditions))
        if kind not in known:
            hint = (hints or {}).get(trial.model.digest)
            known[kind] = seconds.get(likeness(trial.to_json()), hint)
        planned.append(replace(item, seconds=known[kind]))
    return in_order(plan, planned)


def history(workspace: Workspace) -> dict[str, float]:
    """Return the median seconds of the finished trials of a workspace, by their likeness."""
    taken: dict[str, list[float]] = {}
    for path in workspace.trials.glob("??/*/cost.json"):
        seconds = seconds_of(path.parent)
        if seconds is None or not (path.parent / "result.json").exists():
            continue
        # A file may be torn by a crash.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            trial = json.loads((path.parent / "trial.json").read_text(encoding="utf-8"))
            taken.setdefault(likeness(trial), []).append(seconds)
    return {like: median(seconds) for like, seconds in taken.items()}


def seconds_of(folder: Path) -> float | None:
    """Return the wall seconds of the trial of a folder, None where they are not known."""
    try:
        cost = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
        return float(cost.get("fit_seconds", 0.0)) + float(cost.get("predict_seconds", 0.0))
    except (OSError, ValueError):
        return None


def likeness(trial: Mapping[str, Any]) -> str:
    """Return what a trial, as `Trial.to_json` writes it, has in common with others like it."""
    features = [
        trial["task"],
        trial["dataset"]["digest"],
        trial["model"]["name"],
        trial["hyperparameters"],
        trial.get("variation", {}),
        len(trial["conditions"]),
    ]
    return json.dumps(features, sort_keys=True)


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
    running, waiting = (
        [usual.get(s.series, s.seconds) for s in states if s.state == state]
        for state in (RUNNING, WAITING)
    )
    if not running and not waiting:
        return 0.0 if any(each.state == DONE for each in states) else None
    return seconds_left(running, waiting, max(1, len(running)))


def seconds_left(
    running: Sequence[float | None], waiting: Sequence[float | None], side_by_side: int
) -> float | None:
    """Return the seconds until the last trial ends, from those expected of each in its order."""
    known = [seconds for seconds in (*running, *waiting) if seconds is not None]
    if not known:
        return None if running or waiting else 0.0
    usual = median(known)
    ends = [usual if seconds is None else seconds for seconds in running]
    ends += [0.0] * max(0, side_by_side - len(ends))
    heapq.heapify(ends)
    for seconds in waiting:
        heapq.heapreplace(ends, ends[0] + (usual if seconds is None else seconds))
    return max(ends)
