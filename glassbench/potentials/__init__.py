"""Interaction potentials in numpy. Pairs come in as arrays; nothing here searches neighbours.

Values that do not fit, a pair without a length among them, are refused with a ValueError.
"""

from .embedded_atom import (
    COPPER_ZIRCONIUM_MASSES,
    EmbeddedAtom,
    atom_energies,
    atom_forces,
    copper_zirconium_potential,
    read_embedded_atom,
)
from .hessian import embedded_atom_hessian, pair_hessian
from .interaction import INTERACTIONS, Interaction, check_interaction, interaction
from .lennard_jones import (
    KOB_ANDERSEN,
    LARGE_SMALL_2D,
    ForceShiftedLennardJones,
    SmoothedLennardJones,
    forces,
    particle_energies,
)

__all__ = [
    "COPPER_ZIRCONIUM_MASSES",
    "INTERACTIONS",
    "KOB_ANDERSEN",
    "LARGE_SMALL_2D",
    "EmbeddedAtom",
    "ForceShiftedLennardJones",
    "Interaction",
    "SmoothedLennardJones",
    "atom_energies",
    "atom_forces",
    "check_interaction",
    "copper_zirconium_potential",
    "embedded_atom_hessian",
    "forces",
    "interaction",
    "pair_hessian",
    "particle_energies",
    "read_embedded_atom",
]
