"""How fast this machine simulates, measured in a few seconds before anything long runs."""

from __future__ import annotations

import time


def measured_speed(lammps, seconds: float) -> float:
    """Return the atom-steps per CPU second of a session that is ready to run."""
    lammps.command("run 100 post no")
    steps, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        lammps.command("run 100 post no")
        steps += 100
    return lammps.get_natoms() * steps / (time.process_time() - started)
