"""From the words of `glassbench study` to a plan, and to the panels of its figure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...contract.conditions import AxisChoice, choose_conditions
from ...contract.task import Task
from ...contract.trial_plan import Trial
from ...home.workspace import Workspace
from ..request import cards_of, chosen_hyperparameters, floors_of, open_asked
from ..sweep.make import floor_series, new_plan
from ..sweep.plan import Series, SweepPlan
from ..tuning.configuration import read_configuration
from ..words import RunRequest, distinct, items_of, parse_run, split_words, without
from .declaration import Study, StudyError, Subject
from .layout import Curve, Panel, curves_of
from .settings import settings_of


@dataclass(frozen=True)
class StudyRequest:
    """What `glassbench study` was asked to do, before any dataset is opened.

    `run` holds what a run is asked too, `values` and `options` are the words of the study itself.
    """

    study: Study
    run: RunRequest
    values: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedStudy:
    """A study with everything that is to be run, and where it is shown."""

    request: StudyRequest
    task: Task
    plan: SweepPlan
    panels: tuple[Panel, ...]

    @property
    def study(self) -> Study:
        return self.request.study

    @property
    def stem(self) -> str:
        """Return the name of the folder of the study's results."""
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


def parse_study(study: Study, words: Sequence[str], axes: Iterable[str]) -> StudyRequest:
    """Return the request that the words after the study's name make."""
    given = split_words(words)
    run = parse_run(without(words, {"values", *study.options}), axes)
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
    cards = cards_of(task, run.models)
    dataset, view = open_asked(task, run.dataset, workspace, run.failed_checks)
    axes = dict(run.axes)
    if study.over in [axis.name for axis in task.axes]:
        axes.setdefault(study.over, AxisChoice(everything=True))
    conditions = choose_conditions(
        view.conditions("train"), axes, task.default_values(dataset.name)
    )
    file = None if run.config is None else read_configuration(Path(run.config))
    if file and (file.task != task.name or file.model not in [card.name for card in cards]):
        raise StudyError(
            f"{file.path} is for {file.model} on {file.task}, which this study is not about: "
            "leave `config=` out, or take another file"
        )
    series: list[Series] = []
    panels: dict[str, list[Curve]] = {}
    for card in cards:
        given = {k: v for k, v in study.fixed.items() if k in card.hyperparameters}
        given |= file.hyperparameters if file and file.model == card.name else {}
        given |= run.hyperparameters
        chosen = chosen_hyperparameters(card, task, dataset, given, workspace)
        subject = Subject(task, view, dataset.name, card, chosen, conditions, request.options)
        settings = settings_of(study, subject, request.values)
        for title, curve in curves_of(study, subject, settings, run.seeds, series):
            panels.setdefault(title, []).append(curve)
    if run.floors:
        floors = [f for f in floors_of(task, dataset) if f.card not in cards]
        series += [floor_series(floor, conditions) for floor in floors]
    plan = new_plan(
        f"{study.name} of {', '.join(run.models)}", task, dataset, series, workspace,
        study={"name": study.name, "values": list(request.values)},
    )  # fmt: skip
    return PlannedStudy(request, task, plan, tuple(Panel(t, tuple(c)) for t, c in panels.items()))
