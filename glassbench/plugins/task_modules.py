"""Readers of published formats and figures of papers: in folders of tasks, in packages, at a path.

`readers/NAME.py` in a task's folder is the reader NAME, and `figures/NAME.py` the figure NAME;
files whose names begin with `_` help others. An installed package names a module by the entry
point `glassbench.readers` or `glassbench.figures`.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..contract.errors import UserError, did_you_mean
from ..contract.folder_digest import folder_digest
from .registry import is_path, plugin_package, whole_tasks

# By kind: the folder in a task's, which names its entry points too, and what a module defines.
KINDS = {
    "reader": ("readers", ("WORDS", "plan", "read")),
    "figure": ("figures", ("SOURCE", "REPORTED", "MODELS", "OPTIONS", "draw")),
    "panels": ("figures", ("PANELS",)),
}


@dataclass(frozen=True)
class TaskModule:
    """A reader or a figure, not imported yet: its file, or the dotted name of an installed module.

    Its origin is the name of a task, `package <name>` of an entry point, or `path`.
    """

    kind: str
    name: str
    origin: str
    module: Path | str

    @property
    def summary(self) -> str:
        """First line of what the file says of itself."""
        if isinstance(self.module, str):
            return ""
        said = ast.get_docstring(ast.parse(self.module.read_text(encoding="utf-8")))
        return (said or "").partition("\n")[0]

    def load(self) -> Any:
        """Import the module: `datasets.source.Reader`, or `figures.given.FigureModule`."""
        try:
            importlib.invalidate_caches()
            dotted = self.module
            if isinstance(dotted, Path):
                folder = dotted.parent
                dotted = f"{plugin_package(folder, folder_digest(folder))}.{dotted.stem}"
            module = importlib.import_module(dotted)
        except Exception as error:
            raise UserError(
                f"{self.kind} {self.name} ({self.module}) cannot be imported: "
                f"{type(error).__name__}: {error}"
            ) from error
        missing = [name for name in KINDS[self.kind][1] if not hasattr(module, name)]
        if missing:
            raise UserError(f"{self.kind} {self.module} does not define {', '.join(missing)}")
        return module


def list_panels() -> list[TaskModule]:
    """Return what tasks add to the figure of a dataset: `figures/_dataset.py` of their folders."""
    files = {task.name: task.folder / "figures" / "_dataset.py" for task in whole_tasks()}
    return [TaskModule("panels", f.stem, name, f) for name, f in files.items() if f.is_file()]


def _listed(kind: str) -> list[TaskModule]:
    """Return every module of a kind that a task or an installed package brings, by name."""
    folder = KINDS[kind][0]
    modules = [
        TaskModule(kind, file.stem, task.name, file)
        for task in whole_tasks()
        for file in sorted((task.folder / folder).glob("[!_]*.py"))
    ]
    for point in metadata.entry_points(group=f"glassbench.{folder}"):
        origin = f"package {point.dist.name if point.dist else '?'}"
        modules.append(TaskModule(kind, point.name, origin, point.value))
    modules.sort(key=lambda module: module.name)
    for first, second in pairwise(modules):
        if first.name == second.name:
            raise UserError(
                f"two {folder} are named `{first.name}`: {first.module} and {second.module}; "
                "rename or remove one of them"
            )
    return modules


def _find(kind: str, name: str) -> TaskModule:
    """Return a module of a kind by its name, or by the path of its file."""
    if is_path(name):
        file = Path(name).expanduser().absolute()
        if file.suffix != ".py" or not file.is_file():
            raise UserError(f"{file} is no file NAME.py of a {kind}")
        return TaskModule(kind, file.stem, "path", file)
    modules = {module.name: module for module in _listed(kind)}
    if name not in modules:
        raise UserError(f"there is no {kind} `{name}`{did_you_mean(name, modules)}")
    return modules[name]


list_readers, find_reader = partial(_listed, "reader"), partial(_find, "reader")
list_figures, find_figure = partial(_listed, "figure"), partial(_find, "figure")
