"""From the words of `glassbench study` to a plan, and to the panels of its figure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...contract.conditions import AxisChoice
from ...contract.task import Task
from ...contract.trial_plan import Trial, Variation
from ...home.workspace import Workspace
from ...model import Condition
from ..request import ALIKE, BenchmarkRequest, decades_apart, make_requests
from ..sweep.make import floors_by_digest, new_plan, series_of
from ..sweep.plan import Series, SweepPlan
from ..words import distinct, items_of, parse_run
from .declaration import Setting, Study, StudyError, StudyRequest, settings_of


@dataclass(frozen=True)
class Point:
    """A point of a curve: the scores of a series, given by its position, at a condition."""

    x: float
    text: str
    series: int
    condition: Condition


@dataclass(frozen=True)
class Curve:
    """A line of a panel; `reference` is the series of the unperturbed model, if there is one."""

    label: str
    model: str
    metric: str
    points: tuple[Point, ...]
    reference: int | None = None


@dataclass(frozen=True)
class PlannedStudy:
    """A study with everything that is to be run, and where it is shown: curves by panel."""

    request: StudyRequest
    task: Task
    plan: SweepPlan
    panels: Mapping[str, Sequence[Curve]]

    @property
    def study(self) -> Study:
        return self.request.study

    @property
    def stem(self) -> str:
        models = "+".join(self.request.run.models)
        names = (self.study.name, self.task.name, self.plan.dataset.name, models)
        return "-".join([*(re.sub(r"[^\w.+]+", "_", n) for n in names), self.plan.digest[:8]])

    @property
    def stages(self) -> list[list[Trial]]:
        """Return the trials in two groups: first those whose fits the others use."""
        trials = self.plan.trials
        keys = {trial.key for trial in trials}
        later = [t for t in trials if t.fit_key != t.key and t.fit_key in keys]
        first = [trial for trial in trials if trial not in later]
        return [group for group in (first, later) if group]


def parse_study(study: Study, given: Mapping[str, str], axes: Iterable[str]) -> StudyRequest:
    """Return the request that the words after the study's name make."""
    run = parse_run(given, axes, ("values", *study.options))
    if run.force:
        raise StudyError(
            "`force` is not for studies, whose trials may be those of a run too: "
            "take another home=, or `glassbench run … force=on`"
        )
    if "seed" not in given:
        run = replace(run, seeds=study.seeds)
    values = study.values
    if "values" in given:
        values = distinct("values", items_of("values", given["values"]))
    options = {name: given.get(name, default) for name, default in study.options.items()}
    return StudyRequest(study, run, values, options)


def plan_study(task: Task, request: StudyRequest, workspace: Workspace) -> PlannedStudy:
    """Return the plan of a study, checked as far as possible before any work."""
    study, run = request.study, request.run
    axes = dict(run.axes)
    if study.over in [axis.name for axis in task.axes]:
        axes.setdefault(study.over, AxisChoice(everything=True))
    requests = make_requests(task, replace(run, axes=axes), workspace, study.fixed)
    series: list[Series] = []
    panels: dict[str, list[Curve]] = {}
    for each in requests:
        settings = settings_of(request, each)
        for title, curve in curves_of(study, each, settings, series):
            panels.setdefault(title, []).append(curve)
    floors = floors_by_digest(requests)
    for each in requests:
        floors.pop(each.model.digest, None)
    name = f"{study.name} of {', '.join(run.models)}"
    about = {"name": study.name, "values": list(request.values)}
    plan = new_plan(name, requests, series, floors, workspace, study=about)
    return PlannedStudy(request, task, plan, panels)


