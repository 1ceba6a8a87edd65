"""From the finished pieces of a generation to one dataset."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.archive import pack_store
from ..datasets.layout import (
    ConfigurationEntry,
    StateLayout,
    pair_variables,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from ..datasets.pairs import CLOSE_PAIR_CUTOFF, PAIR_CUTOFF
from ..datasets.quantise import packing_for_noise
from ..datasets.writing import create_store, finish_store, write_configuration
from .checks import check_state
from .ka_propensity import State, configurations_of, parents_of
from .kob_andersen import PAIR_COMMANDS
from .lammps_library import lammps_version
from .pieces import read_piece
from .seeds import seeds_in_words

CITATION = (
    "Made by GlassBench after the protocol of Shiba et al., J. Chem. Phys. 158, 084503 (2023), "
    "doi:10.1063/5.0129791"
)


def assemble_ka_propensity(
    states: Sequence[State], folder: Path, destination: Path, name: str
) -> Path:
    """Write the dataset of all temperatures as one zip store at `destination`.

    Configurations are read one at a time, so that memory does not grow with the dataset.
    """
    layouts = [_layout(state, folder) for state in states]
    directory = folder / "store.zarr"
    shutil.rmtree(directory, ignore_errors=True)
    create_store(directory, _attributes(name), layouts)
    facts = {
        layout.name: [
            write_configuration(directory, layout, index, _arrays(folder, configuration.averages))
            for index, configuration in enumerate(configurations_of(state))
        ]
        for state, layout in zip(states, layouts, strict=True)
    }
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
    pairs, close, noise = 0, 0, np.zeros((2, len(state.times)))
    for configuration in configurations:
        arrays = read_piece(folder, configuration.averages)
        pairs = max(pairs, len(arrays["pairs"]))
        close = max(close, len(arrays["close_pair_index"]))
        noise[0] += np.square(arrays["propensity_half_difference"]).mean(axis=1)
        if configuration.split != "train":
            noise[1] += np.square(arrays["pair_distance_change_half_difference"]).mean(axis=1)
    with_halves = sum(configuration.split != "train" for configuration in configurations)
    noise = np.sqrt(noise / np.array([[len(configurations)], [with_halves]]))
    packing = [packing_for_noise(values) if state.packed else None for values in noise]
    return StateLayout(
        name=state.name,
        attributes={
            "temperature": state.protocol.temperature,
            "tau_alpha": state.protocol.tau_alpha,
            "trajectories": state.trajectories,
            "pair_cutoff": PAIR_CUTOFF,
            "close_pair_cutoff": CLOSE_PAIR_CUTOFF,
            "protocol": state.protocol.as_attributes(),
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
            *propensity_variables(packing=packing[0], half_packing=packing[0]),
            *pair_variables(
                particles=state.protocol.particles, packing=packing[1], half_packing=packing[1]
            ),
        ),
        coordinates={"time": times_coordinate(state.times)},
        pair_slots=pairs,
        close_pair_slots=close,
    )


def _arrays(folder: Path, piece: str) -> dict[str, np.ndarray]:
    return {k: v for k, v in read_piece(folder, piece).items() if not k.startswith("check_")}
