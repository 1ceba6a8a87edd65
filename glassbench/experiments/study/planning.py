"""A study as a plan: series of trials, and where each of their scores stands in the figure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...contract.conditions import AxisChoice, choose_conditions
from ...contract.model_card import ModelCard, hyperparameters_for
from ...contract.task import Task
from ...contract.trial_plan import DatasetReference, ModelReference, Trial
from ...home.given_files import keep_given_files
from ...home.workspace import Workspace
from ...model import Condition
from ...plugins.datasets import find_dataset
from ...plugins.registry import load_model_card
from ..sweep import Series, SweepPlan, with_trials
from ..sweep.estimates import with_estimates
from ..tuning.configuration import Configuration, read_configuration
from ..words import RunRequest
from .declaration import Study, StudyError, Subject
from .layout import Curve, Panel, curves_of
from .request import StudyRequest

FLOOR_SEED = 0


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
    from ...datasets.physics import refuse_failed
    from ...datasets.view import open_view

    study, run = request.study, request.run
    found = find_dataset(task, run.dataset, workspace)
    view = open_view(task, found.path)
    refuse_failed(view.dataset, run.failed_checks)
    conditions = choose_conditions(
        view.conditions("train"), _axes(study, run, task), task.default_values(found.name)
    )
    series: list[Series] = []
    drawn: list[tuple[str, Curve]] = []
    cards = [_card(name, task) for name in run.models]
    file = _configuration(run, cards)
    for card in cards:
        given = {k: v for k, v in study.fixed.items() if k in card.hyperparameters}
        given |= {} if file is None or file.model != card.name else file.hyperparameters
        given = keep_given_files(given | run.hyperparameters, workspace)
        chosen = hyperparameters_for(card, task.name, found.name, given)
        subject = Subject(task, view, found.name, card, chosen, conditions, request.options)
        settings = study.varies.settings(subject, request.values)
        drawn += curves_of(study, subject, settings, run, series)
    if run.floors:
        names = [name for name in task.floors if name not in [card.name for card in cards]]
        series += _floors(names, task, found.name, conditions)
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
        study={"name": study.name, "values": list(request.values)},
    )
    plan = with_estimates(with_trials(plan), workspace)
    return PlannedStudy(request, task, plan, tuple(Panel(t, tuple(c)) for t, c in panels.items()))


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


def _configuration(run: RunRequest, cards: Sequence[ModelCard]) -> Configuration | None:
    """Return the file of hyperparameters that was given, once it is for one of the models."""
    if run.config is None:
        return None
    file = read_configuration(Path(run.config))
    if file.task != run.task or file.model not in [card.name for card in cards]:
        raise StudyError(
            f"{file.path} is for {file.model} on {file.task}, which this study is not about: "
            "leave `config=` out, or take another file"
        )
    return file


def _floors(
    names: Sequence[str], task: Task, dataset: str, conditions: tuple[Condition, ...]
) -> list[Series]:
    floors = []
    for card in map(load_model_card, names):
        floors.append(
            Series(
                model=ModelReference(card.name, str(card.folder), card.digest),
                hyperparameters=hyperparameters_for(card, task.name, dataset, {}),
                seeds=(FLOOR_SEED,),
                conditions=conditions,
                floor=True,
            )
        )
    return floors
