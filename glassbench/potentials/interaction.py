"""Energies, forces and Hessian of every potential alike, and the embedded systems by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .embedded_atom import COPPER_ZIRCONIUM_MASSES, EmbeddedAtom, copper_zirconium_potential
from .lennard_jones import (
    KOB_ANDERSEN,
    LARGE_SMALL_2D,
    ForceShiftedLennardJones,
    LennardJones,
    SmoothedLennardJones,
)
from .pairs import Pairs, checked_pairs

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Potential = LennardJones | EmbeddedAtom
PAIR_POTENTIALS: dict[str, ForceShiftedLennardJones | SmoothedLennardJones] = {
    "kob_andersen": KOB_ANDERSEN,
    "lennard_jones_2d": LARGE_SMALL_2D,
}
INTERACTIONS = (*PAIR_POTENTIALS, "embedded_atom")


def particle_energies(
    potential: Potential,
    species: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    vectors: ArrayLike,
) -> np.ndarray:
    """Return the local potential energy of each particle: half of the sum over its pairs.

    u_i = 1/2 sum_(j != i) V(r_ij), and of an atom in a metal the energy of its embedding
    besides, so that the sum over particles is the total energy

    Returns (N,) float64, in the unit of epsilon; eV of an embedded-atom potential.

    Parameters
    ----------
    species : (N,) int, 0 = A, 1 = B; index into `elements` of an embedded-atom potential
    first, second : (P,) int
        Every pair within the cutoff of the potential, each once and first < second;
        longer pairs do no harm.
    vectors : (P, d), minimum image of r_second - r_first
    """
    return potential.particle_energies(_pairs(potential, species, first, second, vectors))


def forces(
    potential: Potential,
    species: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    vectors: ArrayLike,
) -> np.ndarray:
    """Return the force on each particle, f_i = -d/dr_i of the total energy.

    Arguments and errors are those of `particle_energies`; (N, d) float64, energy per length.
    """
    pairs = _pairs(potential, species, first, second, vectors)
    columns = potential.pair_forces(pairs).T
    return np.stack([pairs.sum_over_particles(one, -one) for one in columns], axis=1)


def hessian(
    potential: Potential,
    species: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    vectors: ArrayLike,
) -> csr_array:
    """Return the second derivatives of the energy with respect to the positions.

    Coordinates are ordered x_0, y_0, (z_0,) x_1, ... Arguments and errors are those of
    `particle_energies`; a `scipy.sparse.csr_array` (d N, d N) float64, energy per squared length.
    """
    return potential.hessian(_pairs(potential, species, first, second, vectors))


def _pairs(potential: Potential, *arrays: ArrayLike) -> Pairs:
    if isinstance(potential, EmbeddedAtom):
        return checked_pairs(len(potential.elements), potential.cutoff, *arrays)
    return checked_pairs(len(potential.sigma), np.inf, *arrays)


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
    potential: Potential
    if pairwise := PAIR_POTENTIALS.get(name):
        potential, cutoff, masses = pairwise, pairwise.largest_cutoff, None
    else:
        potential = copper_zirconium_potential(file)
        cutoff, masses = potential.cutoff, COPPER_ZIRCONIUM_MASSES
    return Interaction(
        cutoff,
        partial(particle_energies, potential),
        partial(forces, potential),
        partial(hessian, potential),
        masses,
    )


def check_interaction(name: str) -> None:
    """Refuse a name that is not in `INTERACTIONS`."""
    if name not in INTERACTIONS:
        raise ValueError(f"potential {name!r} is not one of {', '.join(INTERACTIONS)}")
