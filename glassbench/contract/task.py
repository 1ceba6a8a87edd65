"""The contract of a task: what `task.toml` says, checked and as plain data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .errors import UserError

SYMMETRIES = ("none", "square", "cubic", "shear_2d", "shear_3d")
INPUT_TIERS = ("thermal", "inherent", "cage", "dynamics")
# What a structure may carry under the tier `dynamics`, where a dataset has it.
DYNAMICS = ("vibrational_msd",)
REQUIRED = {
    "name", "title", "summary", "protocol_version", "target", "targets", "symmetry", "axes",
    "metrics", "floors", "datasets", "default_dataset", "citation",
}  # fmt: skip
OPTIONAL = {"transfer", "quick"}


class TaskError(UserError):
    """A `task.toml` breaks the contract; the message names file, key and limit."""


@dataclass(frozen=True)
class Axis:
    """One axis of the conditions, such as `temperature` or `time`.

    `default` holds the values that a run takes when none are asked for and the dataset
    names none of its own; empty for all that there are.
    """

    name: str
    symbol: str
    unit: str
    default: tuple[float, ...] = ()


@dataclass(frozen=True)
class Target:
    """A quantity to predict: per `particle` or per `pair`.

    `label_of` names the stored quantity whose threshold makes it a label of 0 and 1; it
    is empty for a quantity that is stored itself.
    """

    name: str
    per: str
    unit: str
    description: str = ""
    label_of: str = ""


@dataclass(frozen=True)
class DatasetEntry:
    """A dataset that a task names, and the conditions that a run takes when none are asked for."""

    name: str
    path: str | None
    description: str
    default: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Task:
    """A standardised problem. `metrics` holds the tables of `task.toml` as they stand.

    `transfer` names the axes over which a model fitted at one value is also scored at the
    others; `quick` names the models of a first look, minutes of work on two cores.
    """

    name: str
    title: str
    summary: str
    protocol_version: int
    target: str
    targets: Mapping[str, Target]
    symmetry: str
    axes: tuple[Axis, ...]
    metrics: tuple[Mapping[str, Any], ...]
    floors: tuple[str, ...]
    datasets: Mapping[str, DatasetEntry]
    default_dataset: str
    citation: str
    folder: Path = field(compare=False)
    transfer: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()

    @property
    def primary_metric(self) -> Mapping[str, Any]:
        return next(metric for metric in self.metrics if metric.get("primary"))

    def default_values(self, dataset: str) -> Mapping[str, tuple[float, ...]]:
        """Return, by axis, the values that a run on a dataset takes when none are asked for."""
        entry = self.datasets.get(dataset)
        own = {axis.name: axis.default for axis in self.axes if axis.default}
        return own | dict(entry.default if entry else {})

    def axis(self, name: str) -> Axis:
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise KeyError(name)


def read_task(folder: Path) -> Task:
    """Return the task of a folder that holds a `task.toml`.

    Raises
    ------
    TaskError
        If there is no such file, or it is no TOML, or it breaks the contract.
    """
    where = folder / "task.toml"
    try:
        table = tomllib.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TaskError(f"{folder} holds no task.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaskError(f"{where} is not valid TOML: {error}") from error
    try:
        return parse_task(table, folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise TaskError(
            f"{where} lacks a key or has one of the wrong kind ({type(error).__name__}: {error}): "
            "compare it with the task.toml of a task that is there"
        ) from error


def parse_task(table: Mapping[str, Any], folder: Path) -> Task:
    """Return the task that a parsed `task.toml` describes.

    Raises
    ------
    TaskError
        If a key is missing, unknown or of the wrong kind.
    """
    where = folder / "task.toml"
    _check_keys(table, where)
    if table["symmetry"] not in SYMMETRIES:
        raise TaskError(f"{where}: symmetry `{table['symmetry']}` is not one of {SYMMETRIES}")
    if table["target"] not in table["targets"]:
        raise TaskError(f"{where}: target `{table['target']}` is not described under [targets]")
    if sum(bool(metric.get("primary")) for metric in table["metrics"]) != 1:
        raise TaskError(f"{where}: exactly one of [[metrics]] must have `primary = true`")
    if table["default_dataset"] not in table["datasets"]:
        raise TaskError(
            f"{where}: default_dataset `{table['default_dataset']}` is not under [datasets]"
        )
    return Task(
        name=table["name"],
        title=table["title"],
        summary=table["summary"],
        protocol_version=int(table["protocol_version"]),
        target=table["target"],
        targets={name: _target(name, entry) for name, entry in table["targets"].items()},
        symmetry=table["symmetry"],
        axes=tuple(
            Axis(a["name"], a["symbol"], a["unit"], tuple(map(float, a.get("default", ()))))
            for a in table["axes"]
        ),
        metrics=tuple(table["metrics"]),
        floors=tuple(table["floors"]),
        datasets={name: _dataset(name, entry) for name, entry in table["datasets"].items()},
        default_dataset=table["default_dataset"],
        citation=table["citation"],
        folder=folder,
        transfer=_transfer(table, where),
        quick=tuple(table.get("quick", ())),
    )


def _check_keys(table: Mapping[str, Any], where: Path) -> None:
    for key in table:
        if key not in REQUIRED | OPTIONAL:
            near = get_close_matches(key, REQUIRED, n=1)
            known = f": known keys are {sorted(REQUIRED)}"
            hint = f": did you mean `{near[0]}`?" if near else known
            raise TaskError(f"{where}: unknown key `{key}`{hint}")
    for key in sorted(REQUIRED):
        if key not in table:
            raise TaskError(f"{where}: key `{key}` is missing: add it")


def _target(name: str, entry: Mapping[str, Any]) -> Target:
    described, label_of = entry.get("description", ""), entry.get("label_of", "")
    return Target(name, entry["per"], entry["unit"], described, label_of)


def _dataset(name: str, entry: Mapping[str, Any]) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        path=entry.get("path"),
        description=entry.get("description", ""),
        default={axis: tuple(v) for axis, v in entry.get("default", {}).items()},
    )


def _transfer(table: Mapping[str, Any], where: Path) -> tuple[str, ...]:
    axes = [axis["name"] for axis in table["axes"]]
    for name in table.get("transfer", ()):
        if name not in axes:
            raise TaskError(f"{where}: transfer names `{name}`: axes are {', '.join(axes)}")
    return tuple(table.get("transfer", ()))
