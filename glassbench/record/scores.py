"""Scores of a record at one condition: seeds averaged, with intervals, against floors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..contract.finite import finite_ends
from ..contract.task import Task
from ..metrics import MetricSpecification, interval_of_mean, paired_difference
from ..model import Condition
from ..trial.result import ConditionScores, Score, TrialResult
from .file import RecordError

Values = tuple[float | None, ...]


def condition_entry(
    task: Task,
    condition: Condition,
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
    ceilings: Mapping[str, Score],
) -> dict[str, Any] | None:
    """Return the record's entry of a condition, or None where no seed finished there."""
    by_seed = _at(condition, results)
    if not by_seed:
        return None
    first = next(iter(by_seed.values()))
    scores = metric_entries(task, by_seed, first)
    primary = task.primary_metric
    floor_entries = [
        entry
        for name, trials in floors.items()
        if (entry := _floor_entry(name, primary, _at(condition, trials), first)) is not None
    ]
    return {
        "condition": dict(condition),
        "configurations": list(first.configurations),
        "parents": list(first.parents),
        "scores": scores,
        "ceiling": {
            name: {"value": c.value, "by_configuration": list(c.by_configuration)}
            if (c := ceilings.get(name)) is not None
            else None
            for name in scores
        },
        "floors": floor_entries,
        "above_floor": _above_floor(primary, scores, floor_entries, first.parents),
    }


def metric_entries(
    task: Task, by_seed: Mapping[int, ConditionScores], first: ConditionScores
) -> dict[str, Any]:
    """Return the record's entry of every metric that all seeds have, by name.

    Parameters
    ----------
    first : the scores whose order of configurations holds
    """
    return {
        specification.name: _score_entry(specification, by_seed, first)
        for specification in task.metrics
        if all(specification.name in scored.scores for scored in by_seed.values())
    }


def _at(condition: Condition, results: Sequence[TrialResult]) -> dict[int, ConditionScores]:
    """Return the scores at a condition by seed, in the order of the seeds."""
    found = {}
    for result in sorted(results, key=lambda result: result.trial["seed"]):
        for scored in result.conditions:
            if dict(scored.condition) == dict(condition):
                found[result.trial["seed"]] = scored
    return found


def _score_entry(
    specification: MetricSpecification,
    by_seed: Mapping[int, ConditionScores],
    first: ConditionScores,
) -> dict[str, Any]:
    name = specification.name
    seeds, scores = [], []
    for seed, scored in by_seed.items():
        score = _aligned(scored, name, first, f"seed {seed}")
        scores.append(score)
        seeds.append(
            {"seed": seed, "value": score.value, "by_configuration": list(score.by_configuration)}
        )
    averaged = [_mean(values) for values in zip(*(score.by_configuration for score in scores))]
    return {
        "value": _mean([score.value for score in scores]),
        "interval": finite_ends(interval_of_mean(_numbers(averaged), first.parents))
        if specification.average == "configuration"
        else _mean_ends([score.interval for score in scores]),
        "seeds": seeds,
    }


def _floor_entry(
    name: str,
    primary: MetricSpecification,
    by_seed: Mapping[int, ConditionScores],
    first: ConditionScores,
) -> dict[str, Any] | None:
    if not by_seed or any(primary.name not in scored.scores for scored in by_seed.values()):
        return None
    entry = _score_entry(primary, by_seed, first)
    return {
        "model": name,
        "value": entry["value"],
        "interval": entry["interval"],
        "by_configuration": _averaged(entry),
    }


def _above_floor(
    primary: MetricSpecification,
    scores: Mapping[str, Any],
    floors: Sequence[Mapping[str, Any]],
    parents: Sequence[str],
) -> dict[str, Any] | None:
    """Return the model's paired difference to the best floor, higher being better for it."""
    defined = [floor for floor in floors if floor["value"] is not None]
    own = scores.get(primary.name)
    if own is None or own["value"] is None or not defined:
        return None
    choose = max if primary.higher_is_better else min
    best = choose(defined, key=lambda floor: floor["value"])
    difference, interval = own["value"] - best["value"], None
    if primary.average == "configuration":
        pair = _numbers(_averaged(own)), _numbers(best["by_configuration"])
        interval = finite_ends(paired_difference(*pair, parents).difference)
    return {"floor": best["model"], "difference": difference, "interval": interval}


def _aligned(scored: ConditionScores, metric: str, first: ConditionScores, whose: str) -> Score:
    """Return a score with its values in the order of the first one's configurations."""
    score = scored.scores[metric]
    if scored.configurations == first.configurations:
        return score
    values = dict(zip(scored.configurations, score.by_configuration, strict=True))
    if set(values) != set(first.configurations):
        odd = sorted(set(values) ^ set(first.configurations))
        raise RecordError(
            f"{whose} was scored on other configurations at {dict(scored.condition)}: {odd[:5]} "
            "stand on one side only; run it again on the same dataset"
        )
    ordered = tuple(values[name] for name in first.configurations)
    return replace(score, by_configuration=ordered)


def _averaged(entry: Mapping[str, Any]) -> list[float | None]:
    """Return the mean over seeds of each configuration."""
    return [_mean(values) for values in zip(*(s["by_configuration"] for s in entry["seeds"]))]


def _mean_ends(intervals: Sequence[tuple[float, float] | None]) -> list[float] | None:
    """Return the mean of the seeds' intervals, which is not narrower than that of their mean."""
    if not intervals or any(ends is None for ends in intervals):
        return None
    return [math.fsum(ends) / len(intervals) for ends in zip(*intervals, strict=True)]


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean, undefined where any value is."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(values) if len(defined) == len(values) else None
