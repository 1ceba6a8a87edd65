"""Finding what a plan names on this machine, and refusing what has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...contract.errors import UserError
from ...contract.folder_digest import folder_digest
from ...contract.task import Task
from ...contract.trial_plan import DatasetReference, ModelReference
from ...home.workspace import Workspace
from ...plugins.datasets import find_dataset
from ...plugins.registry import load_model_card, load_task
from .plan import SweepPlan, series_trials
from .plan_file import PlanError


def located(
    plan: SweepPlan, workspace: Workspace, digest_of: Callable[[Task, Path], str]
) -> SweepPlan:
    """Return the plan with the places that task, models and dataset have here.

    Parameters
    ----------
    digest_of : content digest of the dataset at a path

    Raises
    ------
    PlanError
        If one of them is not here, or is no longer what the plan was made with.
    """
    task = _task(plan)
    dataset = _dataset(plan, task, workspace, digest_of)
    models: dict[str, ModelReference] = {}
    for series in plan.series:
        if series.model.digest not in models:
            models[series.model.digest] = _model(series.model)
    moved = replace(
        plan,
        task_folder=str(task.folder),
        dataset=dataset,
        series=tuple(replace(s, model=models[s.model.digest]) for s in plan.series),
    )
    trials = [{t.key: t for t in series_trials(moved, series)} for series in moved.series]
    here = tuple(replace(p, trial=trials[p.series][p.key]) for p in plan.planned)
    return replace(moved, planned=here)


def _task(plan: SweepPlan) -> Task:
    folder = Path(plan.task_folder)
    task = load_task(folder if (folder / "task.toml").is_file() else plan.task)
    if task.protocol_version != plan.protocol_version:
        raise PlanError(
            f"task {task.name} in {task.folder} has protocol {task.protocol_version}, the plan was "
            f"made with {plan.protocol_version}: make a new plan"
        )
    return task


def _dataset(
    plan: SweepPlan, task: Task, workspace: Workspace, digest_of: Callable[[Task, Path], str]
) -> DatasetReference:
    planned = plan.dataset
    place = Path(planned.path)
    if not place.exists():
        try:
            place = find_dataset(task, planned.name, workspace).path
        except UserError as error:
            raise PlanError(f"the plan's dataset {planned.name} is not here: {error}") from error
    found = digest_of(task, place)
    if found != planned.digest:
        raise PlanError(
            f"dataset {planned.name} at {place} has the digest {found[:15]}, the plan was made "
            f"with {planned.digest[:15]}: get that dataset back, or make a new plan"
        )
    return replace(planned, path=str(place))


def _model(planned: ModelReference) -> ModelReference:
    folder = Path(planned.folder)
    if not folder.is_dir():
        try:
            folder = load_model_card(planned.name).folder
        except UserError as error:
            raise PlanError(f"the plan's model {planned.name} is not here: {error}") from error
    found = folder_digest(folder)
    if found != planned.digest:
        raise PlanError(
            f"model {planned.name} in {folder} has the digest {found[:8]}, the plan was made with "
            f"{planned.digest[:8]}: it was changed; restore it, or make a new plan"
        )
    return replace(planned, folder=str(folder))
