"""A study as a plan: series of trials, and where each of their scores stands in the figure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..catalogue import find_dataset
from ..conditions import choose_conditions
from ..config import AxisChoice, RunRequest
from ..model import Condition
from ..model_card import ModelCard
from ..plan import DatasetReference, ModelReference, Trial
from ..registry import hyperparameters_for, load_model_card
from ..sweep import Needs, Series, SweepPlan, with_trials
from ..task import Task
from ..workspace import Workspace
from .declaration import Setting, Study, StudyError, Subject
from .request import StudyRequest
from .seeds import Seeds
from .transfer import Transfer, at_value

FLOOR_SEED = 0


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

    `reference` is the series of the model without any perturbation, where there is one.
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


@dataclass(frozen=True)
class PlannedStudy:
    """A study with everything that is to be run, and how it is shown."""

    request: StudyRequest
    task: Task
    plan: SweepPlan
    panels: tuple[Panel, ...]

    @property
    def study(self) -> Study:
        return self.request.study

    @property
    def stem(self) -> str:
        """Return the name of the folder that holds the study's results."""
        models = "+".join(self.request.run.models)
        words = (self.study.name, self.task.name, self.plan.dataset.name, models)
        safe = [re.sub(r"[^\w.+]+", "_", word) for word in words]
        return "-".join([*safe, self.plan.digest[:8]])

    @property
    def stages(self) -> list[list[Trial]]:
        """Return the trials in two groups: those that fit, and those that take a fit of these."""
        trials = self.plan.trials
        keys = {trial.key for trial in trials}
        later = [t for t in trials if t.fit_key != t.key and t.fit_key in keys]
        taken = {trial.key for trial in later}
        return [group for group in ([t for t in trials if t.key not in taken], later) if group]


def plan_study(task: Task, request: StudyRequest, workspace: Workspace) -> PlannedStudy:
    """Return the plan of a study, with everything checked that can be before any work.

    Raises
    ------
    UserError
        If a model, dataset, condition or value is not there, or the study cannot vary what
        it varies there; the message says why.
    """
    from ..datasets.view import open_view

    study, run = request.study, request.run
    found = find_dataset(task, run.dataset, workspace)
    view = open_view(task, found.path)
    conditions = choose_conditions(
        view.conditions("train"), _axes(study, run, task), task.default_values(found.name)
    )
    series: list[Series] = []
    drawn: list[tuple[str, Curve]] = []
    for name in run.models:
        card = _card(name, task)
        fixed = {k: v for k, v in study.fixed.items() if k in card.hyperparameters}
        chosen = hyperparameters_for(card, task.name, found.name, fixed | dict(run.hyperparameters))
        subject = Subject(task, view, found.name, card, chosen, conditions, request.options)
        settings = study.varies.settings(subject, request.values)
        drawn += _curves(study, subject, settings, run, series)
    if run.floors:
        series += _floors(task, found.name, {c for s in series for c in s.conditions}, conditions)
    panels: dict[str, list[Curve]] = {}
    for title, curve in drawn:
        panels.setdefault(title, []).append(curve)
    plan = SweepPlan(
        name=f"{study.name} of {', '.join(run.models)} on {task.name}, {found.name}",
        task=task.name,
        task_folder=str(task.folder),
        protocol_version=task.protocol_version,
        dataset=DatasetReference(found.name, str(found.path), view.digest),
        series=tuple(series),
        planned=(),
        study={"name": study.name, "values": list(request.values)},
    )
    return PlannedStudy(
        request, task, with_trials(plan), tuple(Panel(t, tuple(c)) for t, c in panels.items())
    )


def _axes(study: Study, run: RunRequest, task: Task) -> dict[str, AxisChoice]:
    """Return what is asked of the axes; a transfer goes over all of its own."""
    axes = dict(run.axes)
    over = study.varies.over
    if over and over in [axis.name for axis in task.axes]:
        axes.setdefault(over, AxisChoice(everything=True))
    return axes


def _card(name: str, task: Task) -> ModelCard:
    card = load_model_card(name)
    if task.name not in card.tasks:
        raise StudyError(
            f"model {card.name} serves {', '.join(card.tasks)}, not {task.name}: "
            "`glassbench models` lists what each model serves"
        )
    return card


def _curves(
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
    if any(setting.variation.perturbation is not None for setting in settings):
        reference = len(series)
        series.append(_series(subject, Setting("unperturbed", 0.0), run, subject.conditions))
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
    curves, metric = [], subject.task.primary_metric["name"]
    symbol = subject.task.axis(varies.over).symbol
    for group in varies.groups(subject):
        for setting in settings:
            varied = replace(setting, variation=at_value(setting, group, varies.over))
            points = tuple(
                Point(c[varies.over], f"{c[varies.over]:g}", len(series), c) for c in group
            )
            series.append(_series(subject, varied, run, group))
            label = f"{subject.card.name}, trained at {symbol} = {setting.text}"
            title = _title(subject.task, group[0], varies.over)
            curves.append((title, Curve(label, subject.card.name, metric, points)))
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
        needs=Needs(run.threads or 1, float(card.resources["gpus"])),
        variation=setting.variation,
        label=setting.text,
    )


def _floors(task: Task, dataset: str, scored: set[Condition], order) -> list[Series]:
    floors = []
    for name in task.floors:
        card = load_model_card(name)
        floors.append(
            Series(
                model=ModelReference(card.name, str(card.folder), card.digest),
                hyperparameters=hyperparameters_for(card, task.name, dataset, {}),
                seeds=(FLOOR_SEED,),
                conditions=tuple(condition for condition in order if condition in scored),
                floor=True,
            )
        )
    return floors


def _metrics(study: Study, subject: Subject) -> list[tuple[str, str]]:
    """Return the metrics that are drawn, with the label of the curve of each."""
    names = study.metrics or (subject.task.primary_metric["name"],)
    titles = {m["name"]: m.get("title", m["name"]) for m in subject.task.metrics}
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


def _title(task: Task, condition: Condition, without: str) -> str:
    return ", ".join(
        f"{task.axis(name).symbol} = {value:g}"
        for name, value in condition.items()
        if name != without
    )
