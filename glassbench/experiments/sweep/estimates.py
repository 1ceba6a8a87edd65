"""What trials are expected to take, from what others like them took."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from ...contract.trial_plan import Trial
from ...home.workspace import Workspace
from .plan import PlannedTrial, SweepPlan, in_order

# How alike trials must be, the closest first: the first that is known counts.
LIKENESS = (
    ("task", "dataset", "model digest", "hyperparameters", "variation", "conditions"),
    ("task", "dataset", "model", "hyperparameters", "variation"),
    ("task", "dataset", "model"),
)


@dataclass(frozen=True)
class Spent:
    """What one finished trial took, and what it was."""

    features: Mapping[str, Any]
    seconds: float


class Estimates:
    """Expected seconds of a trial: the median of the finished ones that are most like it."""

    def __init__(self, spent: Iterable[Spent] = ()) -> None:
        self.known: list[dict[str, list[float]]] = [defaultdict(list) for _ in LIKENESS]
        for entry in spent:
            self.add(entry.features, entry.seconds)

    def add(self, features: Mapping[str, Any], seconds: float) -> None:
        """Learn what a trial took."""
        for level, names in enumerate(LIKENESS):
            self.known[level][_signature(features, names)].append(seconds)

    def add_trial(self, trial: Trial, seconds: float) -> None:
        """Learn what a trial took."""
        self.add(features_of(trial.to_json()), seconds)

    def seconds(self, trial: Trial) -> float | None:
        """Return what a trial is expected to take, None where none like it has finished."""
        features = features_of(trial.to_json())
        for level, names in enumerate(LIKENESS):
            found = self.known[level].get(_signature(features, names))
            if found:
                return median(found)
        return None


def with_estimates(
    plan: SweepPlan, estimates: Estimates, hints: Mapping[str, float] | None = None
) -> SweepPlan:
    """Return the plan with expected seconds, in the order that follows from them.

    Trials of one series and as many conditions are alike, so that each is asked about once.

    Parameters
    ----------
    hints : seconds by digest of the model, for those of which nothing is known
    """
    asked: dict[tuple[int, int], float | None] = {}
    planned: list[PlannedTrial] = []
    for item in plan.planned:
        kind = (item.series, len(item.trial.conditions))
        if kind not in asked:
            hint = (hints or {}).get(item.trial.model.digest)
            found = estimates.seconds(item.trial)
            asked[kind] = hint if found is None else found
        planned.append(replace(item, seconds=asked[kind]))
    return replace(plan, planned=in_order(planned))


def history(workspace: Workspace) -> Iterator[Spent]:
    """Yield what the finished trials of a workspace took; a torn file tells nothing."""
    if not workspace.trials.is_dir():
        return
    for path in workspace.trials.glob("??/*/cost.json"):
        if not (path.parent / "result.json").exists():
            continue
        try:
            cost = json.loads(path.read_text(encoding="utf-8"))
            trial = json.loads((path.parent / "trial.json").read_text(encoding="utf-8"))
            yield Spent(features_of(trial), seconds_of(cost))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def seconds_of(cost: Mapping[str, float]) -> float:
    """Return the wall seconds of a trial from what it noted of its stages."""
    return float(cost.get("fit_seconds", 0.0)) + float(cost.get("predict_seconds", 0.0))


def features_of(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a trial, as `Trial.to_json` writes it, like another."""
    return {
        "task": trial["task"],
        "dataset": trial["dataset"]["digest"],
        "model": trial["model"]["name"],
        "model digest": trial["model"]["digest"],
        "hyperparameters": trial["hyperparameters"],
        "variation": trial.get("variation", {}),
        "conditions": len(trial["conditions"]),
    }


def _signature(features: Mapping[str, Any], names: Iterable[str]) -> str:
    return json.dumps([features[name] for name in names], sort_keys=True)
