"""Where each score of a study stands in its figure: panels, curves and their points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...contract.task import Task
from ...contract.variation import Perturbation, Variation
from ...model import Condition
from ..sweep import Series
from ..sweep.of_requests import series_of
from .declaration import Setting, Study, Subject
from .transfer import alike


@dataclass(frozen=True)
class Point:
    """A point of a curve: the scores of a series, given by its position, at a condition."""

    x: float
    text: str
    series: int
    condition: Condition


@dataclass(frozen=True)
class Curve:
    """A line of a panel: a model, a metric, and points.

    `reference` is the position of the series of the unperturbed model, where others are
    perturbed.
    """

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
    start = len(series)
    series += [_series(subject, setting, subject.conditions, seeds) for setting in settings]
    reference = None
    perturbation = settings[0].variation.perturbation
    if perturbation is not None:
        same = Perturbation(
            "none", centres=perturbation.centres, in_training=perturbation.in_training
        )
        whole = Setting("unperturbed", 0.0, variation=Variation(perturbation=same))
        reference = len(series)
        series.append(_series(subject, whole, subject.conditions, seeds))
        if not perturbation.in_training:
            # All perturbed ones use the fit of the standard trial.
            standard = Setting("standard", 0.0)
            series.append(_series(subject, standard, subject.conditions, seeds))
    # The figure of the seeds goes along the last axis of the task, others along the values.
    axis = subject.task.axes[-1].name if study.varies == "seeds" else ""
    curves = []
    for group in _groups(subject.conditions, axis):
        points = tuple(
            Point(c[axis], f"{c[axis]:g}", start + number, c) if axis
            else Point(setting.x, setting.text, start + number, c)
            for number, setting in enumerate(settings)
            for c in group
        )  # fmt: skip
        for metric, label in _metrics(study, subject):
            curve = Curve(label, subject.card.name, metric, points, reference)
            curves.append((_title(subject.task, group[0], axis), curve))
    return curves


def _transfer_curves(
    axis: str, subject: Subject, settings: Sequence[Setting], seeds: tuple[int, ...],
    series: list[Series],
) -> list[tuple[str, Curve]]:  # fmt: skip
    curves, card = [], subject.card
    for group in alike(axis, subject):
        by_value = {condition[axis]: condition for condition in group}
        for setting in settings:
            if setting.x not in by_value:
                continue
            at_value = replace(setting, variation=Variation(train_condition=by_value[setting.x]))
            points = tuple(Point(c[axis], f"{c[axis]:g}", len(series), c) for c in group)
            series.append(_series(subject, at_value, group, seeds))
            symbol = subject.task.axis(axis).symbol
            label = f"{card.name}, trained at {symbol} = {setting.text}"
            curve = Curve(label, card.name, subject.task.primary_metric.name, points)
            curves.append((title_of_group(subject.task, group, axis), curve))
    return curves


def _series(
    subject: Subject, setting: Setting, conditions: tuple[Condition, ...], seeds: tuple[int, ...]
) -> Series:
    hyperparameters = {**subject.hyperparameters, **setting.hyperparameters}
    series = series_of(subject.card, hyperparameters, seeds, conditions)
    return replace(series, variation=setting.variation, label=setting.text)


def _metrics(study: Study, subject: Subject) -> list[tuple[str, str]]:
    """Return the metrics that are drawn, with the label of the curve of each."""
    titles = {metric.name: metric.title for metric in subject.task.metrics}
    names = study.metrics or (subject.task.primary_metric.name,)
    model = subject.card.name
    return [
        (name, f"{model}: {titles[name]}" if len(names) > 1 else model)
        for name in names
        if name in titles
    ]


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
