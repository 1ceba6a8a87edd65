"""Vibrations of the two-dimensional glass: the mean squared displacement within the cage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from glassbench.simulation.lammps_library import gather_unwrapped, lammps_session, place_atoms
from glassbench.simulation.material import in_space, open_cell, steps_in
from glassbench.simulation.pieces import Piece, read_need, vibration_name
from glassbench.simulation.run_statistics import mean_and_variance
from glassbench.simulation.seeds import generator_from_names

from .lennard_jones_2d import GLASS_TRANSITION, LENNARD_JONES_2D


@dataclass(frozen=True)
class VibrationProtocol:
    """How vibrations are sampled; times in t_0, temperature in epsilon/k_B.

    Each of `runs` starts from the minimum with velocities of its own, is held at the
    temperature for `settling`, and sampled over `window`.
    """

    runs: int
    temperature: float = 0.092 * GLASS_TRANSITION
    settling: float = 5.0
    window: float = 20.0
    sample_time: float = 0.5
    step: float = 0.01
    thermostat_time: float = 1.0

    @property
    def steps(self) -> float:
        return self.runs * (self.settling + self.window) / self.step


def vibrational_msd(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    protocol: VibrationProtocol,
    names: tuple,
    log: Path | str,
) -> dict[str, np.ndarray]:
    """Return the mean squared displacement of each particle about its own mean position.

    The mean position is that of each run, with the centre of mass at rest, and the mean
    squared displacement is averaged over runs.

    Parameters
    ----------
    positions : (N, 2) of a minimum, species (N,), box (2,)
    names : what the seeds of the velocities are drawn from, with the number of the run

    Returns
    -------
    dict of arrays
        `vibrational_msd` (N,), sigma^2; `temperature` (), mean over the windows

    References
    ----------
    Ding et al., Nat. Commun. 7, 13733 (2016), the flexibility volume; Fan, Ma, Nat. Commun.
    12, 1506 (2021) average over 100 runs.
    """
    moments, temperatures = [], []
    for run in range(protocol.runs):
        # Half of the kinetic energy goes into the potential one.
        velocities = generator_from_names(*names, run, "velocities").normal(
            scale=np.sqrt(2 * protocol.temperature), size=positions.shape
        )
        with lammps_session(log) as lammps:
            open_cell(lammps, LENNARD_JONES_2D, np.diag(box))
            centred = velocities - velocities.mean(axis=0)
            place_atoms(lammps, in_space(positions), species + 1, in_space(centred))
            moment, temperature = _sample(lammps, np.append(box, 0.0), protocol)
        moments.append(moment)
        temperatures.append(temperature)
    return {
        "vibrational_msd": np.mean(moments, axis=0),
        "temperature": np.array(np.mean(temperatures)),
    }


def _sample(lammps, box: np.ndarray, protocol: VibrationProtocol) -> tuple[np.ndarray, float]:
    """Return the mean squared displacement (N,) over one window, and its temperature."""
    lammps.command(f"timestep {protocol.step}")
    lammps.command(
        f"fix thermostat all nvt temp {protocol.temperature} {protocol.temperature} "
        f"{protocol.thermostat_time}"
    )
    lammps.command(f"run {steps_in(protocol.settling, protocol.step)} post no")
    frames, temperatures = [], []
    for _ in range(steps_in(protocol.window, protocol.sample_time)):
        # Nothing changed since the last run, so that LAMMPS need not set up again.
        lammps.command(f"run {steps_in(protocol.sample_time, protocol.step)} pre no post no")
        positions = gather_unwrapped(lammps, box)[:, :2]
        frames.append(positions - positions.mean(axis=0))
        temperatures.append(lammps.get_thermo("temp"))
    _, moments = mean_and_variance([frame - frames[0] for frame in frames])
    return moments, sum(temperatures) / len(temperatures)


def vibration_piece(sample: str, protocol: VibrationProtocol, names: list, particles: int) -> Piece:
    """Return the piece that samples the vibrations of a glass."""
    return Piece(
        name=vibration_name(sample),
        kind="vibration",
        arguments={"protocol": asdict(protocol), "names": [*names, "vibration"]},
        needs=(sample,),
        atom_steps=particles * protocol.steps,
    )


def make_vibration(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Sample the vibrations of the glass that a piece needs."""
    glass = read_need(piece, folder)
    return vibrational_msd(
        glass["positions"],
        glass["species"],
        glass["box"],
        VibrationProtocol(**piece.arguments["protocol"]),
        tuple(piece.arguments["names"]),
        piece.log_path(folder),
    )
