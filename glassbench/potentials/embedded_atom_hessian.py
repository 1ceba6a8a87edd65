"""The Hessian of the embedded-atom potential, as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .embedded_atom import CheckedPairs, EmbeddedAtom, embedding_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def embedded_atom_hessian(
    potential: EmbeddedAtom,
    species: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
) -> csr_matrix:
    """Return the second derivatives of the energy in the positions, (3N, 3N) eV/Angstrom^2.

    H = B^T K B + G^T diag(F''(rho_i)) G, where G = d rho / d x, and for each pair
    K = psi'' n n^T + psi'/r (1 - n n^T), with psi the pair energy and the embedding
    linearised in the density, n the direction of the pair, and B x = x_j - x_i.
    Coordinates are in the order x_0, y_0, z_0, x_1, ... Arguments and errors are those of
    `atom_energies`.
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
    return (_spread(pairs, blocks) + gradient.T @ sparse.diags(curvature) @ gradient).tocsr()


def _density_gradient(pairs: CheckedPairs, on_first: np.ndarray, on_second: np.ndarray):
    """Return d rho_i / d x (N, 3N), from the slopes of the densities of each pair."""
    from scipy import sparse

    count, axes = len(pairs.species), np.arange(3)
    i, j = pairs.first, pairs.second
    rows, atoms, values = [], [], []
    for row, atom, slope in ((i, j, on_first), (i, i, -on_first), (j, j, on_second)):
        rows.append(row)
        atoms.append(atom)
        values.append(slope[:, None] * pairs.directions)
    rows.append(j)
    atoms.append(i)
    values.append(-on_second[:, None] * pairs.directions)
    columns = 3 * np.concatenate(atoms)[:, None] + axes
    return sparse.coo_matrix(
        (
            np.concatenate(values).ravel(),
            (np.repeat(np.concatenate(rows), 3), columns.ravel()),
        ),
        shape=(count, 3 * count),
    ).tocsr()


def _spread(pairs: CheckedPairs, blocks: np.ndarray):
    """Return the (3N, 3N) matrix of pair blocks (P, 3, 3): plus on the diagonal, minus off it."""
    from scipy import sparse

    count, i, j = len(pairs.species), pairs.first, pairs.second
    diagonal = np.zeros((count, 3, 3))
    np.add.at(diagonal, i, blocks)
    np.add.at(diagonal, j, blocks)
    atoms = np.arange(count)
    row = np.concatenate([i, j, atoms])[:, None, None] * 3 + np.arange(3)[:, None]
    column = np.concatenate([j, i, atoms])[:, None, None] * 3 + np.arange(3)
    values = np.concatenate([-blocks, -blocks, diagonal])
    row, column = (np.broadcast_to(a, values.shape).ravel() for a in (row, column))
    return sparse.coo_matrix((values.ravel(), (row, column)), shape=(3 * count, 3 * count)).tocsr()
