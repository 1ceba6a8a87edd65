"""Finding tasks and models: in the checkout or wheel, on a path, in installed packages.

Finding reads TOML files alone; no plugin is imported until its class is asked for.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from ..contract.errors import UserError, did_you_mean
from ..home.files import write_file
from ..home.workspace import content_folder

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.task import Task

# By kind: the file of a folder, the folders that hold such folders, the group of entry points.
KINDS = {
    "task": ("task.toml", ("tasks",), "glassbench.tasks"),
    "model": ("model.toml", ("baselines", "submissions"), "glassbench.models"),
}


PLUGIN = "glassbench_plugin_"
# Puts the package of a plugin in its own place.
MODULE_FOR_CHILDREN = """\
import pathlib, sys
from glassbench.plugins.registry import plugin_package
del sys.modules[__name__]
plugin_package(pathlib.Path({folder!r}), {digest!r})
"""


@dataclass(frozen=True)
class Plugin:
    """A task or a model: what its `task.toml` or `model.toml` says, or why it cannot be used.

    Its origin is `tasks`, `baselines`, `submissions`, or `package <name>` of an entry point.
    """

    name: str
    folder: Path
    origin: str
    error: str | None = None
    contract: Any = None


def list_tasks() -> list[Plugin]:
    """Return every task, ordered by name."""
    return _plugins("task")


def list_models() -> list[Plugin]:
    """Return every model, ordered by name."""
    return _plugins("model")


def whole_tasks() -> list[Task]:
    """Return every task that can be used."""
    return [plugin.contract for plugin in list_tasks() if plugin.error is None]


def whole_models() -> list[ModelCard]:
    """Return the card of every model that can be used."""
    return [plugin.contract for plugin in list_models() if plugin.error is None]


def load_task(name: str | Path) -> Task:
    """Return a task by its name, or by the path of its folder."""
    return _load("task", name)


def load_model_card(name: str | Path) -> ModelCard:
    """Return the card of a model by its name, or by the path of its folder."""
    return _load("model", name)


def load_model_class(model: ModelCard | Path) -> type:
    """Import a model's folder and return the class that its `entry` names.

    The folder becomes a package under a name made from its digest, so that the
    `model.py` of two models never meet, and modules inside import each other
    relatively.
    """
    card = load_model_card(model) if isinstance(model, Path) else model
    package = plugin_package(card.folder, card.digest)
    module_name, _, class_name = card.entry.partition(":")
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(f"{package}.{module_name}")
    except Exception as error:
        raise UserError(
            f"model {card.name} in {card.folder} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    model_class = getattr(module, class_name, None)
    if not isinstance(model_class, type):
        raise UserError(
            f"model {card.name}: {module_name}.py in {card.folder} has no class `{class_name}`, "
            "which its entry names"
        )
    for method in ("fit", "predict"):
        if not callable(getattr(model_class, method, None)):
            raise UserError(f"model {card.name}: class `{class_name}` has no `{method}`")
    return model_class


def plugin_package(folder: Path, digest: str) -> str:
    """Make the folder importable as a package and return the package's name."""
    name = f"{PLUGIN}{digest[:16]}"
    show_to_children(folder, digest)
    present = sys.modules.get(name)
    if present is not None and all(Path(root).is_dir() for root in present.__path__):
        return name
    _forget(name)
    init = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        name,
        init,
        loader=_SourceLoader(name, str(init)),
        submodule_search_locations=[str(folder)],
    )
    if spec is None or not init.is_file():
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if spec.loader is not None:
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            _forget(name)
            raise UserError(
                f"{init} cannot be imported: {type(error).__name__}: {error}"
            ) from error
    return name


class _SourceLoader(SourceFileLoader):
    """Compiles the source that has the digest, and neither reads nor writes bytecode."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


class _PluginFinder(MetaPathFinder):
    """Finds the modules inside plugins' packages."""

    def find_spec(self, fullname: str, path: Any, target: object = None) -> ModuleSpec | None:
        if not (path and fullname.startswith(PLUGIN)):
            return None
        loaders = (_SourceLoader, SOURCE_SUFFIXES), (ExtensionFileLoader, EXTENSION_SUFFIXES)
        return FileFinder(str(next(iter(path))), *loaders).find_spec(fullname)


sys.meta_path.insert(0, _PluginFinder())


