"""What trials are expected to take, from what trials like them took, and when a sweep ends."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from ...home.workspace import Workspace
from .plan import SweepPlan, in_order


def with_estimates(
    plan: SweepPlan, workspace: Workspace, hints: Mapping[str, float] | None = None
) -> SweepPlan:
    """Return the plan with expected seconds, in the order that follows from them.

    Parameters
    ----------
    hints : seconds by digest of the model, where no trial like it has finished
    """
    seconds = history(workspace)
    known: dict[tuple[int, int], float | None] = {}
    planned = []
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
        try:
            trial = json.loads((path.parent / "trial.json").read_text(encoding="utf-8"))
            taken.setdefault(likeness(trial), []).append(seconds)
        except (OSError, ValueError, KeyError, TypeError):
            # A torn file of a crash.
            continue
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


def seconds_left(
    running: Iterable[float | None], waiting: Sequence[float | None], side_by_side: int
) -> float | None:
    """Return when the last trial ends if each takes its expected time and starts when one ends.

    Parameters
    ----------
    running : expected seconds that are left of each trial under way
    waiting : expected seconds of those that have not started, in their order

    Returns
    -------
    seconds, None where nothing is known of any trial
    """
    running = list(running)
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
