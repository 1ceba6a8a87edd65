"""The record of what one model scored on one dataset of one task, made from its trials.

Scores at each condition are means over the seeds: with intervals, ceilings, floors, transfer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ..contract.checked import finite, finite_ends
from ..contract.model_card import ModelCard
from ..contract.task import ReportedNumber, Task, reported_at
from ..contract.trial_plan import DatasetReference
from ..datasets.view import View
from ..metrics import MetricSpecification, interval_of_mean, paired_difference, spearman
from ..model import Condition
from ..trial.result import ConditionScores, Score, TrialResult
from ..trial.rotation import RotationScores
from ..trial.score import noise_ceilings, true_values
from . import parts
from .record import (
    SCHEMA_VERSION,
    Record,
    RecordError,
    canonical_digest,
    validate_record,
)


def make_record(
    *,
    task: Task,
    dataset: DatasetReference,
    model: ModelCard,
    conditions: Sequence[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
    known: Mapping[str, KnownAt],
    environments: Sequence[Mapping[str, Any]] = (),
    whole: Sequence[int] | None = None,
    trained: Mapping[str, float] | None = None,
    **stated: Any,
) -> Record:
    """Return the record of what finished, checked against the schema.

    Parameters
    ----------
    results : finished trials of the model
    known : by name of the condition
    environments : `home.machine.environment()` of the trials
    whole : of the dataset, as `Dataset.whole` has it
    trained : values of axes at which the model was trained in place of those tested
    stated : other fields of the record, such as `failed` and `tuning`
    """
    for result in results:
        variation = result.trial.get("variation", {})
        if set(variation) != ({"train_condition"} if trained else set()):
            raise RecordError(
                f"trial {result.key[:8]} departs from the standard use of the dataset "
                f"({variation}): no record takes it"
            )
    entries = []
    for condition in conditions:
        at = known.get(condition.name, KnownAt())
        entry = condition_entry(task, condition, results, floors, at)
        if entry is not None:
            entries.append(entry)
    if not entries:
        raise RecordError(f"no trial of {model.name} finished: there is nothing to record")
    plain = {
        "schema_version": SCHEMA_VERSION,
        "status": "measured",
        "task": {
            "name": task.name,
            "protocol_version": task.protocol_version,
            "primary_metric": task.primary_metric.name,
        }
        | ({"target": task.other_target} if task.other_target else {}),
        "dataset": {"name": dataset.name, "digest": dataset.digest}
        | ({"whole": list(whole)} if whole else {}),
        "model": {
            "name": model.name,
            "title": model.title,
            "authors": list(model.authors),
            "digest": model.digest,
            "reads": list(model.reads),
            "parameters": max(
                (r.parameters for r in results if r.parameters is not None), default=None
            ),
        },
        "hyperparameters": dict(hyperparameters),
        "seeds": list(seeds),
        "conditions": entries,
        "failed": [],
        "cost": _cost(results),
        "provenance": {
            "environments": list({canonical_digest(e): e for e in environments}.values()),
            "dataset_digest": dataset.digest,
            "model_digest": model.digest,
        },
        "tracking": None,
        "predictions": [
            {
                "seed": result.trial["seed"],
                "condition": dict(condition.condition),
                "path": f"trials/{result.key[:2]}/{result.key}/{result.predictions['path']}",
                "sha256": result.predictions["sha256"],
            }
            for result in results
            for condition in result.conditions
        ],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    stated |= {"trained": dict(trained) if trained else None}
    return validate_record(plain | {k: value for k, value in stated.items() if value is not None})


def _cost(results: Iterable[TrialResult]) -> dict[str, float]:
    costs = [result.cost for result in results]
    summed = ("wall_seconds", "cpu_seconds", "gpu_seconds")
    peak = max((cost["peak_memory_bytes"] for cost in costs), default=0)
    return {key: sum(cost[key] for cost in costs) for key in summed} | {"peak_memory_bytes": peak}


@dataclass(frozen=True)
class KnownAt:
    """What data and publications say of a condition; `ceilings` and `truth` by metric."""

    ceilings: Mapping[str, Score] = field(default_factory=dict)
    truth: Mapping[str, Score] = field(default_factory=dict)
    tau_alpha: float | None = None
    reported: Sequence[ReportedNumber] = ()


def known_at(task: Task, dataset: str, view: View, condition: Condition) -> KnownAt:
    """Return what the labels in a view, and publications on its dataset, say of a condition."""
    return KnownAt(
        noise_ceilings(task, view, condition),
        true_values(task, view, condition),
        view.attribute(condition, "tau_alpha"),
        reported_at(task, dataset, condition),
    )


def condition_entry(
    task: Task,
    condition: Condition,
    results: Sequence[TrialResult],
    floors: Mapping[str, Sequence[TrialResult]],
    known: KnownAt,
) -> parts.ConditionEntry | None:
    """Return the record's entry of a condition, or None where no seed finished there."""
    results = sorted(results, key=lambda result: result.trial["seed"])
    by_seed = _at(condition, results)
    if not by_seed:
        return None
    first, entry = next(iter(by_seed.values())), _scored(task, by_seed)
    scores: dict[str, parts.MetricScore] = entry["scores"]
    primary = task.primary_metric
    floor_scores = [
        parts.FloorScore(
            model=name,
            value=score.value,
            interval=score.interval,
            by_configuration=_averaged(score),
        )
        for name, trials in floors.items()
        if (of_floor := _at(condition, trials))
        and all(primary.name in scored.scores for scored in of_floor.values())
        for score in [metric_score(primary, of_floor, first)]
    ]
    probes = probes_at(condition, results)
    truth = {
        name: parts.TrueValue(value=score.value, interval=score.interval and list(score.interval))
        for name, score in known.truth.items()
        if name in scores
    }
    trained_at = next(
        result.trial.get("variation", {}).get("train_condition")
        for result in results
        if any(dict(scored.condition) == dict(condition) for scored in result.conditions)
    )
    further: dict[str, Any] = {
        "truth": truth or None,
        "trained_at": trained_at,
        "transfer": transfer_entry(task, condition, results),
        "rotation_probe": rotation_entry(probes) if probes else None,
    }
    return parts.ConditionEntry(
        condition=dict(condition),
        ceiling={
            name: parts.Ceiling(value=c.value, by_configuration=list(c.by_configuration))
            if (c := known.ceilings.get(name)) is not None
            else None
            for name in scores
        },
        floors=floor_scores,
        above_floor=_above_floor(primary, scores.get(primary.name), floor_scores, first.parents),
        tau_alpha=known.tau_alpha,
        reported=[
            parts.Published(model=n.model, value=n.value, source=n.source) for n in known.reported
        ],
        **entry,
        **{name: value for name, value in further.items() if value is not None},
    )


