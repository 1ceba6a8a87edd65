"""The contract of `model.toml`: who made a model, what it reads, and its hyperparameters."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import UserError
from .folder_digest import folder_digest
from .search_space import Dimension, parse_space
from .suggest import did_you_mean
from .task import INPUT_TIERS
from .typed_value import typed_value

CLAIMS = ("permutation", "translation", "periodic", "rotation", "reflection")
CONDITIONS_PER_FIT = ("one", "all")
RESOURCES = {"cpus": 1.0, "gpus": 0.0}
# What a card may say besides, for plans: memory in GB, and how long a trial takes.
HINTS = ("memory_gb", "minutes")
MAX_BYTES = 2**16
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

_REQUIRED = {
    "name": str,
    "title": str,
    "authors": list,
    "year": int,
    "licence": str,
    "entry": str,
    "reads": list,
    "tasks": list,
    "conditions_per_fit": str,
}
_OPTIONAL = {
    "doi": str,
    "claims": list,
    "dependencies": list,
    "resources": dict,
    "hyperparameters": dict,
    "defaults": dict,
    "search_space": dict,
}


class ModelCardError(UserError):
    """A `model.toml` breaks the contract; the message names file, key and limit."""


@dataclass(frozen=True)
class ModelCard:
    """What `model.toml` says.

    Attributes
    ----------
    entry : `module:Class` inside the folder, such as `model:Botan`
    reads : tiers of input, of `INPUT_TIERS`; models that read more are ranked apart
    tasks : names of the tasks that the model serves
    conditions_per_fit : `one`, or `all` for a model that serves all conditions at once
    claims : symmetries that the conformance test may hold the model to, of `CLAIMS`
    dependencies : packages beyond those of GlassBench, as pip writes them
    resources : `cpus` and `gpus` that one trial takes, and where the card says so `memory_gb`
        and `minutes`
    hyperparameters : every hyperparameter with its default; the default fixes the type
    defaults : by task and dataset, hyperparameters that differ there
    search_space : the hyperparameters that may be tuned, see `tuning.space`
    digest : sha256 over the folder, empty for a card that was only parsed
    """

    name: str
    title: str
    authors: tuple[str, ...]
    doi: str
    year: int
    licence: str
    entry: str
    reads: tuple[str, ...]
    tasks: tuple[str, ...]
    conditions_per_fit: str
    claims: tuple[str, ...]
    dependencies: tuple[str, ...]
    resources: Mapping[str, float]
    hyperparameters: Mapping[str, Any]
    defaults: Mapping[str, Mapping[str, Mapping[str, Any]]]
    search_space: tuple[Dimension, ...]
    folder: Path = field(compare=False)
    digest: str = ""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table of a TOML file.

    Raises
    ------
    ModelCardError
        If the file is missing, is no TOML, or is longer than `MAX_BYTES`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise ModelCardError(f"{path.parent} holds no {path.name}") from None
    if len(data) > MAX_BYTES:
        raise ModelCardError(f"{path} is longer than {MAX_BYTES} bytes: a card is a page of text")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except RecursionError:
        raise ModelCardError(f"{path} is not valid TOML: it is nested too deeply") from None
    except ValueError as error:
        raise ModelCardError(f"{path} is not valid TOML: {error}") from error


def read_model_card(folder: Path) -> ModelCard:
    """Return the card of a model's folder, with the digest of the folder.

    Raises
    ------
    ModelCardError
        If there is no `model.toml`, or it breaks the contract.
    """
    card = parse_model_card(read_toml(folder / "model.toml"), folder)
    return replace(card, digest=folder_digest(folder))


def parse_model_card(table: Mapping[str, Any], folder: Path) -> ModelCard:
    """Return the card that a parsed `model.toml` describes, without the folder's digest.

    Raises
    ------
    ModelCardError
        If a key is missing, unknown or of the wrong kind.
    """
    where = folder / "model.toml"
    _check_keys(table, where)
    values = {key: table.get(key, kind()) for key, kind in (_REQUIRED | _OPTIONAL).items()}
    for key in ("authors", "reads", "tasks", "claims", "dependencies"):
        if not all(isinstance(value, str) for value in values[key]):
            raise ModelCardError(f"{where}: `{key}` must be a list of strings, not {values[key]!r}")
        values[key] = tuple(values[key])
    if not NAME.fullmatch(values["name"]):
        raise ModelCardError(
            f"{where}: `name` is {values['name'][:80]!r}: up to 64 letters, digits, `_`, `.` and "
            "`-` are wanted, a letter or digit first"
        )
    _check_entry(values["entry"], where)
    _check_among(values["reads"], INPUT_TIERS, "reads", where)
    _check_among(values["claims"], CLAIMS, "claims", where)
    _check_among((values["conditions_per_fit"],), CONDITIONS_PER_FIT, "conditions_per_fit", where)
    for key in ("reads", "tasks", "authors"):
        if not values[key]:
            raise ModelCardError(f"{where}: `{key}` is empty: name at least one")
    values["resources"] = _resources(values["resources"], where)
    try:
        values["search_space"] = parse_space(
            values["search_space"], values["hyperparameters"], values["tasks"]
        )
    except ValueError as error:
        raise ModelCardError(f"{where}: {error}") from None
    card = ModelCard(**values, folder=folder)
    _check_hyperparameters(card, where)
    return card


def _check_keys(table: Mapping[str, Any], where: Path) -> None:
    kinds = _REQUIRED | _OPTIONAL
    for key, value in table.items():
        if key not in kinds:
            raise ModelCardError(f"{where}: unknown key `{key}`{did_you_mean(key, kinds)}")
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            raise ModelCardError(f"{where}: `{key}` is {value!r}, {kinds[key].__name__} is wanted")
    for key in _REQUIRED:
        if key not in table:
            raise ModelCardError(f"{where}: key `{key}` is missing: add it")


def _check_entry(entry: str, where: Path) -> None:
    module, _, name = entry.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ModelCardError(f"{where}: entry `{entry}` is not `module:Class`, as `model:Botan`")


def _check_among(values: tuple[str, ...], known: tuple[str, ...], key: str, where: Path) -> None:
    for value in values:
        if value not in known:
            raise ModelCardError(f"{where}: `{key}` has `{value}`{did_you_mean(value, known)}")


def _resources(table: Mapping[str, Any], where: Path) -> dict[str, float]:
    for name, value in table.items():
        if name not in (*RESOURCES, *HINTS):
            known = (*RESOURCES, *HINTS)
            raise ModelCardError(f"{where}: unknown resource `{name}`{did_you_mean(name, known)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ModelCardError(
                f"{where}: resource `{name}` is {value!r}, a number >= 0 is wanted"
            )
    return RESOURCES | {name: float(value) for name, value in table.items()}


def _check_hyperparameters(card: ModelCard, where: Path) -> None:
    """Hold `defaults` to the names and types of `hyperparameters`."""
    known = card.hyperparameters
    for task, datasets in card.defaults.items():
        if not isinstance(datasets, Mapping):
            raise ModelCardError(f"{where}: [defaults] holds `{task}`: name a task and a dataset")
        for dataset, values in datasets.items():
            section = f"[defaults.{task}.{dataset}]"
            if not isinstance(values, Mapping):
                raise ModelCardError(
                    f"{where}: [defaults.{task}] holds `{dataset}`: name a dataset"
                )
            for name, value in values.items():
                if name not in known:
                    hint = did_you_mean(name, known)
                    raise ModelCardError(f"{where}: {section} has `{name}`{hint}")
                try:
                    typed_value(value, known[name])
                except ValueError as error:
                    raise ModelCardError(f"{where}: {section} `{name}`: {error}") from None


ANY_DATASET = "any"


class HyperparameterError(UserError):
    """A hyperparameter does not exist, or has a value of the wrong type."""


def hyperparameters_for(
    card: ModelCard, task: str, dataset: str, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the hyperparameters of a run: defaults, those of task and dataset, then overrides.

    Defaults under `[defaults.<task>.any]` hold on every dataset of the task. Those of a dataset
    come after them: of `mini` on `mini_temperatures` too, which is of the same size, before
    those that name it in full.

    Parameters
    ----------
    overrides : values, or text as on a command line, which is read as the type of the default

    Raises
    ------
    HyperparameterError
        If the model has no such hyperparameter, or the value does not fit its type.
    """
    chosen = dict(card.hyperparameters)
    of_task = card.defaults.get(task, {})
    family = dataset.split("_")[0]
    for section in dict.fromkeys((ANY_DATASET, family, dataset)):
        for name, value in of_task.get(section, {}).items():
            chosen[name] = typed_value(value, card.hyperparameters[name])
    for name, value in overrides.items():
        if name not in card.hyperparameters:
            raise HyperparameterError(
                f"model {card.name} has no hyperparameter `{name}`"
                f"{did_you_mean(name, card.hyperparameters)}"
            )
        try:
            chosen[name] = typed_value(value, card.hyperparameters[name])
        except ValueError as error:
            raise HyperparameterError(f"model.{name} of {card.name}: {error}") from None
    return chosen
