"""The results file of a study: scores of every point, with intervals, floors and ceilings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.finite import finite_ends
from ...contract.trial_plan import Trial
from ...contract.units import mathtext
from ...home.files import write_json
from ...metrics import interval_of_mean
from ...model import Condition
from ...trial.result import ConditionScores, Score, TrialResult
from .layout import Curve
from .planning import PlannedStudy

if TYPE_CHECKING:
    from ...datasets.view import View

RESULTS_VERSION = 1
Plain = dict[str, Any]
Failures = Mapping[str, str]


def study_results(
    planned: PlannedStudy,
    results: Mapping[str, TrialResult],
    failures: Failures,
) -> Plain:
    """Return what a study found, as plain values.

    A point holds the mean over its seeds with the 95 % cluster-bootstrap interval over the
    test configurations (`interval`), the median, best and worst of the seeds, and each seed.

    Parameters
    ----------
    results : finished trials by key
    failures : what went wrong with the others, by key
    """
    from ...datasets.view import open_view

    view = open_view(planned.task, Path(planned.plan.dataset.path))
    reader = _Reader(planned, results, view)
    study, plan = planned.study, planned.plan
    return {
        "version": RESULTS_VERSION,
        "study": study.name,
        "title": study.title,
        "source": study.source,
        "task": {"name": plan.task, "protocol_version": plan.protocol_version},
        "dataset": {"name": plan.dataset.name, "digest": plan.dataset.digest},
        "metrics": {m.name: m.title for m in planned.task.metrics},
        "correlation": reader.is_correlation,
        "axis": {"label": _axis_label(planned), "scale": study.scale},
        "spread": study.spread,
        "seeds": list(planned.request.run.seeds),
        "options": dict(planned.request.options),
        "panels": [
            {
                "title": panel.title,
                "curves": [reader.curve(curve) for curve in panel.curves],
                "ceilings": {
                    metric: reader.ceilings(metric, panel.curves)
                    for metric in dict.fromkeys(curve.metric for curve in panel.curves)
                },
                "floors": reader.floors(panel.curves),
            }
            for panel in planned.panels
        ],
        "trials": [
            {
                "key": p.key,
                "name": plan.trial(p).name,
                "setting": plan.series[p.series].label,
                "error": failures.get(p.key),
            }
            for p in plan.planned
        ],
        "note": "Trials of a study depart from the standard use of the dataset: they stand in "
        "no record and on no board.",
    }


def write_results(path: Path, results: Plain) -> Path:
    """Write the results so that the file appears whole."""
    write_json(path, results)
    return path


class _Reader:
    """Finds the scores of points, floors and ceilings."""

    def __init__(
        self,
        planned: PlannedStudy,
        results: Mapping[str, TrialResult],
        view: View,
    ) -> None:
        self.planned, self.results, self.view = planned, results, view
        self.specifications = {metric.name: metric for metric in planned.task.metrics}
        self._ceilings: dict[Condition, dict[str, Score]] = {}

    @property
    def is_correlation(self) -> bool:
        """Whether the scores lie between -1 and 1, and mostly above 0."""
        metric = self.planned.task.primary_metric.name
        return self.specifications[metric].function in ("pearson", "spearman")

    def curve(self, curve: Curve) -> Plain:
        plain: Plain = {"label": curve.label, "model": curve.model, "metric": curve.metric}
        plain["points"] = [
            {"x": point.x, "text": point.text, "condition": dict(point.condition)}
            | self._statistics(curve.metric, self._by_seed(point.series, point.condition))
            for point in sorted(curve.points, key=lambda point: point.x)
        ]
        if curve.reference is not None:
            by_seed = self._by_seed(curve.reference, curve.points[0].condition)
            plain["unperturbed"] = self._statistics(curve.metric, by_seed)
        return plain

    def ceilings(self, metric: str, curves: Sequence[Curve]) -> list[Plain]:
        """Return the noise ceiling of a metric at each place of the axis."""
        found = []
        for x, condition in _places(curves):
            score = self._ceiling(condition).get(metric)
            if score is not None and score.value is not None:
                found.append({"x": x, "value": score.value})
        return found

    def floors(self, curves: Sequence[Curve]) -> list[Plain]:
        """Return the primary metric of each floor at each place of the axis."""
        primary = self.planned.task.primary_metric.name
        floors = []
        for position, series in enumerate(self.planned.plan.series):
            if series.floor:
                points = []
                for x, condition in _places(curves):
                    by_seed = self._by_seed(position, condition)
                    points.append({"x": x, "value": self._statistics(primary, by_seed)["value"]})
                name = series.model.name
                floors.append({"model": name, "metric": primary, "points": points})
        return floors

    def _ceiling(self, condition: Condition) -> dict[str, Score]:
        from ...trial.score import noise_ceilings

        if condition not in self._ceilings:
            self._ceilings[condition] = noise_ceilings(self.planned.task, self.view, condition)
        return self._ceilings[condition]

    def _by_seed(self, series: int, condition: Condition) -> dict[int, ConditionScores]:
        """Return the scores of a series at a condition, by seed."""
        found = {}
        for trial, result in self._finished(series):
            for scored in result.conditions:
                if dict(scored.condition) == dict(condition):
                    found[trial.seed] = scored
        return found

    def _finished(self, series: int) -> list[tuple[Trial, TrialResult]]:
        trials = self.planned.plan.trials_of(self.planned.plan.series[series])
        return [(t, self.results[t.key]) for t in trials if t.key in self.results]

    def _statistics(self, metric: str, by_seed: Mapping[int, ConditionScores]) -> Plain:
        scores = {
            s: scored.scores[metric] for s, scored in by_seed.items() if metric in scored.scores
        }
        seeds = [
            {"seed": s, "value": score.value, "by_configuration": list(score.by_configuration)}
            for s, score in sorted(scores.items())
        ]
        values = [seed["value"] for seed in seeds if seed["value"] is not None]
        specification = self.specifications[metric]
        order = sorted(values, reverse=specification.higher_is_better)
        complete = bool(values) and len(values) == len(seeds)
        return {
            "value": sum(values) / len(values) if complete else None,
            "interval": self._interval(specification, by_seed, scores) if complete else None,
            "median": _median(order) if complete else None,
            "best": order[0] if complete else None,
            "worst": order[-1] if complete else None,
            "seeds": seeds,
        }

    def _interval(self, specification, by_seed, scores) -> list[float] | None:
        """Return the interval of the mean over configurations of the mean over seeds."""
        if specification.average != "configuration":
            return None
        columns = zip(*(score.by_configuration for score in scores.values()), strict=True)
        means = [
            math.nan if any(v is None for v in column) else sum(column) / len(column)
            for column in columns
        ]
        first = next(iter(by_seed.values()))
        return finite_ends(interval_of_mean(means, first.parents))


def _places(curves: Sequence[Curve]) -> list[tuple[float, Condition]]:
    """Return the places on the axis from left to right, with the condition of each."""
    places: dict[float, Condition] = {}
    for curve in curves:
        for point in curve.points:
            places.setdefault(point.x, point.condition)
    return sorted(places.items(), key=lambda item: item[0])


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _axis_label(planned: PlannedStudy) -> str:
    study, task = planned.study, planned.task
    if study.label and not study.varies.over:
        return study.label
    axis = task.axis(study.varies.over) if study.varies.over else task.axes[-1]
    unit = "" if axis.unit == "1" else f" ({mathtext(axis.unit)})"
    return f"{study.label or axis.name}{unit}"
