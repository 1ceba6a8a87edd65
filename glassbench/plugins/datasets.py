"""Datasets by name: those that tasks bring along, and those of the workspace."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.errors import UserError, did_you_mean
from ..home.workspace import Workspace
from .registry import is_path, whole_tasks

if TYPE_CHECKING:
    from ..contract.task import Task

SUFFIXES = (".zarr.zip", ".zarr", ".zip")
UNFINISHED = ".importing"


@dataclass(frozen=True)
class FoundDataset:
    """A dataset: `embedded` in the folder of a task, of the `workspace`, or at a `path`."""

    name: str
    path: Path
    origin: str
    task: str | None = None


def list_datasets(tasks: Iterable[Task], workspace: Workspace) -> list[FoundDataset]:
    """Return the datasets that are there: embedded ones first, then those of the workspace."""
    embedded = [
        FoundDataset(entry.name, task.folder / entry.path, "embedded", task.name)
        for task in tasks
        for entry in task.datasets.values()
        if entry.path and (task.folder / entry.path).exists()
    ]
    return embedded + list(_of_workspace(workspace))


def all_datasets(workspace: Workspace) -> list[FoundDataset]:
    """Return the datasets that tasks bring along, and those of the workspace."""
    return list_datasets(whole_tasks(), workspace)


def find_any(name: str, workspace: Workspace) -> FoundDataset:
    """Return the dataset of a name, of `<task>-<name>`, or at a path."""
    if is_path(name):
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


def find_dataset(task: Task, word: str | None, workspace: Workspace) -> FoundDataset:
    """Return the dataset that a name, a path or None, the default, means for a task.

    A dataset that the task brings along comes before one of the workspace.
    """
    word = word or task.default_dataset
    if is_path(word):
        path = Path(word).expanduser().absolute()
        if not path.exists():
            raise UserError(f"there is no dataset at {path}")
        return dataset_at(path)
    for dataset in datasets_called(task, word, workspace):
        return dataset
    if (workspace.datasets / f"{word}{UNFINISHED}").exists():
        raise UserError(f"dataset `{word}` is not finished: run its import again, it goes on")
    entry = task.datasets.get(word)
    if entry is not None and entry.description:
        raise UserError(
            f"dataset `{word}` of {task.name} is not on this machine: {entry.description}"
        )
    names = [dataset.name for dataset in list_datasets([task], workspace)]
    raise UserError(f"task {task.name} finds no dataset `{word}`{did_you_mean(word, names)}")


def datasets_called(task: Task, name: str, workspace: Workspace) -> Iterator[FoundDataset]:
    """Yield the datasets of a task that bear a name: by their file, then by their store."""
    found = list_datasets([task], workspace)
    names = (name, f"{task.name}-{name}")
    for file in names:
        yield from (dataset for dataset in found if dataset.name == file)
    for dataset in found:
        # A renamed file is the dataset that its store says; records name it so.
        other = dataset.origin == "workspace" and dataset.name not in names
        if other and dataset_at(dataset.path).name == name:
            yield dataset


def dataset_at(path: Path) -> FoundDataset:
    """Return the dataset at a path, under the name in its store: a copy is the same dataset."""
    return FoundDataset(_plain(_stored_name(path) or _bare(path.name)), path, "path")


def _stored_name(path: Path) -> str:
    """Return the name that a store states, or nothing where it states no plain name."""
    try:
        if path.is_file():
            with zipfile.ZipFile(path) as archive:
                text = archive.read("zarr.json")
        else:
            inner = path / "store.zarr" / "zarr.json"
            text = (inner if inner.is_file() else path / "zarr.json").read_bytes()
        name = json.loads(text)["attributes"]["name"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return ""
    plain = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name)
    return name if plain else ""


def _of_workspace(workspace: Workspace) -> Iterator[FoundDataset]:
    if not workspace.datasets.is_dir():
        return
    for path in sorted(workspace.datasets.iterdir()):
        if path.name.endswith(UNFINISHED):
            continue
        store = path / "store.zarr" / "zarr.json"
        if path.name.endswith(SUFFIXES) or store.is_file() or (path / "zarr.json").is_file():
            yield FoundDataset(_bare(path.name), path, "workspace")


def _plain(name: str) -> str:
    """Return a name that a record may hold, whatever a folder is called."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("._-")[:64] or "dataset"


def _bare(name: str) -> str:
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
    return name.removesuffix(suffix)
