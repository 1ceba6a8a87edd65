"""Datasets of atomic stiffness: samples, each held at several temperatures.

K_i = k_B T / <|dr_i|^2>, with dr_i the displacement of atom i from its own mean
position, centre of mass removed (Peng, Yang & Wang, Extreme Mech. Lett. 48,
101446 (2021), Eq. 1). A state is one cooling rate. The target is the mean of K_i
over the temperatures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glassbench.contract.errors import DatasetError
from glassbench.datasets.layout import (
    ConfigurationEntry,
    Coordinate,
    StateLayout,
    Variable,
    structure_variables,
    vibrational_msd,
)
from glassbench.datasets.writing import write_dataset

PER_PARTICLE = ("configuration", "particle")


@dataclass(frozen=True)
class StiffnessState:
    """Samples that were cooled at one rate.

    Attributes
    ----------
    name : of the group in the store, such as `rate_1e13`
    attributes : `cooling_rate` in K/s, and what else is known (composition, protocol,
        how atoms that hop are treated, checks), as plain values
    samples : name, split and parent of each
    particles : N, the same for all
    species : names of the species stored as 0 and 1, as ("Cu", "Zr")
    temperatures : in K, rising
    load : from the index of a sample to its arrays, float of any width:
        `positions` (N, 3) of the structure that models see, `species` (N,), `box` (3,),
        `stiffness_by_temperature` (temperature, N) in eV/Angstrom^2,
        `stiffness_half_difference` (N,), half of: K averaged over the temperatures from
        the first half of the time minus that from the second; and `vibrational_msd`
        (N,) in Angstrom^2 and `hopped` (temperature, N) bool where these say so
    vibrational_msd : whether `load` gives `vibrational_msd`, such as <|dr_i|^2> of a run
        that is not among those of the target
    hopped : whether `load` gives `hopped`, the atoms that changed their place in a run
    """

    name: str
    attributes: Mapping[str, object]
    samples: tuple[ConfigurationEntry, ...]
    particles: int
    species: tuple[str, str]
    temperatures: tuple[float, ...]
    load: Callable[[int], Mapping[str, np.ndarray]]
    vibrational_msd: bool = False
    hopped: bool = False


def write_stiffness_dataset(
    path: Path,
    attributes: Mapping[str, object],
    states: Sequence[StiffnessState],
    add: Callable[[Path], None] = lambda directory: None,
) -> str:
    """Write a whole store as a directory at `path` and return its content digest.

    The target `stiffness` (N,) is taken here, as the mean over the temperatures.

    Parameters
    ----------
    attributes : of the root, see `create_store`; units_system is `metal`
    add : puts states that come from elsewhere into the store, before it is finished

    Raises
    ------
    DatasetError
        If an array does not fit, or a stiffness is not positive.
    """
    layouts = [_layout(state) for state in states]
    arrays = {state.name: _arrays(state) for state in states}
    return write_dataset(path, attributes, layouts, arrays, add)


def _arrays(state: StiffnessState) -> Iterator[dict[str, np.ndarray]]:
    for index, sample in enumerate(state.samples):
        arrays = dict(state.load(index))
        by_temperature = np.asarray(arrays["stiffness_by_temperature"], dtype=np.float64)
        if not (by_temperature > 0).all():
            raise DatasetError(
                f"sample {sample.name} has {int((~(by_temperature > 0)).sum())} values of the "
                "stiffness that are not positive: look at its trajectories"
            )
        arrays["stiffness"] = by_temperature.mean(axis=0)
        yield arrays


def _layout(state: StiffnessState) -> StateLayout:
    mean = "stiffness k_B T / <|dr|^2>, averaged over the temperatures"
    half = "half of: stiffness from the first half of the time minus the second"
    variables = [
        *structure_variables(position_dtype="float64", species=state.species),
        Variable("stiffness", PER_PARTICLE, "float32", "stiffness", mean),
        Variable("stiffness_half_difference", PER_PARTICLE, "float32", "stiffness", half),
        Variable(
            "stiffness_by_temperature",
            ("configuration", "temperature", "particle"),
            "float32",
            "stiffness",
            "stiffness k_B T / <|dr|^2> at each temperature",
        ),
    ]
    if state.vibrational_msd:
        variables.append(vibrational_msd())
    if state.hopped:
        dimensions = ("configuration", "temperature", "particle")
        meaning = "whether the atom changed its place in the run; its stiffness is kept"
        variables.append(Variable("hopped", dimensions, "bool", "none", meaning))
    return StateLayout(
        name=state.name,
        attributes=dict(state.attributes),
        configurations=state.samples,
        particles=state.particles,
        variables=tuple(variables),
        coordinates={
            "temperature": Coordinate(state.temperatures, "temperature", "temperature of the runs")
        },
    )
