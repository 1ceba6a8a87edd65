"""What a reader of a published format hands to the import: a plan, then one configuration each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SourceError
from ..pairs import CLOSE_PAIR_CUTOFF, PAIR_CUTOFF
from ..splits import VALIDATION_FRACTION

SPLIT_FOLDERS = ("train", "valid", "test")


@dataclass(frozen=True)
class Problem:
    """One file that could not be used, and why."""

    file: str
    message: str


@dataclass(frozen=True)
class SourceFile:
    """A file, relative to the source folder, and the index of its time (None: all times)."""

    path: str
    time_index: int | None = None


@dataclass(frozen=True)
class PlannedConfiguration:
    """One configuration and the files that it is made of."""

    name: str
    split: str
    parent: str
    files: tuple[SourceFile, ...]


@dataclass(frozen=True)
class PlannedState:
    """One thermodynamic state of a source.

    Attributes
    ----------
    attributes : of the state group: temperature, tau_alpha, number_density, ...
    trajectories : whether files hold trajectories, so that halves and pairs can be had
    scattering : F_s of each time, where the times were chosen by it
    """

    name: str
    attributes: Mapping[str, float]
    times: tuple[float, ...]
    particles: int
    configurations: tuple[PlannedConfiguration, ...]
    propensity_dtype: str = "float64"
    trajectories: bool = True
    inherent: bool = False
    cage: bool = False
    bond_breaking: bool = False
    own_times: bool = False
    scattering: tuple[float, ...] = ()


@dataclass(frozen=True)
class SourcePlan:
    """What a source folder holds: root attributes, states, and files that fit no format."""

    attributes: Mapping[str, str]
    states: tuple[PlannedState, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Settings:
    """What changes the outcome of an import; every field stands in its plan."""

    pair_cutoff: float = PAIR_CUTOFF
    close_pair_cutoff: float = CLOSE_PAIR_CUTOFF
    validation_fraction: float = VALIDATION_FRACTION
    times: Mapping[float, tuple[float, ...]] = field(default_factory=dict)


def split_files(source: Path, pattern: str) -> list[tuple[str, Path]]:
    """Return the files that match `pattern` in train, valid and test folders, with their split.

    The folders stand directly in `source` or one or two levels below it.

    Raises
    ------
    SourceError
        If there is no such folder, or no file.
    """
    if not source.is_dir():
        raise SourceError(f"{source} is no folder: give the folder that holds train and test")
    found = [
        (split, path)
        for split in SPLIT_FOLDERS
        for depth in ("", "*/", "*/*/")
        for path in source.glob(f"{depth}{split}/{pattern}")
    ]
    if not found:
        raise SourceError(
            f"{source} holds no {pattern} in folders named train, valid or test: give the folder "
            "that holds them, or sort the files into such folders"
        )
    return sorted(found, key=lambda item: item[1].as_posix())


def refuse_two_splits(state: str, splits: Mapping[str, set[str]]) -> None:
    """Refuse a configuration that stands in two splits; `splits` is by configuration name."""
    for name, found in splits.items():
        if len(found) > 1:
            raise SourceError(
                f"configuration {name} of {state} stands in {' and in '.join(sorted(found))}: a "
                "test configuration must not be trained on; remove one of the two"
            )
