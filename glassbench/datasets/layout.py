"""What stands in a store: the arrays of one thermodynamic state, their dimensions and units.

A state is one group with the dimensions

    configuration, particle, axis, frame_axis, pair, close_pair

and those of its coordinates (time, strain, protocol). Arrays per configuration
are chunked one configuration a chunk, with all its conditions; arrays of the
whole state, such as the frames of its loads, are one chunk each. An axis of a
task is an attribute of the state (temperature, cooling_rate) or one of its
coordinates (time, strain).
The number of pairs differs between configurations, so pair arrays are padded to
a common number of slots, and `pair_count` says how many of them each
configuration fills: a configuration then owns its chunks alone, and can be
written while others are.

Averages over the two halves of an ensemble are stored as their mean and half of
their difference; the halves are `mean + difference` and `mean - difference`.

The splits of the configurations are drawn by their independent parents, from names alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..contract.errors import DatasetError
from .quantise import Packing

FORMAT_VERSION = 1
SPLITS = ("train", "valid", "test")
MISSING = "missing"
PER_PARTICLE = ("configuration", "particle")
MEANINGS = {
    "inherent_positions": "positions in the inherent structure",
    "cage_positions": "positions averaged while each particle is held within a sphere",
    "narrow_cage_positions": "positions averaged while each is held within a smaller sphere",
    "wide_cage_positions": "positions averaged while each is held within a larger sphere",
}
VALIDATION_FRACTION = 0.1


@dataclass(frozen=True)
class Variable:
    """One array: its dimensions, decoded dtype, quantity (a key of `UNITS`) and meaning."""

    name: str
    dimensions: tuple[str, ...]
    dtype: str
    quantity: str
    long_name: str
    packing: Packing | None = None


@dataclass(frozen=True)
class Coordinate:
    """The values of a dimension, such as the times of a propensity."""

    values: tuple[float | str, ...]
    quantity: str
    long_name: str


@dataclass(frozen=True)
class ConfigurationEntry:
    """One configuration: its name, its split, and the independent sample it comes from."""

    name: str
    split: str
    parent: str


@dataclass(frozen=True)
class StateLayout:
    """One thermodynamic state of a store, before any configuration is written.

    Attributes
    ----------
    attributes : plain values; among them those that distinguish this state
        (temperature, quench_time, cooling_rate, composition), and `tau_alpha` where known
    short : arrays so short that all configurations share a chunk; given with each of them
    shared : arrays of the state as a whole, with their values
    pair_slots, close_pair_slots : most pairs that a configuration can have; 0 for none
    own_times : whether each configuration has its own times, near those of the coordinate
    """

    name: str
    attributes: Mapping[str, object]
    configurations: tuple[ConfigurationEntry, ...]
    particles: int
    variables: tuple[Variable, ...]
    coordinates: Mapping[str, Coordinate] = field(default_factory=dict)
    short: tuple[Variable, ...] = ()
    shared: tuple[tuple[Variable, np.ndarray], ...] = ()
    dimension: int = 3
    pair_slots: int = 0
    close_pair_slots: int = 0
    own_times: bool = False

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.configurations]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DatasetError(f"state {self.name} has two configurations named {twice[0]}")
        for entry in self.configurations:
            if entry.split not in SPLITS:
                raise DatasetError(
                    f"configuration {entry.name} has the split `{entry.split}`: not one of {SPLITS}"
                )

    @property
    def sizes(self) -> dict[str, int]:
        """Return the length of each dimension."""
        return {
            "configuration": len(self.configurations),
            "particle": self.particles,
            "axis": self.dimension,
            "frame_axis": self.dimension,
            "pair": self.pair_slots,
            "close_pair": self.close_pair_slots,
            **{name: len(c.values) for name, c in self.coordinates.items()},
        }


def times_coordinate(times: tuple[float, ...], nominal: bool = False) -> Coordinate:
    """Return the coordinate `time`; nominal times differ a little between configurations."""
    meaning = "time since the initial configuration"
    meaning += ", nominal: see observation_time" if nominal else ""
    return Coordinate(tuple(map(float, times)), "time", meaning)


def structure_variables(
    *,
    position_dtype: str = "float32",
    others: tuple[str, ...] = (),
    species: tuple[str, str] = ("A", "B"),
) -> tuple[Variable, ...]:
    """Return the arrays of the static structure.

    `species` names those stored as 0 and 1, `others` the positions beside the thermal ones.
    """
    names = f"species, {species[0]} = 0, {species[1]} = 1"
    kinds = {
        "positions": "initial positions",
        **{name: MEANINGS[name] for name in others},
    }
    per_axis = ("configuration", "particle", "axis")
    return (
        Variable("species", PER_PARTICLE, "int8", "none", names),
        *(Variable(n, per_axis, position_dtype, "length", what) for n, what in kinds.items()),
    )


def vibrational_msd() -> Variable:
    """Return the array of the mean squared displacement, which the tier `dynamics` admits."""
    meaning = "vibrational mean squared displacement about the mean position"
    return Variable("vibrational_msd", PER_PARTICLE, "float32", "length_squared", meaning)


def half_of(variable: Variable) -> Variable:
    """Return the array of half the difference between the averages over two halves."""
    meaning = f"half of: {variable.name} over the first half of the trajectories minus the second"
    return replace(variable, name=f"{variable.name}_half_difference", long_name=meaning)


def propensity_variables(
    *, dtype: str = "float32", halves: bool = True, packing: Packing | None = None
) -> tuple[Variable, ...]:
    """Return the arrays of the propensity S_i(t) (Shiba et al. 2023, Eq. 10)."""
    meaning = "propensity: |r_i(t) - r_i(0)| averaged over the isoconfigurational ensemble"
    dimensions = ("configuration", "time", "particle")
    mean = Variable("propensity", dimensions, dtype, "length", meaning, packing)
    return (mean, half_of(mean)) if halves else (mean,)


def pair_variables(
    *, particles: int, dtype: str = "float32", packing: Packing | None = None
) -> tuple[Variable, ...]:
    """Return the arrays of the pair-distance change E_ij(t) (Shiba et al. 2023, Eq. 11).

    Halves are kept for close pairs alone (type A with type A, at less than the
    close-pair cutoff): they are what the ceiling is computed on.
    """
    index = "int16" if particles <= np.iinfo(np.int16).max else "int32"
    where = "position of each close A-A pair in the list of pairs; -1 pad"
    what = "r_ij(t) - r_ij(0) averaged over the isoconfigurational ensemble"
    pair, close = ("configuration", "pair"), ("configuration", "close_pair")
    per_time = ("configuration", "time", "pair")
    change = Variable("pair_distance_change", per_time, dtype, "length", what, packing)
    return (
        Variable(
            "pair_first", pair, index, "none", "particle i of the pair, i < j, sorted; -1 pad"
        ),
        Variable("pair_second", pair, index, "none", "particle j of the pair; -1 pad"),
        change,
        Variable("close_pair_index", close, "int32", "none", where),
        replace(half_of(change), dimensions=("configuration", "time", "close_pair")),
    )


def small_variables(layout: StateLayout) -> tuple[Variable, ...]:
    """Return the arrays that are short enough to be one chunk for all configurations."""
    one, per_time = ("configuration",), ("configuration", "time")
    box = Variable("box", (*one, "axis"), "float64", "length", "edges of the box")
    variables = [box]
    if layout.pair_slots:
        variables += [
            Variable("pair_count", one, "int32", "none", "pairs of the configuration"),
            Variable("close_pair_count", one, "int32", "none", "close pairs with halves"),
        ]
    if "time" in layout.coordinates:
        averaged = "trajectories averaged here; 0 where the published average was taken over"
        variables += [
            Variable("available", per_time, "bool", "none", "whether the propensity is there"),
            Variable("trajectory_count", per_time, "int32", "none", averaged),
        ]
        if layout.own_times:
            own = "time of each configuration"
            variables.append(Variable("observation_time", per_time, "float64", "time", own))
    return (*variables, *layout.short)


def carve_validation(
    entries: Sequence[ConfigurationEntry], fraction: float = VALIDATION_FRACTION, seed: str = ""
) -> tuple[ConfigurationEntry, ...]:
    """Return the entries with some training parents moved to validation.

    The parents are ranked by a hash of `seed` and their name, so that the choice
    depends on neither order nor machine; at least one is taken. Test entries are
    never touched. Entries that have a validation split already, or a single
    training parent, are returned as they are.
    """
    if not 0 <= fraction < 1:
        raise DatasetError(f"validation fraction {fraction} is not within [0, 1)")
    parents = sorted({entry.parent for entry in entries if entry.split == "train"})
    if fraction == 0 or len(parents) < 2 or any(entry.split == "valid" for entry in entries):
        return tuple(entries)
    ranked = sorted(parents, key=lambda parent: rank_of_parent(seed, parent))
    chosen = set(ranked[: max(1, round(fraction * len(parents)))])
    return tuple(
        replace(entry, split="valid")
        if entry.split == "train" and entry.parent in chosen
        else entry
        for entry in entries
    )


def check_splits(entries: Sequence[ConfigurationEntry]) -> None:
    """Refuse a split in which one parent stands on two sides."""
    split_of: dict[str, str] = {}
    for entry in entries:
        known = split_of.setdefault(entry.parent, entry.split)
        if known != entry.split:
            raise DatasetError(
                f"parent {entry.parent} has configurations in {known} and in {entry.split}: "
                "configurations of one parent are not independent, keep them in one split"
            )


def rank_of_parent(seed: object, parent: str) -> str:
    """Return by what parents are sorted into the random order that a seed stands for."""
    return hashlib.sha256(f"{seed}\x1f{parent}".encode()).hexdigest()
