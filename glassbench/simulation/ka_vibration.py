"""Vibrations of the Kob-Andersen mixture from short runs: what a model that reads dynamics may see.

The runs have velocities of their own and are none of those that a target comes from.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..datasets.store import open_dataset
from .kob_andersen import Protocol, constant_energy, maxwell_boltzmann, steps_in
from .lammps_library import gather_unwrapped
from .pieces import Piece, read_piece

KIND = "vibration"


@dataclass(frozen=True)
class VibrationProtocol:
    """How vibrations are sampled; times in tau.

    Each of `runs` starts from the configuration with velocities of its own, at constant energy,
    and is sampled over `window`, which ends in the plateau between vibration and relaxation.
    """

    runs: int = 10
    window: float = 2.0
    sample_time: float = 0.05

    def as_attributes(self) -> dict:
        """Return the protocol as plain values for a dataset's attributes."""
        return asdict(self)


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
    found = [
        _moment(
            positions,
            species,
            maxwell_boltzmann(len(positions), protocol.temperature, *names, run),
            protocol,
            vibration,
            log,
        )
        for run in range(vibration.runs)
    ]
    return np.mean(found, axis=0)


def _moment(positions, species, velocities, protocol, vibration, log) -> np.ndarray:
    """Return the mean squared displacement (N,) over one run."""
    box, total, squares = np.full(3, protocol.box_edge), 0.0, 0.0
    samples = steps_in(vibration.window, vibration.sample_time)
    with constant_energy(positions, species, velocities, protocol, log) as lammps:
        for _ in range(samples):
            # Nothing changed since the last run, so that LAMMPS need not set up again.
            steps = steps_in(vibration.sample_time, protocol.step)
            lammps.command(f"run {steps} pre no post no")
            moved = gather_unwrapped(lammps, box) - positions
            total, squares = total + moved, squares + (moved**2).sum(axis=1)
    return squares / samples - ((total / samples) ** 2).sum(axis=1)


def vibration_name(configuration: str) -> str:
    """Return the name of the piece that holds the vibrations of a configuration."""
    return f"{configuration}-vibration"


def vibration_piece(
    configuration: str,
    parent: str,
    number: int,
    protocol: Protocol,
    vibration: VibrationProtocol,
    names: list,
) -> Piece:
    """Return the piece that samples the vibrations of a parent's configuration `number`."""
    return Piece(
        name=vibration_name(configuration),
        kind=KIND,
        arguments={
            "protocol": asdict(protocol),
            "vibration": asdict(vibration),
            "configuration": number,
            "names": [*names, number, "vibration"],
        },
        needs=(parent,),
        atom_steps=protocol.particles * vibration.runs * vibration.window / protocol.step,
    )


def make_vibration(request: dict) -> dict[str, np.ndarray]:
    """Sample the vibrations of a configuration, of a parent here or of a stored state."""
    arguments = request["arguments"]
    if "dataset" in arguments:
        found = open_dataset(arguments["dataset"])
        structure = found.structure_arrays(arguments["state"], arguments["index"])
        positions, species = structure["positions"], structure["species"]
    else:
        parent = read_piece(Path(request["folder"]), request["needs"][0])
        positions, species = parent["positions"][arguments["configuration"]], parent["species"]
    moment = vibrational_msd(
        positions,
        species,
        Protocol(**arguments["protocol"]),
        VibrationProtocol(**arguments["vibration"]),
        tuple(arguments["names"]),
        Path(request["log"]),
    )
    return {"vibrational_msd": moment}


VIBRATION_WORK = {KIND: make_vibration}
