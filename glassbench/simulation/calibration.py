"""How fast this machine simulates, measured in a few seconds before anything long runs."""

from __future__ import annotations

import time
from pathlib import Path

from .kob_andersen import Protocol, initial_lattice, maxwell_boltzmann, open_box
from .lammps_library import lammps_session, place_atoms


def kob_andersen_speed(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the Kob-Andersen liquid at T = 0.64 on one core.

    The lattice is melted for a moment first, since a crystal is no liquid.
    """
    protocol = Protocol(temperature=0.64, tau_alpha=16.5)
    positions, types = initial_lattice(protocol, "calibration")
    velocities = maxwell_boltzmann(protocol.particles, 2.0, "calibration")
    with lammps_session(Path("none")) as lammps:
        open_box(lammps, protocol.box_edge)
        place_atoms(lammps, positions, types, velocities)
        lammps.command("timestep 0.002")
        lammps.command("fix integrate all nvt temp 2.0 0.64 0.2")
        lammps.command("run 500 post no")
        steps, started = 0, time.process_time()
        while time.process_time() - started < seconds:
            lammps.command("run 200 post no")
            steps += 200
        return protocol.particles * steps / (time.process_time() - started)