def probes_at(condition: Condition, results: Sequence[TrialResult]) -> list[RotationScores]:
    """Return the rotation probes of all results at a condition."""
    return [
        probe
        for result in results
        for scored, probe in zip(result.conditions, result.rotation)
        if probe and dict(scored.condition) == dict(condition)
    ]


def rotation_entry(probes: Sequence[RotationScores]) -> parts.RotationProbe:
    """Return the mean over seeds, with its interval, on the structures that have a positive."""
    first = probes[0]
    kept = [k for k, value in enumerate(first.by_configuration) if value is not None]
    values = [float(np.mean([probe.by_configuration[k] for probe in probes])) for k in kept]
    interval = None
    if values:
        interval = finite_ends(interval_of_mean(values, [first.parents[k] for k in kept]))
    return parts.RotationProbe(
        value=float(np.mean(values)) if values else None,
        interval=interval,
        configurations=[first.configurations[k] for k in kept],
        by_configuration=values,
        curves=parts.RotationCurves(**asdict(first.curves)),
    )


def transfer_entry(
    task: Task, condition: Condition, results: Sequence[TrialResult]
) -> parts.Transfer | None:
    """Return scores of the fits at one condition at all others, or None where there are none."""
    fits = [
        result
        for result in results
        if [dict(scored.condition) for scored in result.conditions] == [dict(condition)]
    ]
    by_condition: dict[Condition, dict[int, ConditionScores]] = {}
    for fit in fits:
        for scored in fit.transfer:
            other = Condition.of(**scored.condition)
            by_condition.setdefault(other, {})[fit.trial["seed"]] = scored
    if not by_condition:
        return None
    own = _means([fit.conditions[0] for fit in fits])
    elsewhere = [
        parts.TransferCondition(
            condition=dict(other),
            means=_means(list(by_seed.values())),
            **_scored(task, by_seed),
        )
        for other, by_seed in by_condition.items()
    ]
    means = [own, *(entry.means for entry in elsewhere)]
    rank_order = spearman([m.prediction for m in means], [m.target for m in means])
    return parts.Transfer(conditions=elsewhere, means=own, rank_order=finite(float(rank_order)))


