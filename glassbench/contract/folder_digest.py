"""The files of a plugin's folder, and the sha256 of those that count."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path, PurePosixPath

from .errors import UserError

CARD = "model.toml"
# Of a card, what changes a trial; its hyperparameters stand in the trial's key themselves.
COUNTED_KEYS = ("name", "entry", "reads", "conditions_per_fit")
# What people read and no model does. Tests at the top of the folder do not count either.
FOR_PEOPLE = {".md", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf"}
# In the archive of a folder, the digest of what it imports of its own package.
HELPERS_FILE = ".helpers"
HOUSE = "glassbench"


def plugin_files(folder: Path) -> list[tuple[str, Path]]:
    """Return name and path of every file in a folder, in the order of the names.

    Hidden files and `__pycache__`, which tools leave behind, are no part of it. Folders that
    are linked are, unless into themselves: their files are what a model imports.
    """
    return sorted(_files(folder, folder, (folder.resolve(),)))


def _files(root: Path, folder: Path, above: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    for entry in os.scandir(folder) if folder.is_dir() else ():
        path = Path(entry.path)
        if is_left_out(entry.name):
            continue
        if entry.is_file():
            yield path.relative_to(root).as_posix(), path
        elif entry.is_dir():
            resolved = path.resolve()
            if resolved in above:
                raise UserError(f"{path} is a link to a folder that it lies in: remove the link")
            yield from _files(root, path, (*above, resolved))


def is_left_out(name: str) -> bool:
    """Return whether a file or folder of this name is no part of a plugin."""
    return name.startswith((".", "__pycache__"))


def counts_for_trials(name: str) -> bool:
    """Return whether a file of a model's folder can change what a trial gives."""
    path = PurePosixPath(name)
    is_test = len(path.parts) == 1 and path.match("test_*.py")
    return not is_test and path.suffix.lower() not in FOR_PEOPLE and path.name != "LICENSE"


def folder_digest(folder: Path) -> str:
    """Return the sha256 over the files of a plugin's folder, names and bytes.

    Of a model's folder, what its code may read counts, not what people read: not its README,
    pictures and tests, nor what its card says of title, authors, tasks and defaults. Modules
    that it imports of its own installed package count too, wherever they lie.
    """
    files = plugin_files(folder)
    is_model = (folder / CARD).is_file()
    digest = hashlib.sha256()
    for name, path in files:
        if is_model and not counts_for_trials(name):
            continue
        content = _counted(path) if is_model and name == CARD else path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    helpers = helpers_digest(folder, [path for _, path in files])
    if helpers:
        digest.update(f"helpers\0{helpers}".encode())
    return digest.hexdigest()


def _counted(card: Path) -> bytes:
    """Return what counts of a `model.toml`; all of it where it is no TOML."""
    content = card.read_bytes()
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return content
    kept = {key: table[key] for key in COUNTED_KEYS if key in table}
    return json.dumps(kept, sort_keys=True, default=str).encode()


def helpers_digest(folder: Path, files: list[Path]) -> str:
    """Return the digest of the modules outside a folder that its package lends it, or nothing."""
    modules = imported_helpers(folder, files)
    if not modules:
        noted = folder / HELPERS_FILE
        return noted.read_text(encoding="utf-8") if noted.is_file() else ""
    digest = hashlib.sha256()
    for name, path in sorted(modules.items()):
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def imported_helpers(folder: Path, files: list[Path]) -> dict[str, Path]:
    """Return what lies outside a folder and its files use of their own package, by name.

    That is the modules that they import and, where they name the package at all, its data files.
    It is the outermost package around the plugin, as an installed one has, and read, not imported.
    """
    top = _package_around(folder)
    sources = [path for path in files if path.suffix == ".py"]
    if top is None or top.name == HOUSE:
        return {}
    own, modules = folder.absolute(), dict[str, Path]()
    named = any(top.name.encode() in path.read_bytes() for path in sources)
    if named and (top / "__init__.py").is_file():
        modules |= {
            name: path
            for name, path in plugin_files(top)
            if path.suffix != ".py" and counts_for_trials(name) and not path.is_relative_to(own)
        }
    waiting = [(path, _module_name(path, top)) for path in sources]
    while waiting:
        path, module = waiting.pop()
        try:
            names = list(imported_names(path, module))
        except (SyntaxError, ValueError):
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] != top.name:
                continue
            for end in range(1, len(parts) + 1):
                inner = ".".join(parts[:end])
                file = _module_file(top.parent.joinpath(*parts[:end]))
                if inner not in modules and file is not None and not file.is_relative_to(own):
                    modules[inner] = file
                    waiting.append((file, inner))
    return modules


def imported_names(path: Path, module: str) -> Iterator[str]:
    """Yield the full names that a file imports, at its top and inside its functions.

    Relative imports start from `module`, the file's own full name; nothing is imported.
    SyntaxError where Python cannot read the file, also one that is nested too deeply.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (RecursionError, MemoryError):
        raise SyntaxError(f"{path.name} is nested too deeply") from None
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        # An import is a statement: those inside this one, not its expressions.
        for inside in ("body", "orelse", "finalbody", "handlers", "cases"):
            of_node = getattr(node, inside, None)
            waiting += of_node if isinstance(of_node, list) else ()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            yield whole
            yield from (f"{whole}.{alias.name}" for alias in node.names)


def uncounted_imports(folder: Path) -> dict[str, str]:
    """Return the modules that a folder imports and its digest does not cover, with their places.

    Those are modules of one's own beside it, not of Python, nor of an installed package, which
    a version tells apart.
    """
    top, modules = _package_around(folder), {}
    for _, path in plugin_files(folder):
        with suppress(SyntaxError, ValueError, ImportError):
            names = imported_names(path, "plugin.module") if path.suffix == ".py" else ()
            for name in {name.partition(".")[0] for name in names} - {"plugin", HOUSE}:
                spec = None if top and name == top.name else find_spec(name)
                places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
                place = next((p for p in places if p and Path(p).is_absolute()), None)
                if place and not {"site-packages", "dist-packages"} & {*Path(place).parts}:
                    if not place.startswith(sysconfig.get_path("stdlib")):
                        modules[name] = place
    return modules


def _package_around(folder: Path) -> Path | None:
    """Return the outermost package around a folder: with an `__init__.py`, else as installed."""
    above, top = folder.absolute().parents, None
    for parent in above:
        if not (parent / "__init__.py").is_file():
            break
        top = parent
    roots = {os.path.abspath(entry) for entry in sys.path} - {os.getcwd()}
    below = (inner for inner, outer in pairwise(above) if str(outer) in roots)
    return top or next(below, None)


def _module_name(path: Path, top: Path) -> str:
    relative = path.absolute().relative_to(top.parent).with_suffix("")
    parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
    return ".".join(parts)


def _module_file(path: Path) -> Path | None:
    files = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)
