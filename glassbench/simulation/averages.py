"""From the trajectories of one configuration to what a dataset stores of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..datasets.isoconfigurational import bond_breaking, ensemble_arrays, neighbour_relative_motion
from .kob_andersen import DIAMETERS, Protocol
from .scattering import self_intermediate_scattering

WAVENUMBER = 2 * np.pi


def configuration_arrays(
    parent: Mapping[str, np.ndarray],
    configuration: int,
    trajectories: Mapping[str, np.ndarray],
    protocol: Protocol,
    close_pair_halves: bool = True,
) -> dict[str, np.ndarray]:
    """Return the arrays of one configuration, and the quantities that check its physics.

    Parameters
    ----------
    parent : what `equilibrate` and `inherent_structure` gave, by name
    trajectories : `positions` (R, T, N, 3), `total_energy` and `temperature` (R, T + 1)

    Returns
    -------
    dict of arrays for `write_configuration`, and under names that begin with
    `check_`: `check_scattering` (T,) of type A at k = 2 pi / sigma_AA,
    `check_temperature`, `check_energy_drift`, the largest change of the total
    energy per particle, and `check_inherent_energy` per particle.
    """
    positions, species = parent["positions"][configuration], parent["species"]
    frames = trajectories["positions"]
    box = np.full(3, protocol.box_edge)
    arrays = ensemble_arrays(
        positions,
        species,
        box,
        ((time, frames[:, time]) for time in range(frames.shape[1])),
        frames.shape[1],
        close_pair_halves=close_pair_halves,
        observables=[
            neighbour_relative_motion(positions, box),
            bond_breaking(positions, species, box, DIAMETERS),
        ],
    )
    displacements = frames[:, :, species == 0] - positions[species == 0].astype(np.float64)
    energy = trajectories["total_energy"]
    return arrays | {
        "inherent_positions": parent["inherent_positions"][configuration],
        "check_scattering": np.array(
            [
                self_intermediate_scattering(displacements[:, time], WAVENUMBER)
                for time in range(frames.shape[1])
            ]
        ),
        "check_temperature": trajectories["temperature"][:, 1:].mean(),
        "check_energy_drift": np.abs(energy - energy[:, :1]).max(),
        "check_inherent_energy": parent["inherent_energy"][configuration],
    }