def _means(scored: Sequence[ConditionScores]) -> parts.Means:
    names = ("prediction", "target")
    return parts.Means(**{n: sum(s.means[n] for s in scored) / len(scored) for n in names})


def _at(condition: Condition, results: Sequence[TrialResult]) -> dict[int, ConditionScores]:
    """Return the scores at a condition by seed."""
    return {
        result.trial["seed"]: scored
        for result in results
        for scored in result.conditions
        if dict(scored.condition) == dict(condition)
    }


def _scored(task: Task, by_seed: Mapping[int, ConditionScores]) -> dict[str, Any]:
    """Return configurations, parents and the score in every metric that all seeds have."""
    first = next(iter(by_seed.values()))
    return {
        "configurations": list(first.configurations),
        "parents": list(first.parents),
        "scores": {
            specification.name: metric_score(specification, by_seed, first)
            for specification in task.metrics
            if all(specification.name in scored.scores for scored in by_seed.values())
        },
    }


def metric_score(
    specification: MetricSpecification,
    by_seed: Mapping[int, ConditionScores],
    first: ConditionScores,
) -> parts.MetricScore:
    """Return the mean over the seeds with its interval, configurations as in `first`."""
    scores = {
        seed: _aligned(scored, specification.name, first, seed) for seed, scored in by_seed.items()
    }
    averaged = [_mean(v) for v in zip(*(score.by_configuration for score in scores.values()))]
    return parts.MetricScore(
        value=_mean([score.value for score in scores.values()]),
        interval=finite_ends(interval_of_mean(numbers(averaged), first.parents))
        if specification.average == "configuration"
        else _mean_ends([score.interval for score in scores.values()]),
        seeds=[
            parts.SeedScore(seed=seed, value=s.value, by_configuration=list(s.by_configuration))
            for seed, s in scores.items()
        ],
    )


def _above_floor(
    primary: MetricSpecification,
    own: parts.MetricScore | None,
    floors: Sequence[parts.FloorScore],
    parents: Sequence[str],
) -> parts.AboveFloor | None:
    """Return by how much the model is better than the best floor, paired."""
    values = {floor.model: floor.value for floor in floors if floor.value is not None}
    if own is None or own.value is None or not values:
        return None
    name = (max if primary.higher_is_better else min)(values, key=values.__getitem__)
    sign = 1.0 if primary.higher_is_better else -1.0
    interval = None
    if primary.average == "configuration":
        best = next(floor for floor in floors if floor.model == name)
        high, low = numbers(_averaged(own)), numbers(best.by_configuration)
        if not primary.higher_is_better:
            high, low = low, high
        interval = finite_ends(paired_difference(high, low, parents).difference)
    return parts.AboveFloor(
        floor=name, difference=sign * (own.value - values[name]), interval=interval
    )


def _aligned(scored: ConditionScores, metric: str, first: ConditionScores, seed: int) -> Score:
    """Return a score with its values in the order of the first one's configurations."""
    score = scored.scores[metric]
    if scored.configurations == first.configurations:
        return score
    values = dict(zip(scored.configurations, score.by_configuration, strict=True))
    if set(values) != set(first.configurations):
        odd = sorted(set(values) ^ set(first.configurations))
        raise RecordError(
            f"seed {seed} was scored on other configurations at {dict(scored.condition)}: "
            f"{odd[:5]} are on one side only; run it again on the same dataset"
        )
    return replace(score, by_configuration=tuple(values[name] for name in first.configurations))


def _averaged(score: parts.MetricScore) -> list[float | None]:
    """Return the mean over seeds of each configuration."""
    return [_mean(values) for values in zip(*(seed.by_configuration for seed in score.seeds))]


def _mean_ends(intervals: Sequence[tuple[float, float] | None]) -> list[float] | None:
    """Return the mean of the seeds' intervals, which is not narrower than that of their mean."""
    if not intervals or any(ends is None for ends in intervals):
        return None
    return [math.fsum(ends) / len(intervals) for ends in zip(*intervals, strict=True)]


def numbers(values: Sequence[float | None]) -> list[float]:
    """Return values with NaN for those that are undefined."""
    return [math.nan if value is None else value for value in values]


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean, undefined where any value is."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(values) if len(defined) == len(values) else None
