"""Invariants of the vectors that each particle carries, and of those around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from glassbench.structure import neighbour_pairs


def vector_invariants(
    vectors: Sequence[np.ndarray],
    positions: np.ndarray,
    box: np.ndarray,
    lengths: Sequence[float],
    cutoff: float,
) -> np.ndarray:
    """Return numbers (N, F) of vector fields u (each (N, d)) that no rotation changes.

    With <.> the average with weights exp(-r_ij / L) over the particles j within a cutoff, i
    itself included, and n the direction from i to j: |<u>|, u.<u>, |u - <u>|, <u.n>, <n>.u and
    sqrt(<u.u> - <u>.<u>) of each field, u.v and <u>.<v> and u.<v> of each two, and the
    divergence <(u_j - u_i).n>.
    """
    pairs = neighbour_pairs(positions, box, cutoff, self_edges=True)
    count, dimension = positions.shape
    directions = np.zeros((len(pairs), dimension))
    apart = pairs.distances > 0
    # Edges run from the sender to the receiver, whose surroundings are averaged.
    directions[apart] = -pairs.vectors[apart] / pairs.distances[apart, None]
    fields = np.concatenate(vectors, axis=1)
    squares = np.stack([(u**2).sum(axis=1) for u in vectors], axis=1)
    parts = [np.sqrt(squares)]
    parts += [_dot(u, v)[:, None] for k, u in enumerate(vectors) for v in vectors[:k]]

    def total(weights: np.ndarray) -> sparse.csr_array:
        return sparse.csr_array((weights, pairs.senders, pairs.offsets), shape=(count, count))

    for length in lengths:
        weights = np.exp(-pairs.distances / length)
        norm = np.add.reduceat(weights, pairs.offsets[:-1])
        weights /= np.repeat(norm, np.diff(pairs.offsets))
        plain = total(weights)
        means = np.split(plain @ fields, len(vectors), axis=1)
        mean_squares = plain @ squares
        along = [total(weights * directions[:, axis]) for axis in range(dimension)]
        ones = np.ones(count)
        centre = np.stack([matrix @ ones for matrix in along], axis=1)
        for k, (u, mean) in enumerate(zip(vectors, means, strict=True)):
            flux = sum(matrix @ u[:, axis] for axis, matrix in enumerate(along))
            variance = np.maximum(mean_squares[:, k] - _dot(mean, mean), 0)
            parts.append(
                np.stack(
                    [
                        np.linalg.norm(mean, axis=1),
                        _dot(u, mean),
                        np.linalg.norm(u - mean, axis=1),
                        flux,
                        flux - _dot(centre, u),
                        _dot(centre, u),
                        np.sqrt(variance),
                    ],
                    axis=1,
                )
            )
            for v, other in list(zip(vectors, means, strict=True))[:k]:
                pairwise = [_dot(mean, other), _dot(u, other), _dot(v, mean)]
                parts.append(np.stack(pairwise, axis=1))
    return np.concatenate(parts, axis=1)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", first, second)
