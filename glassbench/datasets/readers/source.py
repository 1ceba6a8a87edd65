"""What a reader of a published format hands to the import: a plan of states, and their layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np

from ..errors import SourceError
from ..layout import (
    ConfigurationEntry,
    StateLayout,
    Variable,
    pair_variables,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from ..pairs import (
    CLOSE_PAIR_CUTOFF,
    PAIR_CUTOFF,
    close_pair_index,
    pair_distances,
    undirected_pairs,
)
from ..splits import VALIDATION_FRACTION

# Positions (N, 3), species (N,) and box (3,) of a configuration.
Positions = tuple[np.ndarray, np.ndarray, np.ndarray]
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

    The folders stand directly in `source` or one or two levels below it; `Train` is `train`.

    Raises
    ------
    SourceError
        If there is no such folder, or no file.
    """
    if not source.is_dir():
        raise SourceError(f"{source} is no folder: give the folder that holds train and test")
    folders = [
        folder
        for depth in ("*", "*/*", "*/*/*")
        for folder in source.glob(depth)
        if folder.name.lower() in SPLIT_FOLDERS and folder.is_dir()
    ]
    files = [(folder.name.lower(), path) for folder in folders for path in folder.glob(pattern)]
    if not files:
        raise SourceError(
            f"{source} holds no {pattern} in folders named train, valid or test: give the folder "
            "that holds them, or sort the files into such folders"
        )
    return sorted(files, key=lambda item: item[1].as_posix())


def refuse_two_splits(state: str, entries: Iterable[tuple[str, str]]) -> None:
    """Refuse a configuration that stands in two splits; `entries` are names with their split."""
    splits: dict[str, set[str]] = {}
    for name, split in entries:
        splits.setdefault(name, set()).add(split)
    for name, known in splits.items():
        if len(known) > 1:
            raise SourceError(
                f"configuration {name} of {state} stands in {' and in '.join(sorted(known))}: a "
                "test configuration must not be trained on; remove one of the two"
            )


def planned(state: str, name: str, split: str, files: Sequence[SourceFile]) -> PlannedConfiguration:
    """Return one configuration of a state; each is an independent sample of its own."""
    return PlannedConfiguration(name, split, f"{state}-{name}", tuple(files))


def entries_of(state: PlannedState) -> list[ConfigurationEntry]:
    """Return the configurations of a planned state as a store names them."""
    return [ConfigurationEntry(c.name, c.split, c.parent) for c in state.configurations]


def slots_of(
    reader: ModuleType, source: Path, state: PlannedState, settings: Settings
) -> tuple[int, int]:
    """Return how many pairs and close pairs to make room for: those of the first, and a tenth."""
    if not state.trajectories:
        return 0, 0
    reason = ""
    for entry in state.configurations:
        try:
            positions, species, box = reader.read_structure(source, state, entry)
        except SourceError as error:
            reason = reason or str(error)
            continue
        pairs = undirected_pairs(positions, box, settings.pair_cutoff)
        distances = pair_distances(positions, pairs, box)
        close = close_pair_index(pairs, distances, species, settings.close_pair_cutoff)
        return int(1.1 * len(pairs)) + 256, int(1.1 * len(close)) + 256
    raise SourceError(f"no configuration of {state.name} can be read. First: {reason}")


def layout_of(state: PlannedState, slots: tuple[int, int], settings: Settings) -> StateLayout:
    """Return the layout of a planned state; published values keep their full precision.

    Parameters
    ----------
    slots : for pairs and for close pairs, see `slots_of`
    """
    variables = structure_variables(
        position_dtype="float64", inherent=state.inherent, cage=state.cage
    ) + propensity_variables(dtype=state.propensity_dtype, halves=state.trajectories)
    attributes: dict[str, object] = dict(state.attributes)
    if state.trajectories:
        variables += pair_variables(particles=state.particles, dtype=state.propensity_dtype)
        attributes |= {
            "pair_cutoff": settings.pair_cutoff,
            "close_pair_cutoff": settings.close_pair_cutoff,
        }
    if state.scattering:
        attributes["scattering_function"] = list(state.scattering)
    if state.bond_breaking:
        dimensions = ("configuration", "time", "particle")
        meaning = "bond-breaking propensity, as published"
        variables += (Variable("bond_breaking_propensity", dimensions, "float64", "none", meaning),)
    return StateLayout(
        name=state.name,
        attributes=attributes,
        configurations=tuple(entries_of(state)),
        particles=state.particles,
        variables=variables,
        coordinates={"time": times_coordinate(state.times, nominal=state.own_times)},
        pair_slots=slots[0],
        close_pair_slots=slots[1],
        own_times=state.own_times,
    )
