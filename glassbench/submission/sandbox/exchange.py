"""What goes into a cell: structures without labels, training examples, and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.folder_digest import counts_for_trials, plugin_files
from ...home.workspace import Workspace, find_given_files
from ...model import Condition, Example, Structure
from .shown import INPUT

if TYPE_CHECKING:
    import numpy as np

ARRAYS = [f.name for f in fields(Structure) if f.name not in ("configuration", "dynamics")]
DYNAMICS, BALANCED = "dynamics.", "balanced."


class StructureFiles:
    """Writes structures to a folder, each once, under numbers that tell nothing of their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "structures"
        self.folder.mkdir(parents=True)
        self.written: dict[int, tuple[Structure, int]] = {}
        self.targets = 0

    def add(self, structure: Structure) -> int:
        """Return the number under which the structure is written."""
        import numpy as np

        if id(structure) in self.written:
            return self.written[id(structure)][1]
        number = len(self.written)
        # The structure is kept, so that no other one takes its identity.
        self.written[id(structure)] = (structure, number)
        arrays = {name: getattr(structure, name) for name in ARRAYS}
        arrays |= {DYNAMICS + name: a for name, a in (structure.dynamics or {}).items()}
        present: dict[str, Any] = {name: a for name, a in arrays.items() if a is not None}
        np.savez(self.folder / f"{number}.npz", **present)
        return number

    def add_example(self, example: Example) -> dict[str, Any]:
        """Return the number, the condition and the file of targets of a training example."""
        import numpy as np

        name = f"targets-{self.targets}.npz"
        self.targets += 1
        arrays: dict[str, Any] = dict(example.targets)
        if example.balanced is not None:
            arrays[BALANCED] = example.balanced
        np.savez(self.folder / name, **arrays)
        number, condition = self.add(example.structure), dict(example.condition)
        return {"structure": number, "condition": condition, "targets": name}


def prepare_folder(folder: Path, model: Path, task: Path, weights: Path | None = None) -> None:
    """Copy the files of the submission, its weights, and the task's contract without its data.

    Only what the digest covers is copied: compiled code in a cache would run in its source's
    place, and code could hide in a README.
    """
    for name, source in plugin_files(model):
        if counts_for_trials(name):
            _copy(source, folder / "model" / name)
    if weights is not None:
        for name, source in plugin_files(weights):
            _copy(source, folder / "weights" / name)
    _copy(task / "task.toml", folder / "task" / "task.toml")


def add_given_files(
    folder: Path, hyperparameters: Mapping[str, Any], workspace: Workspace | None
) -> dict[str, Any]:
    """Copy the files that hyperparameters name; return these with the paths inside the cell."""
    values = dict(hyperparameters)
    if workspace is None:
        return values
    for number, (name, value) in enumerate(find_given_files(values, workspace).items()):
        if value != values[name]:
            inside = f"given/{number}/{Path(value).name}"
            _copy(Path(value), folder / inside)
            values[name] = f"{INPUT}/{inside}"
    return values


def write_request(folder: Path, request: Mapping[str, Any]) -> None:
    """Write what a cell is to do, and let everyone read the folder but nobody change it."""
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def read_structure(folder: Path, number: int) -> Structure:
    """Return a structure that `StructureFiles` wrote, named by its number."""
    arrays = _arrays(folder / "structures" / f"{number}.npz")
    names = [name for name in arrays if name.startswith(DYNAMICS)]
    dynamics = {name.removeprefix(DYNAMICS): arrays.pop(name) for name in names}
    values: dict[str, Any] = arrays
    return Structure(**values, dynamics=dynamics or None, configuration=f"structure-{number}")


class ExampleFiles(Sequence[Example]):
    """Training examples that are read when they are asked for."""

    def __init__(self, folder: Path, entries: Sequence[Mapping[str, Any]]) -> None:
        self.folder, self.entries = folder, list(entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Example]:
        return (self[position] for position in range(len(self)))

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return ExampleFiles(self.folder, self.entries[position])
        entry = self.entries[position]
        targets = _arrays(self.folder / "structures" / entry["targets"])
        balanced = targets.pop(BALANCED, None)
        structure = read_structure(self.folder, entry["structure"])
        return Example(structure, Condition.of(**entry["condition"]), targets, balanced)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)
