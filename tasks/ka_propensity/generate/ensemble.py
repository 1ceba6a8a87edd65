"""The pieces of an isoconfigurational ensemble: parents, batches of trajectories, averages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glassbench.simulation.pieces import Piece, read_need, read_piece

from .checks import self_intermediate_scattering
from .isoconfigurational import ensemble_arrays
from .kob_andersen import (
    DIAMETERS,
    Protocol,
    equilibrate,
    inherent_structure,
    isoconfigurational_trajectory,
)
from .local_motion import bond_breaking, neighbour_relative_motion

WAVENUMBER = 2 * np.pi
Arrays = dict[str, np.ndarray]


def make_parent(piece: Piece, folder: Path) -> Arrays:
    """Equilibrate one parent, take its configurations and their inherent structures."""
    arguments, log = piece.arguments, piece.log_path(folder)
    protocol = Protocol(**arguments["protocol"])
    arrays = equilibrate(protocol, arguments["configurations"], tuple(arguments["names"]), log)
    minima = [
        inherent_structure(positions, arrays["species"], protocol.box_edge, log)
        for positions in arrays["positions"]
    ]
    arrays["inherent_positions"] = np.stack([positions for positions, _ in minima])
    arrays["inherent_energy"] = np.array([energy for _, energy in minima])
    return arrays


def make_trajectories(piece: Piece, folder: Path) -> Arrays:
    """Run a batch of isoconfigurational trajectories from one configuration of a parent."""
    arguments, parent = piece.arguments, read_need(piece, folder)
    runs = [
        isoconfigurational_trajectory(
            parent["positions"][arguments["configuration"]],
            parent["species"],
            Protocol(**arguments["protocol"]),
            tuple(arguments["times"]),
            (*arguments["names"], trajectory),
            piece.log_path(folder),
        )
        for trajectory in arguments["trajectories"]
    ]
    return {key: np.stack([run[key] for run in runs]) for key in runs[0]}


def make_averages(piece: Piece, folder: Path) -> Arrays:
    """Average the trajectories of one configuration, as a dataset stores them.

    Under names that begin with `check_` are the quantities that check the physics:
    `check_scattering` (T,) of type A at k = 2 pi / sigma_AA, `check_temperature`,
    `check_energy_drift`, the largest change of the total energy per particle, and
    `check_inherent_energy` per particle.
    """
    configuration = piece.arguments["configuration"]
    parent, *runs = [read_piece(folder, name) for name in piece.needs]
    frames, energy, temperature = (
        np.concatenate([run[key] for run in runs])
        for key in ("positions", "total_energy", "temperature")
    )
    positions, species = parent["positions"][configuration], parent["species"]
    box, times = np.full(3, Protocol(**piece.arguments["protocol"]).box_edge), frames.shape[1]
    arrays = ensemble_arrays(
        positions,
        species,
        box,
        ((time, frames[:, time]) for time in range(times)),
        times,
        close_pair_halves=piece.arguments["close_pair_halves"],
        observables=[
            neighbour_relative_motion(positions, box),
            bond_breaking(positions, species, box, DIAMETERS),
        ],
    )
    displacements = frames[:, :, species == 0] - positions[species == 0].astype(np.float64)
    scattering = [
        self_intermediate_scattering(displacements[:, time], WAVENUMBER) for time in range(times)
    ]
    return arrays | {
        "inherent_positions": parent["inherent_positions"][configuration],
        "check_scattering": np.array(scattering),
        "check_temperature": temperature[:, 1:].mean(),
        "check_energy_drift": np.abs(energy - energy[:, :1]).max(),
        "check_inherent_energy": parent["inherent_energy"][configuration],
    }


ENSEMBLE_WORK = {
    "parent": make_parent,
    "trajectories": make_trajectories,
    "averages": make_averages,
}
