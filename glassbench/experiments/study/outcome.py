"""The results of a study: the score of every point with its interval, floors and ceilings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from ...contract.trial_plan import Trial
from ...contract.units import mathtext
from ...datasets.view import open_view
from ...metrics import MetricSpecification
from ...model import Condition
from ...record.make import metric_score
from ...trial.result import ConditionScores, TrialResult
from ...trial.score import noise_ceilings
from .planning import Curve, PlannedStudy

RESULTS_VERSION = 1
NOTE = (
    "Trials of a study depart from the standard use of the dataset: they stand in no record and "
    "on no board."
)
Plain = dict[str, Any]


def study_results(
    planned: PlannedStudy, results: Mapping[str, TrialResult], failures: Mapping[str, str]
) -> Plain:
    """Return the results of a study as plain values, from those of its trials by key.

    A point holds the mean over its seeds with the 95 % cluster-bootstrap interval over the
    test configurations, the median, best and worst of the seeds, and each seed.
    """
    study, plan, task = planned.study, planned.plan, planned.task
    return {
        "version": RESULTS_VERSION,
        "study": study.name,
        "title": study.title,
        "source": study.source,
        "task": {"name": plan.task, "protocol_version": plan.protocol_version},
        "dataset": {"name": plan.dataset.name, "digest": plan.dataset.digest},
        "metrics": {metric.name: metric.title for metric in task.metrics},
        "higher_is_better": {metric.name: metric.higher_is_better for metric in task.metrics},
        # Its scores lie between -1 and 1, mostly above 0.
        "correlation": task.primary_metric.function in ("pearson", "spearman"),
        "axis": {"label": _axis_label(planned), "scale": study.scale},
        # What bars show: 95 % over configurations, or median, best and worst of the seeds.
        "spread": "seeds" if study.varies == "seeds" else "interval",
        "seeds": list(planned.request.run.seeds),
        "options": dict(planned.request.options),
        "panels": _panels(planned, results),
        "trials": [
            {
                "key": p.key,
                "name": plan.trial(p).name,
                "setting": plan.series[p.series].label,
                "error": failures.get(p.key),
            }
            for p in plan.planned
        ],
        "note": NOTE,
    }


def _panels(planned: PlannedStudy, results: Mapping[str, TrialResult]) -> list[Plain]:
    task, plan = planned.task, planned.plan
    view = open_view(task, Path(plan.dataset.path))
    ceilings_at = cache(lambda condition: noise_ceilings(task, view, condition))
    scored = [_by_seed(plan.trials_of(series), results) for series in plan.series]
    floors = [position for position, series in enumerate(plan.series) if series.floor]

    def statistics(metric: str, series: int, condition: Condition) -> Plain:
        return _statistics(task.metric(metric), scored[series].get(condition, {}))

    def plain_curve(curve: Curve) -> Plain:
        points = [
            {"x": point.x, "text": point.text, "condition": dict(point.condition)}
            | statistics(curve.metric, point.series, point.condition)
            for point in sorted(curve.points, key=lambda point: point.x)
        ]
        plain = {"label": curve.label, "model": curve.model, "metric": curve.metric}
        if curve.reference is None:
            return plain | {"points": points}
        condition = curve.points[0].condition
        untouched = statistics(curve.metric, curve.reference, condition)
        return plain | {"points": points, "unperturbed": untouched}

    def plain_panel(title: str, curves: Sequence[Curve]) -> Plain:
        primary = task.primary_metric.name
        # The first condition at each place of the axis, in its order.
        condition_at: dict[float, Condition] = {}
        for point in sorted((p for c in curves for p in c.points), key=lambda p: p.x):
            condition_at.setdefault(point.x, point.condition)
        ceilings = {}
        for metric in dict.fromkeys(curve.metric for curve in curves):
            heights = {x: ceilings_at(c).get(metric) for x, c in condition_at.items()}
            known = {x: s.value for x, s in heights.items() if s and s.value is not None}
            ceilings[metric] = [{"x": x, "value": value} for x, value in known.items()]
        return {
            "title": title,
            "curves": [plain_curve(curve) for curve in curves],
            "ceilings": ceilings,
            "floors": [
                {
                    "model": plan.series[floor].model.name,
                    "metric": primary,
                    "points": [
                        {"x": x, "value": statistics(primary, floor, condition)["value"]}
                        for x, condition in condition_at.items()
                    ],
                }
                for floor in floors
            ],
        }

    return [plain_panel(title, curves) for title, curves in planned.panels.items()]


def _by_seed(
    trials: Iterable[Trial], results: Mapping[str, TrialResult]
) -> dict[Condition, dict[int, ConditionScores]]:
    scores: dict[Condition, dict[int, ConditionScores]] = {}
    for trial in trials:
        result = results.get(trial.key)
        for scored in () if result is None else result.conditions:
            scores.setdefault(Condition.of(**scored.condition), {})[trial.seed] = scored
    return scores


def _statistics(metric: MetricSpecification, by_seed: Mapping[int, ConditionScores]) -> Plain:
    """Return the scores over the seeds, and of each; no interval of a pooled metric."""
    scored = {s: scores for s, scores in sorted(by_seed.items()) if metric.name in scores.scores}
    score = metric_score(metric, scored, next(iter(scored.values()))) if scored else None
    seeds = [] if score is None else [seed.to_json() for seed in score.seeds]
    if score is None or score.value is None:
        empty = dict.fromkeys(("value", "interval", "median", "best", "worst"))
        return {**empty, "seeds": seeds}
    values = [seed["value"] for seed in seeds]
    best, worst = (max, min) if metric.higher_is_better else (min, max)
    return {
        "value": score.value,
        "interval": score.interval if metric.average == "configuration" else None,
        "median": median(values),
        "best": best(values),
        "worst": worst(values),
        "seeds": seeds,
    }


def _axis_label(planned: PlannedStudy) -> str:
    study, task = planned.study, planned.task
    if study.label and not study.over:
        return study.label
    axis = task.axis(study.over) if study.over else task.axes[-1]
    unit = "" if axis.unit == "1" else f" ({mathtext(axis.unit)})"
    return f"{study.label or axis.name}{unit}"
