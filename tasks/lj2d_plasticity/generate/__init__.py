"""Datasets of two-dimensional plastic rearrangements: glasses, each sheared along four loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glassbench.simulation.cage import CageProtocol
from glassbench.simulation.generator import Plan
from glassbench.simulation.lammps_library import lammps_session, measured_speed, place_atoms
from glassbench.simulation.material import in_space, open_cell
from glassbench.simulation.pieces import Piece, read_need
from glassbench.simulation.prepare import Potential
from glassbench.simulation.prepare_dataset import PREPARE_WORK

from .dataset import assemble
from .lennard_jones_2d import (
    LENNARD_JONES_2D,
    QuenchProtocol,
    square_lattice,
)
from .loadings import loadings_2d
from .shearing import sheared_samples
from .slow_quench import QUENCH_WORK
from .states import MINI, PAPER, State
from .vibration import make_vibration

__all__ = ["PLANS", "POTENTIALS", "WORK", "assemble", "atom_steps_per_second"]

PLANS: dict[str, Plan[State]] = {
    "mini": Plan("mini", MINI, "lj2d_plasticity-mini", mantissa_bits=11),
    "paper": Plan("paper", PAPER, "lj2d_plasticity-paper"),
}
# Lengths in sigma, times in t_0.
CAGE = CageProtocol(radius=0.35, runs=2, duration=21.0, settling=1.5, redraw_time=3.0, step=0.01)
POTENTIALS = {
    "lj2d": lambda: Potential(LENNARD_JONES_2D, 1e-6, cages={"cage_positions": CAGE}),
}


def make_sheared(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Shear the glass that a piece needs."""
    return sheared_samples.make_shear(
        piece, folder, read_need(piece, folder), LENNARD_JONES_2D, loadings_2d()
    )


WORK = QUENCH_WORK | PREPARE_WORK | {"shear": make_sheared, "vibration": make_vibration}


def atom_steps_per_second(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the liquid at 1.08 T_g on one core."""
    protocol = QuenchProtocol(quench_time=1.0, particles=2500)
    positions, species = square_lattice(protocol, "calibration")
    with lammps_session() as lammps:
        open_cell(lammps, LENNARD_JONES_2D, np.diag([protocol.box_edge] * 2))
        place_atoms(lammps, in_space(positions), species + 1)
        lammps.command("minimize 1e-3 1e-3 200 2000")
        lammps.command("timestep 0.005")
        lammps.command(f"fix integrate all nvt temp 1.0 {protocol.start_temperature} 1.0")
        return measured_speed(lammps, seconds)
