"""Interaction potentials in numpy. Pairs come in as arrays; nothing here searches neighbours."""

from .lennard_jones import (
    KOB_ANDERSEN,
    ForceShiftedLennardJones,
    forces,
    kob_andersen_energy,
    particle_energies,
)

__all__ = [
    "KOB_ANDERSEN",
    "ForceShiftedLennardJones",
    "forces",
    "kob_andersen_energy",
    "particle_energies",
]
