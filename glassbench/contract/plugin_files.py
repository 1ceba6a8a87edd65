"""The files of a plugin's folder: the one list for digests, archives and submissions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .errors import UserError

# What people read and no model does. Tests at the top of the folder do not count either.
FOR_PEOPLE = {".md", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf"}


def plugin_files(folder: Path) -> list[tuple[str, Path]]:
    """Return name and path of every file in a folder, in the order of the names.

    Hidden files and `__pycache__`, which tools leave behind, are no part of it. Folders that
    are linked are: their files are what a model imports.

    Raises
    ------
    UserError
        If a folder is linked into itself.
    """
    return sorted(_files(folder, folder, (folder.resolve(),)))


def _files(root: Path, folder: Path, above: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    for entry in os.scandir(folder) if folder.is_dir() else ():
        path = Path(entry.path)
        if entry.name.startswith((".", "__pycache__")):
            continue
        if entry.is_file():
            yield path.relative_to(root).as_posix(), path
        elif entry.is_dir():
            resolved = path.resolve()
            if resolved in above:
                raise UserError(f"{path} is a link to a folder that it lies in: remove the link")
            yield from _files(root, path, (*above, resolved))


def counts_for_trials(name: str) -> bool:
    """Return whether a file of a model's folder can change what a trial gives.

    Parameters
    ----------
    name : path of the file in the folder
    """
    path = PurePosixPath(name)
    is_test = len(path.parts) == 1 and path.match("test_*.py")
    return not is_test and path.suffix.lower() not in FOR_PEOPLE and path.name != "LICENSE"
