"""Interaction potentials in numpy. Pairs come in as arrays; nothing here searches neighbours.

Values that do not fit, a pair without a length among them, are refused with a ValueError.
"""

from .embedded_atom import (
    COPPER_ZIRCONIUM_MASSES,
    EmbeddedAtom,
    copper_zirconium_potential,
    read_embedded_atom,
)
from .interaction import (
    INTERACTIONS,
    Interaction,
    check_interaction,
    forces,
    hessian,
    interaction,
    particle_energies,
)
from .lennard_jones import (
    KOB_ANDERSEN,
    LARGE_SMALL_2D,
    ForceShiftedLennardJones,
    SmoothedLennardJones,
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
    "check_interaction",
    "copper_zirconium_potential",
    "forces",
    "hessian",
    "interaction",
    "particle_energies",
    "read_embedded_atom",
]
