"""From the finished pieces of a generation to one dataset."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.layout import (
    BOND_BREAKING,
    NEIGHBOUR_RELATIVE,
    ConfigurationEntry,
    StateLayout,
    local_motion_variables,
    pair_variables,
    propensity_variables,
    structure_variables,
    times_coordinate,
    vibrational_msd,
)
from ..datasets.manifest import pack_store
from ..datasets.pairs import CLOSE_PAIR_CUTOFF, PAIR_CUTOFF
from ..datasets.quantise import Packing, packing_for_noise
from ..datasets.writing import create_store, finish_store, write_configuration
from .checks import check_state
from .ka_states import PlannedConfiguration, State, configurations_of, parents_of
from .ka_stored_states import write_stored_temperature
from .ka_vibration import vibration_name
from .kob_andersen import PAIR_COMMANDS
from .lammps_library import lammps_version
from .pieces import read_piece
from .seeds import seeds_in_words

AVERAGES = ("propensity", *NEIGHBOUR_RELATIVE, BOND_BREAKING, "pair_distance_change")
CITATION = (
    "Made by GlassBench after the protocol of Shiba et al., J. Chem. Phys. 158, 084503 (2023), "
    "doi:10.1063/5.0129791"
)


def assemble_ka_propensity(
    states: Sequence[State],
    folder: Path,
    destination: Path,
    name: str,
    stored: Sequence[State] = (),
) -> Path:
    """Write the dataset of all temperatures as one zip store at `destination`.

    Configurations are read one at a time, so that memory does not grow with the dataset.

    Parameters
    ----------
    stored : those of `states` that are taken whole from another dataset
    """
    made = [state for state in states if state not in stored]
    layouts = [_layout(state, folder) for state in made]
    directory = folder / "store.zarr"
    shutil.rmtree(directory, ignore_errors=True)
    create_store(directory, _attributes(name), layouts)
    facts = {
        layout.name: [
            write_configuration(directory, layout, index, _arrays(folder, configuration))
            for index, configuration in enumerate(configurations_of(state))
        ]
        for state, layout in zip(made, layouts, strict=True)
    }
    for state in stored:
        write_stored_temperature(state, folder, directory)
    finish_store(directory, layouts, facts)
    pack_store(directory, destination)
    shutil.rmtree(directory)
    return destination


def _attributes(name: str) -> dict[str, object]:
    return {
        "name": name,
        "title": "Kob-Andersen mixture: isoconfigurational propensities",
        "units_system": "lj",
        "licence": "CC-BY-4.0",
        "citation": CITATION,
        "simulator": lammps_version(),
        "potential": "force-shifted Lennard-Jones, Shiba et al. 2023, Eq. 7 and 8: "
        + "; ".join(PAIR_COMMANDS),
        "seeds": seeds_in_words("task, state, split, parent, configuration, trajectory"),
    }


def _layout(state: State, folder: Path) -> StateLayout:
    """Return the layout of one temperature, after one pass over its configurations."""
    configurations = configurations_of(state)
    pairs, close, packing = _shapes_and_packing(state, folder)
    return StateLayout(
        name=state.name,
        attributes={
            "temperature": state.protocol.temperature,
            "tau_alpha": state.protocol.tau_alpha,
            "trajectories": state.trajectories,
            "pair_cutoff": PAIR_CUTOFF,
            "close_pair_cutoff": CLOSE_PAIR_CUTOFF,
            "protocol": state.protocol.as_attributes(),
            "vibration": state.vibration.as_attributes(),
            "checks": check_state(
                state,
                [read_piece(folder, parent) for parent, *_ in parents_of(state)],
                (read_piece(folder, configuration.averages) for configuration in configurations),
            ),
        },
        configurations=tuple(ConfigurationEntry(c.name, c.split, c.parent) for c in configurations),
        particles=state.protocol.particles,
        variables=(
            *structure_variables(inherent=True),
            vibrational_msd(),
            *propensity_variables(
                packing=packing["propensity"], half_packing=packing["propensity"]
            ),
            *local_motion_variables(packing=packing),
            *pair_variables(
                particles=state.protocol.particles,
                packing=packing["pair_distance_change"],
                half_packing=packing["pair_distance_change"],
            ),
        ),
        coordinates={"time": times_coordinate(state.times)},
        pair_slots=pairs,
        close_pair_slots=close,
    )


def _shapes_and_packing(state: State, folder: Path) -> tuple[int, int, dict[str, Packing | None]]:
    """Return the most pairs and close pairs of a configuration, and the packing of each average.

    A step of the packing is a share of the noise, the root mean square of the half differences;
    those of pairs are kept outside of the training split alone.
    """
    pairs, close = 0, 0
    squares = {name: np.zeros(len(state.times)) for name in AVERAGES}
    counts = dict.fromkeys(AVERAGES, 0)
    for configuration in configurations_of(state):
        arrays = read_piece(folder, configuration.averages)
        pairs = max(pairs, len(arrays["pairs"]))
        close = max(close, len(arrays["close_pair_index"]))
        for name in AVERAGES:
            halves = arrays[f"{name}_half_difference"]
            if halves.size:
                squares[name] += np.square(halves).mean(axis=1)
                counts[name] += 1
    return (
        pairs,
        close,
        {
            name: packing_for_noise(np.sqrt(squares[name] / counts[name])) if state.packed else None
            for name in AVERAGES
        },
    )


def _arrays(folder: Path, configuration: PlannedConfiguration) -> dict[str, np.ndarray]:
    averages = read_piece(folder, configuration.averages)
    arrays = {k: v for k, v in averages.items() if not k.startswith("check_")}
    return arrays | read_piece(folder, vibration_name(configuration.name))
