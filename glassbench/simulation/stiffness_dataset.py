"""The dataset of atomic stiffness: what it says of itself, and its arrays from finished pieces."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..datasets.manifest import pack_store
from ..datasets.stiffness import StiffnessState, write_stiffness_dataset
from .copper_zirconium_potential import potential_attribute
from .copper_zirconium_samples import read_structure
from .cuzr_stiffness import State, entries_of, stiffness_name
from .lammps_library import lammps_version
from .pieces import read_piece
from .seeds import seeds_in_words
from .stiffness_checks import check_stiffness
from .stored_states import write_stored_state
from .vibration import vibration_name

CITATION = (
    "Made by GlassBench after the protocol of Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 "
    "(2021), doi:10.1016/j.eml.2021.101446"
)
DEVIATIONS = (
    "The paper does not name the file of its potential; this is the one that LAMMPS ships. "
    "Positions are the energy minimum of the quenched sample, in the box as the quench left it. "
    "Every warm run starts there, at the mean volume of zero pressure. Atoms that hop within the "
    "window keep the stiffness that the equation gives them and are named in `hopped`."
)


def assemble_cuzr_stiffness(
    states: Sequence[State],
    folder: Path,
    destination: Path,
    name: str,
    stored: Sequence[State] = (),
) -> Path:
    """Write the dataset of all cooling rates as one zip store at `destination`.

    Parameters
    ----------
    stored : those of `states` that are taken whole from another dataset
    """
    directory = folder / f"{destination.name}.assembling"
    shutil.rmtree(directory, ignore_errors=True)
    described = [_state(state, folder) for state in states if state not in stored]

    def add_stored(directory: Path) -> None:
        for state in stored:
            write_stored_state(state.name, folder, directory)

    write_stiffness_dataset(directory, _attributes(states, name), described, add_stored)
    pack_store(directory, destination)
    shutil.rmtree(directory)
    return destination


def _attributes(states: Sequence[State], name: str) -> dict[str, object]:
    return {
        "name": name,
        "title": "Copper-zirconium glass: atomic stiffness",
        "units_system": "metal",
        "licence": "CC-BY-4.0",
        "citation": CITATION,
        "simulator": lammps_version(),
        "potential": potential_attribute(states[0].samples.protocol.potential),
        "deviations": DEVIATIONS,
        "seeds": seeds_in_words("system, sample set, number, temperature, and use"),
    }


def _state(state: State, folder: Path) -> StiffnessState:
    protocol = state.samples.protocol
    return StiffnessState(
        name=state.name,
        attributes={
            "cooling_rate": protocol.stages[-1][2],
            "composition": 100 * protocol.copper,
            "protocol": protocol.as_attributes(),
            "stiffness": state.stiffness.as_attributes(),
            "vibrational_msd": state.vibration_attributes,
            "checks": check_stiffness(state, folder),
        },
        samples=entries_of(state),
        particles=protocol.atoms,
        species=("Cu", "Zr"),
        temperatures=state.temperatures,
        load=partial(_load, state, folder),
        vibrational_msd=True,
        hopped=True,
    )


def _load(state: State, folder: Path, index: int) -> dict[str, np.ndarray]:
    sample = state.sample_names[index]
    runs = [read_piece(folder, stiffness_name(sample, each)) for each in state.temperatures]
    halves = np.mean([run["stiffness_halves"] for run in runs], axis=0)
    return read_structure(folder, sample) | {
        "stiffness_by_temperature": np.stack([run["stiffness"] for run in runs]),
        "hopped": np.stack([run["hopped"] for run in runs]),
        "stiffness_half_difference": (halves[0] - halves[1]) / 2,
        "vibrational_msd": read_piece(folder, vibration_name(sample))["vibrational_msd"],
    }
