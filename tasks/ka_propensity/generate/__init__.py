"""Datasets of Kob-Andersen propensities: parents, then isoconfigurational trajectories."""

from __future__ import annotations

from glassbench.simulation.generator import Plan
from glassbench.simulation.lammps_library import lammps_session, measured_speed, place_atoms
from glassbench.simulation.material import open_cubic_box
from glassbench.simulation.prepare import Potential
from glassbench.simulation.prepare_dataset import PREPARE_WORK
from glassbench.simulation.stored_states import STORED_STATE_WORK, with_stored_states

from .cage import CAGES, make_cage
from .dataset import assemble
from .ensemble import ENSEMBLE_WORK
from .kob_andersen import (
    KOB_ANDERSEN,
    Protocol,
    initial_lattice,
    maxwell_boltzmann,
)
from .states import MINI, MINI_INTERPOLATION, MINI_TEMPERATURES, PAPER, State
from .vibration import make_vibration

__all__ = ["PLANS", "POTENTIALS", "WORK", "assemble", "atom_steps_per_second", "pieces_from"]

# The small plans share a folder of pieces; so do `paper` and its temperatures one by one, such
# as `paper_T0.64`, which `samples=` joins.
PLANS: dict[str, Plan[State]] = {
    "mini": Plan("mini", MINI, "ka_propensity-mini"),
    "mini_temperatures": Plan("mini_temperatures", MINI_TEMPERATURES, "ka_propensity-mini"),
    "mini_interpolation": Plan("mini_interpolation", MINI_INTERPOLATION, "ka_propensity-mini"),
    "paper": Plan("paper", PAPER, "ka_propensity-paper"),
}
for _state in PAPER:
    _name = f"paper_{_state.name}"
    PLANS[_name] = Plan(_name, (_state,), "ka_propensity-paper")

POTENTIALS = {"kob_andersen": lambda: Potential(KOB_ANDERSEN, force_tolerance=1e-6, cages=CAGES)}
pieces_from = with_stored_states
WORK = (
    ENSEMBLE_WORK
    | STORED_STATE_WORK
    | PREPARE_WORK
    | {"vibration": make_vibration, "cage": make_cage}
)


def atom_steps_per_second(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the liquid at T = 0.64 on one core.

    The lattice is melted for a moment first, since a crystal is no liquid.
    """
    protocol = Protocol(temperature=0.64, tau_alpha=16.5)
    positions, types = initial_lattice(protocol, "calibration")
    velocities = maxwell_boltzmann(protocol.particles, 2.0, "calibration")
    with lammps_session() as lammps:
        open_cubic_box(lammps, KOB_ANDERSEN, protocol.box_edge)
        place_atoms(lammps, positions, types, velocities)
        lammps.command("timestep 0.002")
        lammps.command("fix integrate all nvt temp 2.0 0.64 0.2")
        return measured_speed(lammps, seconds)
