"""Datasets of copper-zirconium atomic stiffness: quenched samples, then warm runs of each."""

from __future__ import annotations

from glassbench.simulation.generator import Plan
from glassbench.simulation.stored_states import STORED_STATE_WORK, with_stored_states

from .dataset import assemble
from .samples import copper_zirconium, potential, warm_run
from .states import MINI, PAPER, State

__all__ = ["PLANS", "WORK", "assemble", "atom_steps_per_second", "choose_potential", "pieces_from"]

# The folder of pieces is shared with every task that reads the same samples.
PLANS: dict[str, Plan[State]] = {
    "mini": Plan("mini", MINI, "copper_zirconium-mini", copper_zirconium.potential_variant),
    "paper": Plan("paper", PAPER, "copper_zirconium-paper", copper_zirconium.potential_variant),
}
pieces_from = with_stored_states
warm_runs = dict.fromkeys(("stiffness", "vibration"), warm_run.make_warm_run)
WORK = copper_zirconium.SAMPLE_WORK | STORED_STATE_WORK | warm_runs
atom_steps_per_second = copper_zirconium.copper_zirconium_speed
choose_potential = potential.choose_potential
