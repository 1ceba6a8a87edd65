"""Datasets of copper-zirconium atomic stiffness: quenched samples, then warm runs of each."""

from __future__ import annotations

from glassbench.simulation.copper_zirconium import (
    SAMPLE_WORK,
    copper_zirconium_speed,
    potential_variant,
)
from glassbench.simulation.copper_zirconium_potential import choose_potential
from glassbench.simulation.generator import Plan
from glassbench.simulation.stiffness import make_warm_run
from glassbench.simulation.stored_states import STORED_STATE_WORK, with_stored_states

from .dataset import assemble
from .states import MINI, PAPER, State

__all__ = ["PLANS", "WORK", "assemble", "atom_steps_per_second", "choose_potential", "pieces_from"]

# The folder of pieces is shared with every task that reads the same samples.
PLANS: dict[str, Plan[State]] = {
    "mini": Plan("mini", MINI, "copper_zirconium-mini", potential_variant),
    "paper": Plan("paper", PAPER, "copper_zirconium-paper", potential_variant),
}
pieces_from = with_stored_states
WORK = SAMPLE_WORK | STORED_STATE_WORK | {"stiffness": make_warm_run, "vibration": make_warm_run}
atom_steps_per_second = copper_zirconium_speed
