"""The results of a study: the score of every point with its interval, floors and ceilings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ...contract.finite import finite_ends
from ...contract.units import mathtext
from ...metrics import MetricSpecification, interval_of_mean
from ...model import Condition
from ...trial.result import ConditionScores, Score, TrialResult
from .layout import Curve, Panel
from .planning import PlannedStudy

if TYPE_CHECKING:
    from ...datasets.view import View

RESULTS_VERSION = 1
NOTE = (
    "Trials of a study depart from the standard use of the dataset: they stand in no record and "
    "on no board."
)
Plain = dict[str, Any]


def study_results(
    planned: PlannedStudy, results: Mapping[str, TrialResult], failures: Mapping[str, str]
) -> Plain:
    """Return the results of a study as plain values.

    A point holds the mean over its seeds with the 95 % cluster-bootstrap interval over the
    test configurations, the median, best and worst of the seeds, and each seed.

    Parameters
    ----------
    results : finished trials by key
    failures : errors of the others, by key
    """
    from ...datasets.view import open_view

    study, plan, task = planned.study, planned.plan, planned.task
    scores = _Scores(planned, results, open_view(task, Path(plan.dataset.path)))
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
        "spread": study.spread,
        "seeds": list(planned.request.run.seeds),
        "options": dict(planned.request.options),
        "panels": [scores.panel(panel) for panel in planned.panels],
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


class _Scores:
    """Finds the scores of points, floors and ceilings; each ceiling is computed once."""

    def __init__(
        self, planned: PlannedStudy, results: Mapping[str, TrialResult], view: View
    ) -> None:
        self.task, self.plan = planned.task, planned.plan
        self.results, self.view = results, view
        self._ceilings: dict[Condition, Mapping[str, Score]] = {}

    def panel(self, panel: Panel) -> Plain:
        primary = self.task.primary_metric
        places: dict[float, Condition] = {}
        for point in sorted((p for c in panel.curves for p in c.points), key=lambda p: p.x):
            places.setdefault(point.x, point.condition)
        floors = []
        for position, series in enumerate(self.plan.series):
            if series.floor:
                points = [
                    {"x": x, "value": self.statistics(primary, position, condition)["value"]}
                    for x, condition in places.items()
                ]
                name = series.model.name
                floors.append({"model": name, "metric": primary.name, "points": points})
        return {
            "title": panel.title,
            "curves": [self.curve(curve) for curve in panel.curves],
            "ceilings": {
                metric: self.ceilings(metric, places)
                for metric in dict.fromkeys(curve.metric for curve in panel.curves)
            },
            "floors": floors,
        }

    def curve(self, curve: Curve) -> Plain:
        metric = self.task.metric(curve.metric)
        plain: Plain = {"label": curve.label, "model": curve.model, "metric": curve.metric}
        plain["points"] = [
            {"x": point.x, "text": point.text, "condition": dict(point.condition)}
            | self.statistics(metric, point.series, point.condition)
            for point in sorted(curve.points, key=lambda point: point.x)
        ]
        if curve.reference is not None:
            condition = curve.points[0].condition
            plain["unperturbed"] = self.statistics(metric, curve.reference, condition)
        return plain

    def ceilings(self, metric: str, places: Mapping[float, Condition]) -> list[Plain]:
        """Return the noise ceiling of a metric at each place of the axis where it is known."""
        from ...trial.score import noise_ceilings

        ceilings = []
        for x, condition in places.items():
            if condition not in self._ceilings:
                self._ceilings[condition] = noise_ceilings(self.task, self.view, condition)
            score = self._ceilings[condition].get(metric)
            if score is not None and score.value is not None:
                ceilings.append({"x": x, "value": score.value})
        return ceilings

    def statistics(self, metric: MetricSpecification, series: int, condition: Condition) -> Plain:
        """Return the scores of a series at a condition, over its seeds and of each."""
        by_seed = self._by_seed(series, condition)
        scores = {s: c.scores[metric.name] for s, c in by_seed.items() if metric.name in c.scores}
        seeds = [
            {"seed": s, "value": score.value, "by_configuration": list(score.by_configuration)}
            for s, score in sorted(scores.items())
        ]
        values = [s.value for _, s in sorted(scores.items()) if s.value is not None]
        if not values or len(values) < len(scores):
            empty = dict.fromkeys(("value", "interval", "median", "best", "worst"))
            return {**empty, "seeds": seeds}
        best, worst = (max, min) if metric.higher_is_better else (min, max)
        return {
            "value": sum(values) / len(values),
            "interval": _interval(metric, by_seed, list(scores.values())),
            "median": median(values),
            "best": best(values),
            "worst": worst(values),
            "seeds": seeds,
        }

    def _by_seed(self, series: int, condition: Condition) -> dict[int, ConditionScores]:
        by_seed = {}
        for trial in self.plan.trials_of(self.plan.series[series]):
            result = self.results.get(trial.key)
            for scored in result.conditions if result is not None else ():
                if dict(scored.condition) == dict(condition):
                    by_seed[trial.seed] = scored
        return by_seed


def _interval(
    metric: MetricSpecification, by_seed: Mapping[int, ConditionScores], scores: Sequence[Score]
) -> list[float] | None:
    """Return the 95 % interval of the mean over configurations of the mean over seeds."""
    if metric.average != "configuration":
        return None
    means = []
    for column in zip(*(score.by_configuration for score in scores), strict=True):
        known = [value for value in column if value is not None]
        means.append(sum(known) / len(column) if len(known) == len(column) else math.nan)
    first = next(iter(by_seed.values()))
    return finite_ends(interval_of_mean(means, first.parents))


def _axis_label(planned: PlannedStudy) -> str:
    study, task = planned.study, planned.task
    if study.label and not study.over:
        return study.label
    axis = task.axis(study.over) if study.over else task.axes[-1]
    unit = "" if axis.unit == "1" else f" ({mathtext(axis.unit)})"
    return f"{study.label or axis.name}{unit}"
