"""The Hessian of pair potentials and of the embedded-atom potential, as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from .embedded_atom import CheckedPairs, EmbeddedAtom, embedding_of
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

    Returns a `scipy.sparse.csr_array` (d N, d N) float64, energy per squared length.

    Parameters
    ----------
    potential : with `energy_and_slope` and `curvature`
    species : (N,) int8
    first, second : (P,) int
        Every pair within the cutoff of the potential, each once and first < second.
    vectors : (P, d), d = 2 or 3, minimum image of r_second - r_first
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
    """Return the matrix (d N, d N) of springs K (P, d, d): plus on the diagonal, minus off."""
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


def embedded_atom_hessian(
    potential: EmbeddedAtom,
    species: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
) -> csr_array:
    """Return the second derivatives of the energy in the positions, (3N, 3N) eV/Angstrom^2.

    H = B^T K B + G^T diag(F''(rho_i)) G, where G = d rho / d x, and for each pair
    K = psi'' n n^T + psi'/r (1 - n n^T), with psi the pair energy and the embedding
    linearised in the density, n the direction of the pair, and B x = x_j - x_i.
    Coordinates are in the order x_0, y_0, z_0, x_1, ... Tables printed with few digits have
    noisy second derivatives: 0.01 to 0.04 eV/Angstrom^2 rms for `CuZr_mm.eam.fs` near 2.7
    Angstrom. Arguments and errors are those of `atom_energies`.
    """
    from scipy import sparse

    pairs = CheckedPairs.of(potential, species, first, second, vectors)
    density = pairs.densities(pairs.terms(potential))
    slope = embedding_of(potential, pairs.species, density, 1)
    curvature = embedding_of(potential, pairs.species, density, 2)
    terms, bends = pairs.terms(potential, 1), pairs.terms(potential, 2)
    at_first, at_second = slope[pairs.first], slope[pairs.second]
    psi_slope = terms.pair + at_first * terms.on_first + at_second * terms.on_second
    psi_bend = bends.pair + at_first * bends.on_first + at_second * bends.on_second
    across = psi_slope / pairs.distances
    blocks = (psi_bend - across)[:, None, None] * np.einsum(
        "pa,pb->pab", pairs.directions, pairs.directions
    ) + across[:, None, None] * np.eye(3)
    gradient = _density_gradient(pairs, terms.on_first, terms.on_second)
    return (
        spread_pair_blocks(blocks, pairs.first, pairs.second, len(pairs.species))
        + gradient.T @ sparse.diags_array(curvature) @ gradient
    ).tocsr()


def _density_gradient(pairs: CheckedPairs, on_first: np.ndarray, on_second: np.ndarray):
    """Return d rho_i / d x (N, 3N), from the slopes of the densities of each pair."""
    from scipy import sparse

    count, (i, j) = len(pairs.species), (pairs.first, pairs.second)
    entries = ((i, j, on_first), (i, i, -on_first), (j, j, on_second), (j, i, -on_second))
    values = np.concatenate([slope[:, None] * pairs.directions for _, _, slope in entries])
    rows = np.concatenate([row for row, _, _ in entries])
    columns = 3 * np.concatenate([atom for _, atom, _ in entries])[:, None] + np.arange(3)
    return sparse.coo_array(
        (values.ravel(), (np.repeat(rows, 3), columns.ravel())), shape=(count, 3 * count)
    ).tocsr()
