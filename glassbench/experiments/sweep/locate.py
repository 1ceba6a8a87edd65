"""Opening a plan on this machine: its task, dataset and models are found, changed ones refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...contract.errors import UserError
from ...contract.folder_digest import folder_digest
from ...contract.task import Task
from ...contract.trial_plan import DatasetReference, ModelReference
from ...home.workspace import Workspace
from ...plugins.datasets import find_dataset
from ...plugins.registry import load_model_card, load_task
from .plan import PlanError, SweepPlan, read_plan


def open_plan(path: Path, workspace: Workspace) -> SweepPlan:
    """Return the plan in a file, with the folders that its parts have on this machine.

    Raises
    ------
    PlanError
        If it cannot be read, or a part is not here or no longer what the plan was made with.
    """
    return located(read_plan(path), workspace)


def located(plan: SweepPlan, workspace: Workspace) -> SweepPlan:
    """Return a plan with the folders of task, dataset and models on this machine."""
    folder = Path(plan.task_folder)
    task = load_task(folder if (folder / "task.toml").is_file() else plan.task)
    if task.protocol_version != plan.protocol_version:
        raise PlanError(
            f"task {task.name} in {task.folder} has protocol {task.protocol_version}, the plan was "
            f"made with {plan.protocol_version}: make a new plan"
        )
    models = {s.model.digest: s.model for s in plan.series}
    here = {digest: _model(model) for digest, model in models.items()}
    return replace(
        plan,
        task_folder=str(task.folder),
        dataset=_dataset(plan.dataset, task, workspace),
        series=tuple(replace(s, model=here[s.model.digest]) for s in plan.series),
    )


def _dataset(planned: DatasetReference, task: Task, workspace: Workspace) -> DatasetReference:
    from ...datasets.view import open_view

    path = Path(planned.path)
    if not path.exists():
        try:
            path = find_dataset(task, planned.name, workspace).path
        except UserError as error:
            raise PlanError(f"the plan's dataset {planned.name} is not here: {error}") from error
    digest = open_view(task, path).digest
    if digest != planned.digest:
        raise PlanError(
            f"dataset {planned.name} at {path} has the digest {digest[:15]}, the plan was made "
            f"with {planned.digest[:15]}: get that dataset back, or make a new plan"
        )
    return replace(planned, path=str(path))


def _model(planned: ModelReference) -> ModelReference:
    folder = Path(planned.folder)
    if not folder.is_dir():
        try:
            folder = load_model_card(planned.name).folder
        except UserError as error:
            raise PlanError(f"the plan's model {planned.name} is not here: {error}") from error
    digest = folder_digest(folder)
    if digest != planned.digest:
        raise PlanError(
            f"model {planned.name} in {folder} has the digest {digest[:8]}, the plan was made with "
            f"{planned.digest[:8]}: it was changed; restore it, or make a new plan"
        )
    return replace(planned, folder=str(folder))
