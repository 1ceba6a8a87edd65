"""The dataset of atomic stiffness: what it says of itself, and its arrays from finished pieces."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from glassbench.simulation.generator import Plan, root_attributes, write_packed
from glassbench.simulation.pieces import read_piece, unfinished, vibration_name
from glassbench.simulation.stored_states import write_stored_state

from .checks import check_stiffness
from .samples import copper_zirconium, potential
from .states import State, stiffness_name
from .stiffness import StiffnessState, write_stiffness_dataset

CITATION = "Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), doi:10.1016/j.eml.2021.101446"
DEVIATIONS = (
    "The paper does not name the file of its potential; this is the one that LAMMPS ships. "
    "Positions are the energy minimum of the quenched sample, in the box as the quench left it. "
    "Every warm run starts there, at the mean volume of zero pressure. Atoms that hop within the "
    "window keep the stiffness that the equation gives them and are named in `hopped`."
)


def assemble(plan: Plan[State], folder: Path, destination: Path) -> Path:
    """Write the dataset of all cooling rates as one zip store at `destination`.

    A cooling rate that lacks a piece of its own is taken as another dataset held it.
    """
    stored = [state.name for state in plan.states if unfinished(state.pieces(), folder)]
    attributes = root_attributes(
        plan.name,
        title="Copper-zirconium glass: atomic stiffness",
        units_system="metal",
        citation=CITATION,
        potential=potential.potential_attribute(plan.states[0].samples.protocol.potential),
        deviations=DEVIATIONS,
        seeds="system, sample set, number, temperature, and use",
    )
    made = [_describe(state, folder) for state in plan.states if state.name not in stored]

    def add_stored(directory: Path) -> None:
        for name in stored:
            write_stored_state(name, folder, directory)

    return write_packed(
        folder,
        destination,
        lambda directory: write_stiffness_dataset(directory, attributes, made, add_stored),
    )


def _describe(state: State, folder: Path) -> StiffnessState:
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
        samples=state.entries,
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
    return copper_zirconium.read_structure(folder, sample) | {
        "stiffness_by_temperature": np.stack([run["stiffness"] for run in runs]),
        "hopped": np.stack([run["hopped"] for run in runs]),
        "stiffness_half_difference": (halves[0] - halves[1]) / 2,
        "vibrational_msd": read_piece(folder, vibration_name(sample))["vibrational_msd"],
    }
