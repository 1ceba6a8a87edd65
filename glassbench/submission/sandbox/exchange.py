"""What goes into a cell: structures without labels, training examples, and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, TypedDict

from ...contract.plugin_files import counts_for_trials, plugin_files
from ...model import Condition, Example, Structure

ARRAYS = [f.name for f in fields(Structure) if f.name not in ("configuration", "dynamics")]
DYNAMICS, BALANCED = "dynamics.", "balanced."


class ExampleEntry(TypedDict):
    """A training example: number of its structure, and the file of its targets."""

    structure: int
    condition: dict[str, float]
    targets: str


class QuestionEntry(TypedDict):
    """Numbers of the structures to predict, and the condition that the model is told."""

    condition: dict[str, float]
    structures: list[int]


class PredictAction(TypedDict):
    """Load or train a model, and answer every question."""

    action: Literal["predict"]
    audit: bool
    seed: int
    hyperparameters: dict[str, Any]
    conditions: list[dict[str, float]]
    train: list[ExampleEntry]
    valid: list[ExampleEntry]
    questions: list[QuestionEntry]


class ProbeAction(TypedDict):
    """Try every wall: `canaries` must not be read, `variables` not known, `outside` not seen."""

    action: Literal["probe"]
    canaries: list[str]
    port: int
    outside: dict[str, Any]
    variables: list[str]
    scratch: str


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

        known = self.written.get(id(structure))
        if known is not None:
            return known[1]
        number = len(self.written)
        # The structure is kept, so that no other one takes its identity.
        self.written[id(structure)] = (structure, number)
        arrays = {name: getattr(structure, name) for name in ARRAYS}
        arrays |= {DYNAMICS + name: a for name, a in (structure.dynamics or {}).items()}
        present: dict[str, Any] = {
            name: array for name, array in arrays.items() if array is not None
        }
        np.savez(self.folder / f"{number}.npz", **present)
        return number

    def add_example(self, example: Example) -> ExampleEntry:
        """Return the entry of a training example; its targets are written beside it."""
        import numpy as np

        name = f"targets-{self.targets}.npz"
        self.targets += 1
        arrays: dict[str, Any] = dict(example.targets)
        if example.balanced is not None:
            arrays[BALANCED] = example.balanced
        np.savez(self.folder / name, **arrays)
        return {
            "structure": self.add(example.structure),
            "condition": dict(example.condition),
            "targets": name,
        }


def prepare_folder(folder: Path, model: Path, task: Path, weights: Path | None = None) -> Path:
    """Copy the files of the submission, its weights, and the task's contract without its data.

    Only what the digest covers is copied: compiled code in a cache would run in its source's
    place, and code could hide in a README.
    """
    (folder / "model").mkdir(parents=True)
    for name, source in plugin_files(model):
        if not counts_for_trials(name):
            continue
        target = folder / "model" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target, follow_symlinks=False)
    if weights is not None:
        shutil.copytree(weights, folder / "weights", symlinks=True)
    (folder / "task").mkdir()
    shutil.copyfile(task / "task.toml", folder / "task" / "task.toml")
    return folder


def write_request(folder: Path, request: Mapping[str, Any]) -> None:
    """Write what a cell is to do, and let everyone read the folder but nobody change it."""
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def read_structure(folder: Path, number: int) -> Structure:
    """Return a structure that `StructureFiles` wrote, named by its number."""
    import numpy as np

    with np.load(folder / "structures" / f"{number}.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    dynamics = {
        name.removeprefix(DYNAMICS): arrays.pop(name)
        for name in list(arrays)
        if name.startswith(DYNAMICS)
    }
    return Structure(**arrays, dynamics=dynamics or None, configuration=f"structure-{number}")


class ExampleFiles(Sequence[Example]):
    """Training examples that are read when they are asked for."""

    def __init__(self, folder: Path, entries: Sequence[ExampleEntry]) -> None:
        self.folder, self.entries = folder, list(entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Example]:
        return (self[position] for position in range(len(self)))

    def __getitem__(self, position: Any) -> Any:
        import numpy as np

        if isinstance(position, slice):
            return ExampleFiles(self.folder, self.entries[position])
        entry = self.entries[position]
        path = self.folder / "structures" / entry["targets"]
        with np.load(path, allow_pickle=False) as file:
            targets = {name: file[name] for name in file.files}
        return Example(
            read_structure(self.folder, entry["structure"]),
            Condition.of(**entry["condition"]),
            targets,
            targets.pop(BALANCED, None),
        )
