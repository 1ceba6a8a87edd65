"""What a record says of fits that were scored at other conditions than their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.task import Task
from ..metrics import spearman
from ..model import Condition
from ..trial.result import ConditionScores, TrialResult
from .scores import metric_entries


def transfer_entry(
    task: Task, condition: Condition, results: Sequence[TrialResult]
) -> dict[str, Any] | None:
    """Return scores of the fits at one condition at all others, or None where there are none.

    Returns
    -------
    `conditions` : by other condition its configurations, parents, scores and means;
    `means` : means of prediction and target at the fit's own condition, over seeds;
    `rank_order` : Spearman correlation over all conditions, the own one among them, of the
        mean prediction with the mean target; None for fewer than two or equal means
    """
    fits = [
        result
        for result in sorted(results, key=lambda result: result.trial["seed"])
        if [dict(scored.condition) for scored in result.conditions] == [dict(condition)]
    ]
    by_condition: dict[Condition, dict[int, ConditionScores]] = {}
    for fit in fits:
        for scored in fit.transfer:
            place = Condition.of(**scored.condition)
            by_condition.setdefault(place, {})[fit.trial["seed"]] = scored
    if not by_condition:
        return None
    own = _means([fit.conditions[0] for fit in fits])
    elsewhere = {other: _means(list(scored.values())) for other, scored in by_condition.items()}
    entries = [
        {
            "condition": dict(other),
            "configurations": list(first.configurations),
            "parents": list(first.parents),
            "scores": metric_entries(task, by_seed, first),
            "means": elsewhere[other],
        }
        for other, by_seed in by_condition.items()
        for first in [next(iter(by_seed.values()))]
    ]
    return {
        "conditions": entries,
        "means": own,
        "rank_order": _rank_order([own, *elsewhere.values()]),
    }


def _means(scored: Sequence[ConditionScores]) -> dict[str, float]:
    names = ("prediction", "target")
    return {name: sum(s.means[name] for s in scored) / len(scored) for name in names}


def _rank_order(means: Sequence[Mapping[str, float]]) -> float | None:
    """Return the rank correlation of mean predictions with mean targets."""
    value = float(spearman([m["prediction"] for m in means], [m["target"] for m in means]))
    return value if value == value else None
