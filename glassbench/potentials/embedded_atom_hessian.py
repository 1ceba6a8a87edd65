"""The Hessian of the embedded-atom potential, as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .embedded_atom import CheckedPairs, EmbeddedAtom, embedding_of
from .hessian import spread_pair_blocks

if TYPE_CHECKING:
    from scipy.sparse import csr_array


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
