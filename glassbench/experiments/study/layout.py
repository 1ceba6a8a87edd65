"""Where each score of a study stands in its figure: panels, curves and their points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...contract.task import Task
from ...contract.variation import Variation
from ...datasets.view import View
from ...model import Condition
from ..sweep.make import series_of
from ..sweep.plan import Series
from .declaration import Setting, Study, StudyError, Subject

# Conditions that differ by fewer decades count as alike.
ALIKE = 0.5


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
class Panel:
    """A panel of the figure; its floors and ceilings are those of its points' conditions."""

    title: str
    curves: tuple[Curve, ...]


def curves_of(
    study: Study, subject: Subject, settings: Sequence[Setting], seeds: tuple[int, ...],
    series: list[Series],
) -> list[tuple[str, Curve]]:  # fmt: skip
    """Add the series of one model, and return its curves with the titles of their panels."""
    if study.varies == "transfer":
        return _transfer_curves(study.over, subject, settings, seeds, series)
    task, model, start = subject.task, subject.card.name, len(series)
    perturbation, reference = settings[0].variation.perturbation, None
    run = list(settings)
    if perturbation is not None:
        same = replace(perturbation, action="none", inner=0.0, outer=None, amplitude=0.0)
        reference = start + len(settings)
        run.append(Setting("unperturbed", 0.0, variation=Variation(perturbation=same)))
        if not perturbation.in_training:
            # All perturbed ones use the fit of the standard trial.
            run.append(Setting("standard", 0.0))
    series += [_series(subject, setting, subject.conditions, seeds) for setting in run]
    # The figure of the seeds goes along the last axis of the task, others along the values.
    axis = task.axes[-1].name if study.varies == "seeds" else ""
    names = [name for name in study.metrics if name in {metric.name for metric in task.metrics}]
    curves = []
    for group in _groups(subject.conditions, axis):
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
    axis: str, subject: Subject, settings: Sequence[Setting], seeds: tuple[int, ...],
    series: list[Series],
) -> list[tuple[str, Curve]]:  # fmt: skip
    curves, card, task = [], subject.card, subject.task
    for group in alike(axis, subject):
        by_value = {condition[axis]: condition for condition in group}
        for setting in settings:
            if setting.x not in by_value:
                continue
            at_value = replace(setting, variation=Variation(train_condition=by_value[setting.x]))
            points = tuple(Point(c[axis], f"{c[axis]:g}", len(series), c) for c in group)
            series.append(_series(subject, at_value, group, seeds))
            label = f"{card.name}, trained at {task.axis(axis).symbol} = {setting.text}"
            curve = Curve(label, card.name, task.primary_metric.name, points)
            curves.append((title_of_group(task, group, axis), curve))
    return curves


def alike(axis: str, subject: Subject) -> list[tuple[Condition, ...]]:
    """Return the groups of conditions between which a model is transferred.

    A group has one condition for each value of the axis and the same values on all others;
    where states relax at different rates, times are the nearest in units of the relaxation
    time, within half a decade.
    """
    values = sorted({condition[axis] for condition in subject.conditions})
    groups = []
    for start in (c for c in subject.conditions if c[axis] == values[0]):
        group = [start]
        for value in values[1:]:
            others = [c for c in subject.conditions if c[axis] == value]
            decades = {c: _decades(c, start, axis, subject.view) for c in others}
            nearest = min(decades, key=decades.__getitem__)
            if decades[nearest] <= ALIKE:
                group.append(nearest)
        if len(group) > 1:
            groups.append(tuple(group))
    if not groups:
        raise StudyError(
            f"no condition of dataset {subject.dataset} has one like it at another "
            f"{axis}, within half a decade on all other axes"
        )
    return groups


def _decades(condition: Condition, other: Condition, axis: str, view: View) -> float:
    """Return the distance of two conditions on all axes but one, in decades."""
    total = 0.0
    for name in condition:
        if name == axis:
            continue
        one, two = condition[name], other[name]
        if name == "time":
            relaxations = (view.attribute(c, "tau_alpha") for c in (condition, other))
            known = [tau for tau in relaxations if tau]
            if len(known) == 2:
                one, two = one / known[0], two / known[1]
        if one > 0 and two > 0:
            total += abs(math.log10(one / two))
        elif one != two:
            total += math.inf
    return total


def _series(
    subject: Subject, setting: Setting, conditions: tuple[Condition, ...], seeds: tuple[int, ...]
) -> Series:
    hyperparameters = {**subject.hyperparameters, **setting.hyperparameters}
    series = series_of(subject.card, hyperparameters, seeds, conditions)
    return replace(series, variation=setting.variation, label=setting.text)


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
