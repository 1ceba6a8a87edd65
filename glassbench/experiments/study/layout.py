"""Where each score of a study stands: panels, curves and their points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...contract.task import Task
from ...contract.trial_plan import ModelReference
from ...contract.variation import Perturbation, Variation
from ...model import Condition
from ..sweep import Needs, Series
from ..words import RunRequest
from .declaration import Setting, Study, Subject
from .seeds import Seeds
from .transfer import Transfer, at_value


@dataclass(frozen=True)
class Point:
    """A place on a curve: the scores of a series at a condition."""

    x: float
    text: str
    series: int
    condition: Condition


@dataclass(frozen=True)
class Curve:
    """One line of a panel: a model, a metric, and points from left to right.

    `reference` is the series of the model that sees everything, where others do not.
    """

    label: str
    model: str
    metric: str
    points: tuple[Point, ...]
    reference: int | None = None


@dataclass(frozen=True)
class Panel:
    """A panel of the figure; its floors and ceilings are those of the points' conditions."""

    title: str
    curves: tuple[Curve, ...]


def curves_of(
    study: Study,
    subject: Subject,
    settings: Sequence[Setting],
    run: RunRequest,
    series: list[Series],
) -> list[tuple[str, Curve]]:
    """Add the series of one model, and return its curves with the titles of their panels."""
    if isinstance(study.varies, Transfer):
        return _transfer_curves(study.varies, subject, settings, run, series)
    start, axis = len(series), subject.task.axes[-1].name
    series += [_series(subject, setting, run, subject.conditions) for setting in settings]
    reference = None
    perturbation = settings[0].variation.perturbation
    if perturbation is not None:
        same = Perturbation(
            "none", centres=perturbation.centres, in_training=perturbation.in_training
        )
        whole = Setting("unperturbed", 0.0, variation=Variation(perturbation=same))
        reference = len(series)
        series.append(_series(subject, whole, run, subject.conditions))
        if not perturbation.in_training:
            # Its fit serves all of them.
            standard = Setting("standard", 0.0)
            series.append(_series(subject, standard, run, subject.conditions))
    curves = []
    along = isinstance(study.varies, Seeds)
    for group in _groups(subject.conditions, axis) if along else [(c,) for c in subject.conditions]:
        title = _title(subject.task, group[0], axis if along else "")
        points = tuple(
            Point(c[axis] if along else s.x, f"{c[axis]:g}" if along else s.text, start + n, c)
            for n, s in enumerate(settings)
            for c in group
        )
        curves += [
            (title, Curve(label, subject.card.name, metric, points, reference))
            for metric, label in _metrics(study, subject)
        ]
    return curves


def _transfer_curves(
    varies: Transfer,
    subject: Subject,
    settings: Sequence[Setting],
    run: RunRequest,
    series: list[Series],
) -> list[tuple[str, Curve]]:
    curves, metric = [], subject.task.primary_metric.name
    symbol = subject.task.axis(varies.over).symbol
    for group in varies.groups(subject):
        for setting in settings:
            if setting.x not in [c[varies.over] for c in group]:
                continue
            varied = replace(setting, variation=at_value(setting, group, varies.over))
            points = tuple(
                Point(c[varies.over], f"{c[varies.over]:g}", len(series), c) for c in group
            )
            series.append(_series(subject, varied, run, group))
            label = f"{subject.card.name}, trained at {symbol} = {setting.text}"
            curve = Curve(label, subject.card.name, metric, points)
            curves.append((title_of_group(subject.task, group, varies.over), curve))
    return curves


def _series(
    subject: Subject, setting: Setting, run: RunRequest, conditions: tuple[Condition, ...]
) -> Series:
    card = subject.card
    return Series(
        model=ModelReference(card.name, str(card.folder), card.digest, card.conditions_per_fit),
        hyperparameters=dict(subject.hyperparameters) | dict(setting.hyperparameters),
        seeds=run.seeds,
        conditions=conditions,
        needs=Needs(
            cpus=max(1, round(card.resources["cpus"])),
            gpus=card.resources["gpus"],
            memory_bytes=round(card.resources.get("memory_gb", 0.0) * 1e9),
        ),
        variation=setting.variation,
        label=setting.text,
    )


def _metrics(study: Study, subject: Subject) -> list[tuple[str, str]]:
    """Return the metrics that are drawn, with the label of the curve of each."""
    names = study.metrics or (subject.task.primary_metric.name,)
    titles = {m.name: m.title for m in subject.task.metrics}
    model = subject.card.name
    return [
        (name, f"{model}: {titles[name]}" if len(names) > 1 else model)
        for name in names
        if name in titles
    ]


def _groups(conditions: Sequence[Condition], axis: str) -> list[tuple[Condition, ...]]:
    """Return the conditions that agree on all axes but one, along that one."""
    groups: dict[tuple, list[Condition]] = {}
    for condition in conditions:
        key = tuple(value for name, value in condition.items() if name != axis)
        groups.setdefault(key, []).append(condition)
    return [tuple(sorted(group, key=lambda c: c[axis])) for group in groups.values()]


def title_of_group(task: Task, group: Sequence[Condition], axis: str) -> str:
    """Return what the conditions of a group share, or the first of them."""
    first = group[0]
    if all(c[name] == first[name] for c in group for name in first if name != axis):
        return _title(task, first, axis)
    return f"{_title(task, first, '')}, and alike"


def _title(task: Task, condition: Condition, without: str) -> str:
    return ", ".join(
        f"{task.axis(name).symbol} = {value:g}"
        for name, value in condition.items()
        if name != without
    )
