"""Finding tasks and models: in the checkout or wheel, on a path, in installed packages.

Finding reads TOML files alone; no plugin is imported until its class is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

from ..contract.errors import UserError
from ..contract.folder_digest import folder_digest
from ..contract.model_card import (
    ModelCard,
    hyperparameters_for,
    parse_model_card,
    read_model_card,
    read_toml,
)
from ..contract.suggest import did_you_mean
from ..contract.task import Task, TaskError, parse_task, read_task
from ..home.content import content_folder

__all__ = [
    "Found",
    "RegistryError",
    "content_folder",
    "hyperparameters_for",
    "list_models",
    "list_tasks",
    "load_model_card",
    "load_model_class",
    "load_task",
]

MODEL_GROUP = "glassbench.models"
TASK_GROUP = "glassbench.tasks"


class RegistryError(UserError):
    """A task or a model cannot be found or loaded; the message says which, and what there is."""


@dataclass(frozen=True)
class Found:
    """A task or a model that was found, whole or not.

    Attributes
    ----------
    origin : `tasks`, `baselines`, `submissions`, or `package <name>` of an entry point
    error : why it cannot be used, or None
    """

    name: str
    folder: Path
    origin: str
    error: str | None = None


def list_tasks() -> list[Found]:
    """Return every task, ordered by name.

    Raises
    ------
    RegistryError
        If two tasks have one name; both places are named.
    """
    places = [*_subfolders("tasks", "task.toml"), *_entry_points(TASK_GROUP)]
    return _unique("task", [_look(place, origin, "task.toml") for place, origin in places])


def list_models() -> list[Found]:
    """Return every model, ordered by name.

    Raises
    ------
    RegistryError
        If two models have one name; both places are named.
    """
    places = [
        *_subfolders("baselines", "model.toml"),
        *_subfolders("submissions", "model.toml"),
        *_entry_points(MODEL_GROUP),
    ]
    return _unique("model", [_look(place, origin, "model.toml") for place, origin in places])


def load_task(name: str | Path) -> Task:
    """Return a task by its name, or by the path of its folder.

    Raises
    ------
    RegistryError, TaskError
        If there is no such task, or it breaks the contract.
    """
    if _is_path(name):
        return read_task(_folder_of(name, "task.toml"))
    return read_task(_named("task", str(name), list_tasks()).folder)


def load_model_card(name: str | Path) -> ModelCard:
    """Return the card of a model by its name, or by the path of its folder.

    Raises
    ------
    RegistryError, ModelCardError
        If there is no such model, or it breaks the contract.
    """
    if _is_path(name):
        return read_model_card(_folder_of(name, "model.toml"))
    return read_model_card(_named("model", str(name), list_models()).folder)


def load_model_class(model: ModelCard | Path) -> type:
    """Import a model's folder and return the class that its `entry` names.

    The folder becomes a package under a name made from its digest, so that the
    `model.py` of two models never meet, and modules inside import each other
    relatively.

    Raises
    ------
    RegistryError
        If the import fails, or the class lacks `fit` or `predict`.
    """
    card = model if isinstance(model, ModelCard) else read_model_card(model)
    package = _plugin_package(card.folder, card.digest or folder_digest(card.folder))
    module_name, _, class_name = card.entry.partition(":")
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(f"{package}.{module_name}")
    except Exception as error:
        raise RegistryError(
            f"model {card.name} in {card.folder} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise RegistryError(
            f"model {card.name}: {module_name}.py in {card.folder} has no class `{class_name}`, "
            "which its entry names"
        )
    for method in ("fit", "predict"):
        if not callable(getattr(found, method, None)):
            raise RegistryError(f"model {card.name}: class `{class_name}` has no `{method}`")
    return found


def _plugin_package(folder: Path, digest: str) -> str:
    """Make the folder importable as a package and return the package's name."""
    name = f"glassbench_plugin_{digest[:16]}"
    present = sys.modules.get(name)
    if present is not None and all(Path(place).is_dir() for place in present.__path__):
        return name
    _forget(name)
    init = folder / "__init__.py"
    if init.is_file():
        spec = importlib.util.spec_from_file_location(
            name, init, submodule_search_locations=[str(folder)]
        )
    else:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if spec.loader is not None:
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            _forget(name)
            raise RegistryError(
                f"{init} cannot be imported: {type(error).__name__}: {error}"
            ) from error
    return name


def _forget(name: str) -> None:
    """Drop a package from the modules: its folder is gone, or its import failed."""
    for module in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[module]


def _subfolders(kind: str, file: str) -> Iterator[tuple[Path, str]]:
    root = content_folder(kind)
    if root.is_dir():
        for folder in sorted(root.iterdir()):
            if (folder / file).is_file():
                yield folder, kind


def _entry_points(group: str) -> Iterator[tuple[Path, str]]:
    """Yield the folders that installed packages name, without importing any of them."""
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=group), key=lambda p: p.name):
        package = point.dist.name if point.dist else "?"
        top, *rest = point.module.split(".")
        spec = importlib.util.find_spec(top)
        roots = list(spec.submodule_search_locations or []) if spec else []
        folders = [Path(root, *rest) for root in roots] or [Path(*point.module.split("."))]
        yield next((f for f in folders if f.is_dir()), folders[0]), f"package {package}"


def _look(folder: Path, origin: str, file: str) -> Found:
    """Read what is in a folder; whatever is wrong with it becomes its `error`."""
    name = folder.name
    try:
        table = read_toml(folder / file)
        name = table["name"] if isinstance(table.get("name"), str) else name
        (parse_model_card if file == "model.toml" else parse_task)(table, folder)
    except (UserError, TaskError, OSError) as error:
        return Found(name, folder, origin, str(error))
    except (KeyError, TypeError, AttributeError) as error:
        return Found(name, folder, origin, f"{folder / file}: {type(error).__name__}: {error}")
    return Found(name, folder, origin)


def _unique(kind: str, found: list[Found]) -> list[Found]:
    """Return the findings by name; one folder found twice is one, two folders are refused."""
    by_name: dict[str, Found] = {}
    for item in found:
        other = by_name.setdefault(item.name, item)
        if other.folder.resolve() != item.folder.resolve():
            raise RegistryError(
                f"two {kind}s are named `{item.name}`: {other.folder} ({other.origin}) and "
                f"{item.folder} ({item.origin}); rename or remove one of them"
            )
    return [by_name[name] for name in sorted(by_name)]


def _named(kind: str, name: str, found: list[Found]) -> Found:
    for item in found:
        if item.name == name:
            if item.error:
                raise RegistryError(f"{kind} `{name}` cannot be used: {item.error}")
            return item
    names = [item.name for item in found]
    path_hint = "; a path must contain a slash, as `./my_model`" if Path(name).is_dir() else ""
    raise RegistryError(f"there is no {kind} `{name}`{did_you_mean(name, names)}{path_hint}")


def _is_path(name: str | Path) -> bool:
    if isinstance(name, Path):
        return True
    return "/" in name or os.sep in name or name.startswith((".", "~"))


def _folder_of(path: str | Path, file: str) -> Path:
    folder = Path(path).expanduser().absolute()
    folder = folder.parent if folder.name == file else folder
    if not (folder / file).is_file():
        raise RegistryError(f"{folder} holds no {file}: give the folder of the plugin")
    return folder
