"""Vibrations of the Kob-Andersen mixture from short runs: what a model that reads dynamics may see.

The runs have velocities of their own and are none of those that a target comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glassbench.simulation.lammps_library import gather_unwrapped
from glassbench.simulation.material import steps_in
from glassbench.simulation.pieces import Piece, read_need
from glassbench.simulation.run_statistics import mean_and_variance

from .kob_andersen import (
    Protocol,
    constant_energy,
    maxwell_boltzmann,
)


@dataclass(frozen=True)
class VibrationProtocol:
    """How vibrations are sampled; times in tau.

    Each of `runs` starts from the configuration with velocities of its own, at constant energy,
    and is sampled over `window`, which ends in the plateau between vibration and relaxation.
    """

    runs: int = 10
    window: float = 2.0
    sample_time: float = 0.05

    def steps(self, step: float) -> float:
        """Return the number of time steps of all runs."""
        return self.runs * self.window / step


def vibrational_msd(
    positions: np.ndarray,
    species: np.ndarray,
    protocol: Protocol,
    vibration: VibrationProtocol,
    names: tuple,
    log: Path | str,
) -> np.ndarray:
    """Return the mean squared displacement (N,) of each particle about its own mean position.

    The mean position is that of each run; the mean squared displacement is averaged over runs.

    Parameters
    ----------
    positions : (N, 3) of an equilibrated configuration, species (N,)
    names : what the seeds of the velocities are drawn from, with the number of the run

    References
    ----------
    Widmer-Cooper, Harrowell, Phys. Rev. Lett. 96, 185701 (2006), the Debye-Waller factor of an
    isoconfigurational ensemble; Bapst et al., Nature Physics 16, 448 (2020) compare with it.
    """
    moments = []
    for run in range(vibration.runs):
        velocities = maxwell_boltzmann(len(positions), protocol.temperature, *names, run)
        with constant_energy(positions, species, velocities, protocol, log) as lammps:
            displacements = _displacements(lammps, positions, protocol, vibration)
            moments.append(mean_and_variance(displacements)[1])
    return np.mean(moments, axis=0)


def _displacements(
    lammps, positions: np.ndarray, protocol: Protocol, vibration: VibrationProtocol
) -> Iterator[np.ndarray]:
    """Yield the displacements (N, 3) from the start at each sampling time of one run."""
    box, steps = np.full(3, protocol.box_edge), steps_in(vibration.sample_time, protocol.step)
    for _ in range(steps_in(vibration.window, vibration.sample_time)):
        # Nothing changed since the last run, so that LAMMPS need not set up again.
        lammps.command(f"run {steps} pre no post no")
        yield gather_unwrapped(lammps, box) - positions


def make_vibration(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Sample the vibrations of a configuration."""
    arguments, parent = piece.arguments, read_need(piece, folder)
    moment = vibrational_msd(
        parent["positions"][arguments["configuration"]],
        parent["species"],
        Protocol(**arguments["protocol"]),
        VibrationProtocol(**arguments["vibration"]),
        tuple(arguments["names"]),
        piece.log_path(folder),
    )
    return {"vibrational_msd": moment}