def show_to_children(folder: Path, digest: str) -> None:
    """Let processes that a plugin starts anew, as spawn and loky do, import it under its name.

    They inherit the path of modules, on which a folder of the user's own holds this module.
    """
    name = f"{PLUGIN}{digest[:16]}"
    modules = Path(tempfile.gettempdir(), f"glassbench-plugins-{os.getuid()}")
    text = MODULE_FOR_CHILDREN.format(folder=str(folder.absolute()), digest=digest)
    with contextlib.suppress(OSError):
        modules.mkdir(mode=0o700, exist_ok=True)
        facts, file = modules.lstat(), modules / f"{name}.py"
        if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
            return
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            write_file(file, text)
        if str(modules) not in sys.path:
            sys.path.append(str(modules))


def _forget(name: str) -> None:
    """Drop a package from the modules: its folder is gone, or its import failed."""
    for module in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[module]


def _plugins(kind: str) -> list[Plugin]:
    """Return what lies in the folders of a kind and what installed packages name; none is imported.

    One folder that is met twice is one plugin, two whole ones of a name are refused.
    """
    file, parents, group = KINDS[kind]
    plugins = [
        _look(path.parent, parent, file)
        for parent in parents
        for path in sorted(content_folder(parent).glob(f"*/{file}"))
    ]
    for point in sorted(metadata.entry_points(group=group), key=lambda point: point.name):
        origin = f"package {point.dist.name if point.dist else '?'}"
        try:
            plugins.append(_look(_folder_of_entry_point(point), origin, file))
        except (AttributeError, ImportError, ValueError):
            error = (
                f"its entry point `{point.name} = {point.value}` of {group} names no module: "
                "write `name = package.module`"
            )
            plugins.append(Plugin(point.name, Path(), origin, error))
    by_name: dict[str, Plugin] = {}
    for plugin in (plugin for plugin in plugins if plugin.error is None):
        other = by_name.setdefault(plugin.name, plugin)
        if other.folder.resolve() != plugin.folder.resolve():
            raise UserError(
                f"two {kind}s are named `{plugin.name}`: {other.folder} ({other.origin}) and "
                f"{plugin.folder} ({plugin.origin}); rename or remove one of them"
            )
    broken = [plugin for plugin in plugins if plugin.error is not None]
    return sorted([*by_name.values(), *broken], key=lambda plugin: plugin.name)


def _folder_of_entry_point(point: metadata.EntryPoint) -> Path:
    top, *rest = point.module.split(".")
    spec = importlib.util.find_spec(top)
    roots = list(spec.submodule_search_locations or []) if spec else []
    folders = [Path(root, *rest) for root in roots] or [Path(top, *rest)]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _look(folder: Path, origin: str, file: str) -> Plugin:
    """Read what is in a folder; whatever is wrong with it becomes its `error`."""
    try:
        contract = _read(folder, file)
        return Plugin(contract.name, folder, origin, contract=contract)
    except (UserError, OSError) as error:
        return Plugin(folder.name, folder, origin, str(error))


def _read(folder: Path, file: str) -> Any:
    """Return the contract of a folder; its digest, which may change, is that of this call."""
    path = folder / file
    facts = path.stat() if path.is_file() else None
    state = facts and (facts.st_size, facts.st_mtime_ns)
    return _parsed(folder, file, state).model_copy()


@functools.lru_cache(maxsize=256)
def _parsed(folder: Path, file: str, state: tuple[int, int] | None) -> Any:
    if file == "task.toml":
        from ..contract.task import read_task

        return read_task(folder)
    from ..contract.model_card import read_model_card

    return read_model_card(folder)


def _load(kind: str, name: str | Path) -> Any:
    """Return the contract of a plugin, by its name or by a path."""
    if is_path(name):
        file = KINDS[kind][0]
        folder = Path(name).expanduser().absolute()
        folder = folder.parent if folder.name == file else folder
        if not (folder / file).is_file():
            raise UserError(f"{folder} holds no {file}: give the folder of the plugin")
        return _read(folder, file)
    plugins = _plugins(kind)
    named = [plugin for plugin in plugins if plugin.name == name]
    for plugin in sorted(named, key=lambda plugin: plugin.error is not None):
        if plugin.error is None:
            return plugin.contract
        raise UserError(f"{kind} `{name}` cannot be used: {plugin.error}")
    names = [plugin.name for plugin in plugins]
    path_hint = "; a path must contain a slash, as `./my_model`" if Path(name).is_dir() else ""
    raise UserError(f"there is no {kind} `{name}`{did_you_mean(str(name), names)}{path_hint}")


def is_path(name: str | Path) -> bool:
    """Return whether a path is meant, not a name."""
    return isinstance(name, Path) or "/" in name or name.startswith((".", "~"))
