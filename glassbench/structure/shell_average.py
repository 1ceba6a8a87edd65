"""Averaging of per-particle features over the shell of neighbours, several times over."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .neighbours import neighbour_pairs


def shell_average_matrix(positions: np.ndarray, box: np.ndarray, cutoff: float = 2.0):
    """Return the matrix (N, N) that replaces a feature by its average over neighbours.

    A_ij = exp(-r_ij / r_c) / C_i for r_ij < r_c, the particle itself (r_ii = 0) included, with
    C_i such that every row sums to 1; a `scipy.sparse.csr_array` in float64.
    Source: Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021).
    """
    pairs = neighbour_pairs(positions, box, cutoff, self_edges=True)
    weights = np.exp(-pairs.distances / cutoff)
    totals = np.add.reduceat(weights, pairs.offsets[:-1]) if pairs.particles else np.empty(0)
    weights /= np.repeat(totals, np.diff(pairs.offsets))
    shape = (pairs.particles, pairs.particles)
    return sparse.csr_array((weights, pairs.senders, pairs.offsets), shape=shape)


def shell_averages(
    features: np.ndarray,
    positions: np.ndarray,
    box: np.ndarray,
    cutoff: float = 2.0,
    rounds: int = 2,
) -> np.ndarray:
    """Return features (N, F) averaged over neighbour shells 0, 1, ..., `rounds` times.

    x^(n) = A x^(n - 1), with the matrix A of `shell_average_matrix` and its arguments

    Returns (rounds + 1, N, F): the features themselves first; float32 if the features are, float64
    otherwise.

    >>> import numpy as np
    >>> from glassbench.structure import shell_averages
    >>> pair = np.array([[1.0, 1.0], [1.5, 1.0]])
    >>> feature, box = np.array([[0.0], [1.0]]), np.full(2, 9.0)
    >>> averages = shell_averages(feature, pair, box, cutoff=1.0, rounds=1)
    >>> averages[:, :, 0].round(3)
    array([[0.   , 1.   ],
           [0.378, 0.622]])
    """
    features = np.asarray(features)
    if features.ndim != 2 or len(features) != len(positions):
        raise ValueError(
            f"features have the shape {features.shape}: give ({len(positions)}, features)"
        )
    if rounds < 0:
        raise ValueError(f"rounds {rounds} is below 0")
    if not np.isfinite(features).all():
        particle = int(np.argmin(np.isfinite(features).all(axis=1)))
        raise ValueError(
            f"features of particle {particle} are not finite, and averaging would spread them: "
            "repair them first"
        )
    dtype = np.float32 if features.dtype == np.float32 else np.float64
    averages = np.empty((rounds + 1, *features.shape), dtype=dtype)
    averages[0] = features
    matrix = shell_average_matrix(positions, box, cutoff).astype(dtype)
    for generation in range(rounds):
        averages[generation + 1] = matrix @ averages[generation]
    return averages
