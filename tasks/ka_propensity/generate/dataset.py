"""From the finished pieces of a generation to one propensity dataset."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from glassbench.datasets.layout import (
    StateLayout,
    pair_variables,
    propensity_variables,
    structure_variables,
    times_coordinate,
    vibrational_msd,
)
from glassbench.datasets.pairs import CLOSE_PAIR_CUTOFF, PAIR_CUTOFF
from glassbench.datasets.quantise import Packing, packing_for_noise
from glassbench.datasets.writing import create_store, finish_store, write_configuration
from glassbench.simulation.generator import Plan, root_attributes, write_packed
from glassbench.simulation.pieces import read_piece, unfinished, vibration_name
from glassbench.simulation.stored_states import write_stored_state

from .checks import check_state
from .kob_andersen import PAIR_COMMANDS
from .local_motion import BOND_BREAKING, NEIGHBOUR_RELATIVE, local_motion_variables
from .states import Configuration, State

AVERAGES = ("propensity", *NEIGHBOUR_RELATIVE, BOND_BREAKING, "pair_distance_change")


def assemble(plan: Plan[State], folder: Path, destination: Path) -> Path:
    """Write the dataset of all temperatures as one zip store at `destination`.

    A temperature that lacks a piece of its own is taken as another dataset held it.
    Configurations are read one at a time, so that memory does not grow with the dataset.
    """
    stored = [state for state in plan.states if unfinished(state.pieces(), folder)]
    made = {state.name: state for state in plan.states if state not in stored}
    layouts = [_layout(state, folder) for state in made.values()]
    attributes = root_attributes(
        plan.name,
        title="Kob-Andersen mixture: isoconfigurational propensities",
        units_system="lj",
        citation="Shiba et al., J. Chem. Phys. 158, 084503 (2023), doi:10.1063/5.0129791",
        potential="force-shifted Lennard-Jones, Shiba et al. 2023, Eq. 7 and 8: "
        + "; ".join(PAIR_COMMANDS),
        seeds="task, state, split, parent, configuration, trajectory",
    )

    def write(directory: Path) -> None:
        create_store(directory, attributes, layouts)
        facts = {
            layout.name: [
                write_configuration(
                    directory, layout, index, _arrays(folder, configuration, made[layout.name])
                )
                for index, configuration in enumerate(made[layout.name].configurations)
            ]
            for layout in layouts
        }
        for state in stored:
            write_stored_state(state.name, folder, directory)
        finish_store(directory, layouts, facts)

    return write_packed(folder, destination, write)


def _layout(state: State, folder: Path) -> StateLayout:
    """Return the layout of one temperature, after one pass over its configurations."""
    pairs, close, packing = _shapes_and_packing(state, folder)
    return StateLayout(
        name=state.name,
        attributes={
            "temperature": state.protocol.temperature,
            "tau_alpha": state.protocol.tau_alpha,
            "trajectories": state.trajectories,
            "pair_cutoff": PAIR_CUTOFF,
            "close_pair_cutoff": CLOSE_PAIR_CUTOFF,
            "protocol": asdict(state.protocol),
            "vibration": asdict(state.vibration),
            "cages": {name: asdict(cage) for name, cage in state.cages.items()},
            "checks": check_state(
                state,
                [read_piece(folder, parent) for parent in state.by_parent],
                (read_piece(folder, one.averages) for one in state.configurations),
            ),
        },
        configurations=tuple(configuration.entry for configuration in state.configurations),
        particles=state.protocol.particles,
        variables=(
            *structure_variables(others=("inherent_positions", *state.cages)),
            vibrational_msd(),
            *propensity_variables(packing=packing["propensity"]),
            *local_motion_variables(packing),
            *pair_variables(
                particles=state.protocol.particles, packing=packing["pair_distance_change"]
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
    for configuration in state.configurations:
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


def _arrays(folder: Path, configuration: Configuration, state: State) -> dict[str, np.ndarray]:
    averages = read_piece(folder, configuration.averages)
    arrays = {k: v for k, v in averages.items() if not k.startswith("check_")}
    cages = [f"{configuration.name}-{name}" for name in state.cages]
    for name in (vibration_name(configuration.name), *cages):
        arrays |= read_piece(folder, name)
    return arrays
