"""The Hessian of pair potentials and of the embedded-atom potential, as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .embedded_atom import EmbeddedAtom
from .lennard_jones import LennardJones
from .pairs import Pairs

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def pair_hessian(potential: LennardJones, pairs: Pairs) -> csr_array:
    """Return the Hessian of a pair potential.

    H_(i a, j b) = -K_ab(r_ij) for i != j, H_(i a, i b) = sum_j K_ab(r_ij),
    K = (V'' - V' / r) n n^T + V' / r, with n the direction of the pair
    """
    _, slope = potential.energy_and_slope(pairs.distances, *pairs.kinds)
    across = slope / pairs.distances
    along = potential.curvature(pairs.distances, *pairs.kinds) - across
    n = pairs.directions
    blocks = along[:, None, None] * n[:, :, None] * n[:, None, :]
    blocks += across[:, None, None] * np.eye(n.shape[1])
    return spread_pair_blocks(blocks, pairs.first, pairs.second, len(pairs.species))


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


def embedded_atom_hessian(potential: EmbeddedAtom, pairs: Pairs) -> csr_array:
    """Return the Hessian of the embedded-atom potential.

    H = B^T K B + G^T diag(F''(rho_i)) G, where G = d rho / d x, and for each pair
    K = psi'' n n^T + psi'/r (1 - n n^T), with psi the pair energy and the embedding
    linearised in the density, n the direction of the pair, and B x = x_j - x_i.
    Tables printed with few digits have noisy second derivatives: 0.01 to 0.04 eV/Angstrom^2 rms
    for `CuZr_mm.eam.fs` near 2.7 Angstrom.
    """
    from scipy import sparse

    curvature = potential.embedded(pairs.species, potential.densities(pairs), 2)
    across = potential.effective(pairs, 1) / pairs.distances
    blocks = (potential.effective(pairs, 2) - across)[:, None, None] * np.einsum(
        "pa,pb->pab", pairs.directions, pairs.directions
    ) + across[:, None, None] * np.eye(3)
    terms = potential.terms(pairs, 1)
    gradient = _density_gradient(pairs, terms.on_first, terms.on_second)
    return (
        spread_pair_blocks(blocks, pairs.first, pairs.second, len(pairs.species))
        + gradient.T @ sparse.diags_array(curvature) @ gradient
    ).tocsr()


def _density_gradient(pairs: Pairs, on_first: np.ndarray, on_second: np.ndarray):
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