def curves_of(
    study: Study, request: BenchmarkRequest, settings: Sequence[Setting],
    series: list[Series],
) -> list[tuple[str, Curve]]:  # fmt: skip
    """Add the series of one model, and return its curves with the titles of their panels."""
    if study.varies == "transfer":
        return _transfer_curves(study.over, request, settings, series)
    task, model, start = request.task, request.model.name, len(series)
    perturbation, reference = settings[0].variation.perturbation, None
    run = list(settings)
    if perturbation is not None:
        same = replace(perturbation, action="none", inner=0.0, outer=None, amplitude=0.0)
        reference = start + len(settings)
        run.append(Setting("unperturbed", 0.0, variation=Variation(perturbation=same)))
        if not perturbation.in_training:
            # All perturbed ones use the fit of the standard trial.
            run.append(Setting("standard", 0.0))
    series += [_series(request, setting, request.conditions) for setting in run]
    # The figure of the seeds goes along the last axis of the task, others along the values.
    axis = task.axes[-1].name if study.varies == "seeds" else ""
    names = [name for name in study.metrics if name in {metric.name for metric in task.metrics}]
    curves = []
    for group in _groups(request.conditions, axis):
        points = tuple(
            Point(c[axis], f"{c[axis]:g}", start + number, c) if axis
            else Point(setting.x, setting.text, start + number, c)
            for number, setting in enumerate(settings)
            for c in group
        )  # fmt: skip
        for name in names or [task.primary_metric.name]:
            label = f"{model}: {task.metric(name).title}" if len(study.metrics) > 1 else model
            curve = Curve(label, model, name, points, reference)
            curves.append((_title(task, group[0], axis), curve))
    return curves


def _transfer_curves(
    axis: str, request: BenchmarkRequest, settings: Sequence[Setting],
    series: list[Series],
) -> list[tuple[str, Curve]]:  # fmt: skip
    curves, card, task = [], request.model, request.task
    for group in alike(axis, request):
        by_value = {condition[axis]: condition for condition in group}
        for setting in settings:
            if setting.x not in by_value:
                continue
            at_value = replace(setting, variation=Variation(train_condition=by_value[setting.x]))
            points = tuple(Point(c[axis], f"{c[axis]:g}", len(series), c) for c in group)
            series.append(_series(request, at_value, group))
            label = f"{card.name}, trained at {task.axis(axis).symbol} = {setting.text}"
            curve = Curve(label, card.name, task.primary_metric.name, points)
            curves.append((title_of_group(task, group, axis), curve))
    return curves


def alike(axis: str, request: BenchmarkRequest) -> list[tuple[Condition, ...]]:
    """Return the groups of conditions between which a model is transferred.

    A group has one condition for each value of the axis and the same values on all others;
    where states relax at different rates, times are the nearest in units of the relaxation
    time, within half a decade.
    """
    values = sorted({condition[axis] for condition in request.conditions})
    groups = []
    for start in (c for c in request.conditions if c[axis] == values[0]):
        group = [start]
        for value in values[1:]:
            others = [c for c in request.conditions if c[axis] == value]
            decades = {c: decades_apart(c, start, request.view, [axis]) for c in others}
            nearest = min(decades, key=decades.__getitem__)
            if decades[nearest] <= ALIKE:
                group.append(nearest)
        if len(group) > 1:
            groups.append(tuple(group))
    if not groups:
        raise StudyError(
            f"no condition of dataset {request.dataset.name} has one like it at another "
            f"{axis}, within half a decade on all other axes"
        )
    return groups


def _series(
    request: BenchmarkRequest, setting: Setting, conditions: tuple[Condition, ...]
) -> Series:
    hyperparameters = {**request.hyperparameters, **setting.hyperparameters}
    varied = replace(request, hyperparameters=hyperparameters, conditions=conditions)
    return replace(series_of(varied), variation=setting.variation, label=setting.text)


def _groups(conditions: Sequence[Condition], axis: str) -> list[tuple[Condition, ...]]:
    """Return the conditions that agree on all axes but one, along that one."""
    groups: dict[tuple[float, ...], list[Condition]] = {}
    for condition in conditions:
        others = tuple(value for name, value in condition.items() if name != axis)
        groups.setdefault(others, []).append(condition)
    return [tuple(sorted(group, key=lambda c: c.get(axis, 0.0))) for group in groups.values()]


def title_of_group(task: Task, group: Sequence[Condition], axis: str) -> str:
    """Return what the conditions of a group share, or the first of them."""
    first = group[0]
    if all(c[name] == first[name] for c in group for name in first if name != axis):
        return _title(task, first, axis)
    return f"{_title(task, first, '')}, and alike"


def _title(task: Task, condition: Condition, without: str) -> str:
    shown = {name: value for name, value in condition.items() if name != without}
    return ", ".join(f"{task.axis(name).symbol} = {value:g}" for name, value in shown.items())
