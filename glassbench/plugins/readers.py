"""Readers of published formats: in the folders of tasks, in installed packages, or at a path.

`readers/NAME.py` in a task's folder is the reader NAME; files whose names begin with `_` help
others. An installed package names a module by the entry point `glassbench.readers`.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..contract.errors import did_you_mean
from ..contract.folder_digest import folder_digest
from .registry import RegistryError, is_path, plugin_package, whole_tasks

FOLDER, GROUP = "readers", "glassbench.readers"
NAMES = ("WORDS", "plan", "read")


@dataclass(frozen=True)
class FoundReader:
    """A reader, not imported yet: its file, or the dotted name of an installed module.

    Its origin is the name of a task, `package <name>` of an entry point, or `path`.
    """

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
        """Import the module; it has the names of `datasets.source.Reader`."""
        try:
            importlib.invalidate_caches()
            dotted = self.module
            if isinstance(dotted, Path):
                folder = dotted.parent
                dotted = f"{plugin_package(folder, folder_digest(folder))}.{dotted.stem}"
            module = importlib.import_module(dotted)
        except Exception as error:
            raise RegistryError(
                f"reader {self.name} ({self.module}) cannot be imported: "
                f"{type(error).__name__}: {error}"
            ) from error
        missing = [name for name in NAMES if not hasattr(module, name)]
        if missing:
            raise RegistryError(f"reader {self.module} does not define {', '.join(missing)}")
        return module


def list_readers() -> list[FoundReader]:
    """Return every reader that a task or an installed package brings, ordered by name."""
    readers = [
        FoundReader(file.stem, task.name, file)
        for task in whole_tasks()
        for file in sorted((task.folder / FOLDER).glob("[!_]*.py"))
    ]
    for point in metadata.entry_points(group=GROUP):
        origin = f"package {point.dist.name if point.dist else '?'}"
        readers.append(FoundReader(point.name, origin, point.value))
    readers.sort(key=lambda reader: reader.name)
    for first, second in pairwise(readers):
        if first.name == second.name:
            raise RegistryError(
                f"two readers are named `{first.name}`: {first.module} and {second.module}; "
                "rename or remove one of them"
            )
    return readers


def find_reader(name: str) -> FoundReader:
    """Return a reader by its name, or by the path of its file."""
    if is_path(name):
        file = Path(name).expanduser().absolute()
        if file.suffix != ".py" or not file.is_file():
            raise RegistryError(f"{file} is no file NAME.py of a reader")
        return FoundReader(file.stem, "path", file)
    readers = {reader.name: reader for reader in list_readers()}
    if name not in readers:
        raise RegistryError(f"there is no reader `{name}`{did_you_mean(name, readers)}")
    return readers[name]
