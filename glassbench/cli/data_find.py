"""The datasets of all tasks and of the workspace, and the one that a word means."""

from __future__ import annotations

from pathlib import Path

from ..contract.errors import UserError
from ..contract.suggest import did_you_mean
from ..home.workspace import Workspace
from ..plugins.datasets import FoundDataset, dataset_at, list_datasets
from ..plugins.registry import whole_tasks


def all_datasets(workspace: Workspace) -> list[FoundDataset]:
    """Return the datasets that tasks bring along, and those of the workspace."""
    return list_datasets(whole_tasks(), workspace)


def find_any(name: str, workspace: Workspace) -> FoundDataset:
    """Return the dataset of a name, of `<task>-<name>`, or at a path.

    Raises
    ------
    UserError
        If there is none, or more than one.
    """
    if "/" in name or name.startswith((".", "~")):
        return dataset_at(Path(name).expanduser().absolute())
    found = all_datasets(workspace)
    named = {d.path.resolve(): d for d in found if name in (d.name, f"{d.task}-{d.name}")}
    if len(named) > 1:
        full = ", ".join(f"{d.task}-{d.name}" if d.task else str(d.path) for d in named.values())
        raise UserError(f"there are {len(named)} datasets `{name}`: say which, of {full}")
    for dataset in named.values():
        return dataset
    known = [f"{d.task}-{d.name}" if d.task else d.name for d in found]
    raise UserError(f"there is no dataset `{name}`{did_you_mean(name, known)}")
