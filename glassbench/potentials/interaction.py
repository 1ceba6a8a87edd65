"""The interactions of the embedded systems by name: energies, forces and Hessian of each alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .embedded_atom import (
    COPPER_ZIRCONIUM_MASSES,
    atom_energies,
    atom_forces,
    copper_zirconium_potential,
)
from .hessian import embedded_atom_hessian, pair_hessian
from .lennard_jones import KOB_ANDERSEN, LARGE_SMALL_2D, forces, particle_energies

PAIR_POTENTIALS: dict[str, Any] = {
    "kob_andersen": KOB_ANDERSEN,
    "lennard_jones_2d": LARGE_SMALL_2D,
}
INTERACTIONS = (*PAIR_POTENTIALS, "embedded_atom")


@dataclass(frozen=True, eq=False)
class Interaction:
    """Functions of (species, first, second, vectors), the pairs i < j within `cutoff`.

    Attributes
    ----------
    cutoff : the distance within which all pairs must be given
    energies : local energies (N,); forces : (N, d); hessian : sparse (d N, d N)
    masses : of each species, None where all are equal
    """

    cutoff: float
    energies: Callable
    forces: Callable
    hessian: Callable
    masses: tuple[float, ...] | None = None


def interaction(name: str, file: str = "") -> Interaction:
    """Return the interaction of a name in `INTERACTIONS`.

    `embedded_atom` is copper-zirconium, its potential in an eam/fs `file`, or the one that
    LAMMPS ships where that is empty.
    """
    check_interaction(name)
    if name == "embedded_atom":
        metal = copper_zirconium_potential(file)
        return Interaction(
            metal.cutoff,
            partial(atom_energies, metal),
            partial(atom_forces, metal),
            partial(embedded_atom_hessian, metal),
            COPPER_ZIRCONIUM_MASSES,
        )
    pairwise = PAIR_POTENTIALS[name]
    return Interaction(
        pairwise.largest_cutoff,
        partial(particle_energies, pairwise),
        partial(forces, pairwise),
        partial(pair_hessian, pairwise),
    )


def check_interaction(name: str) -> None:
    """Refuse a name that is not in `INTERACTIONS`."""
    if name not in INTERACTIONS:
        raise ValueError(f"potential {name!r} is not one of {', '.join(INTERACTIONS)}")
