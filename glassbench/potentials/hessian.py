"""The Hessian of pair potentials, as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from .pair_tables import check_pairs

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class PairPotential(Protocol):
    """What the Hessian asks of a potential."""

    def energy_and_slope(self, distances, first_species, second_species): ...

    def curvature(self, distances, first_species, second_species): ...


def pair_hessian(
    potential: PairPotential,
    species: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
) -> csr_array:
    """Return the second derivatives of the energy with respect to the positions.

    H_(i a, j b) = -K_ab(r_ij) for i != j, H_(i a, i b) = sum_j K_ab(r_ij),
    K = (V'' - V' / r) n n^T + V' / r, with n the direction of the pair

    Coordinates are ordered x_0, y_0, (z_0,) x_1, ...

    Parameters
    ----------
    potential : with `energy_and_slope` and `curvature`
    species : (N,) int8
    first, second : (P,) int
        Every pair within the cutoff of the potential, each once and first < second.
    vectors : (P, d), d = 2 or 3, minimum image of r_second - r_first

    Returns
    -------
    scipy.sparse.csr_array (d N, d N) float64, energy per squared length

    Raises
    ------
    ValueError
        If a pair has no length, or the arrays do not describe the same pairs.
    """
    species, vectors = np.asarray(species), np.asarray(vectors, dtype=np.float64)
    first, second = np.asarray(first), np.asarray(second)
    check_pairs(first, second, vectors)
    distances = np.sqrt(np.einsum("pa,pa->p", vectors, vectors))
    kinds = species[first], species[second]
    _, slope = potential.energy_and_slope(distances, *kinds)
    across = slope / distances
    along = potential.curvature(distances, *kinds) - across
    directions = vectors / distances[:, None]
    blocks = along[:, None, None] * directions[:, :, None] * directions[:, None, :]
    blocks += across[:, None, None] * np.eye(vectors.shape[1])
    return spread_pair_blocks(blocks, first, second, len(species))


def spread_pair_blocks(
    blocks: np.ndarray, first: np.ndarray, second: np.ndarray, particles: int
) -> csr_array:
    """Return the matrix of springs K (P, d, d) between particles: plus on the diagonal, minus off.

    Returns
    -------
    scipy.sparse.csr_array (d N, d N) float64
    """
    from scipy import sparse

    dimension = blocks.shape[1]
    diagonal = np.zeros((particles, dimension, dimension))
    for axes in np.ndindex(dimension, dimension):
        values = blocks[(slice(None), *axes)]
        for end in (first, second):
            diagonal[(slice(None), *axes)] += np.bincount(end, values, minlength=particles)
    own = np.arange(particles)
    rows, columns = np.concatenate([first, second, own]), np.concatenate([second, first, own])
    values = np.concatenate([-blocks, -blocks.transpose(0, 2, 1), diagonal])
    components = np.arange(dimension)
    rows = np.broadcast_to(rows[:, None, None] * dimension + components[:, None], values.shape)
    columns = np.broadcast_to(columns[:, None, None] * dimension + components, values.shape)
    size = particles * dimension
    entries = (values.ravel(), (rows.ravel(), columns.ravel()))
    return sparse.coo_array(entries, shape=(size, size)).tocsr()
