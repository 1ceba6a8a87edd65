"""How fast this machine simulates, measured in a few seconds before anything long runs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from . import kob_andersen, lennard_jones_2d
from .lammps_library import lammps_session, place_atoms
from .material import in_space, open_cell


def measured_speed(lammps, seconds: float) -> float:
    """Return the atom-steps per CPU second of a session that is ready to run."""
    lammps.command("run 500 post no")
    steps, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        lammps.command("run 200 post no")
        steps += 200
    return lammps.get_natoms() * steps / (time.process_time() - started)


def kob_andersen_speed(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the Kob-Andersen liquid at T = 0.64 on one core.

    The lattice is melted for a moment first, since a crystal is no liquid.
    """
    protocol = kob_andersen.Protocol(temperature=0.64, tau_alpha=16.5)
    positions, types = kob_andersen.initial_lattice(protocol, "calibration")
    velocities = kob_andersen.maxwell_boltzmann(protocol.particles, 2.0, "calibration")
    with lammps_session(Path("none")) as lammps:
        kob_andersen.open_box(lammps, protocol.box_edge)
        place_atoms(lammps, positions, types, velocities)
        lammps.command("timestep 0.002")
        lammps.command("fix integrate all nvt temp 2.0 0.64 0.2")
        return measured_speed(lammps, seconds)


def lennard_jones_2d_speed(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the 2D Lennard-Jones liquid at 1.08 T_g."""
    protocol = lennard_jones_2d.QuenchProtocol(quench_time=1.0, particles=2500)
    positions, species = lennard_jones_2d.square_lattice(protocol, "calibration")
    with lammps_session(Path("none")) as lammps:
        cell = np.diag([protocol.box_edge] * 2)
        open_cell(lammps, lennard_jones_2d.LENNARD_JONES_2D, cell)
        place_atoms(lammps, in_space(positions), species + 1)
        lammps.command("minimize 1e-3 1e-3 200 2000")
        lammps.command("timestep 0.005")
        lammps.command(f"fix integrate all nvt temp 1.0 {protocol.start_temperature} 1.0")
        return measured_speed(lammps, seconds)
