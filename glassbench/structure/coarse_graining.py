"""Averages of per-particle fields over what surrounds each particle, by species and length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from .neighbours import neighbour_pairs


def coarse_grained(
    fields: np.ndarray,
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    lengths: Sequence[float],
    cutoff: float,
    spread: Sequence[int] | np.ndarray = (),
    *,
    species_count: int = 2,
) -> np.ndarray:
    """Return each field averaged with weights exp(-r_ij / L) over the particles within a cutoff.

    For each length L, over all particles (i itself among them) and over those of each species:
    the sum of the weights, the average of every field about its mean over the structure, and the
    variance of the fields named in `spread`. (N, L (1 + species_count) (1 + F + S)) float32.

    Source: Jung, Biroli & Berthier, Phys. Rev. Lett. 130, 238202 (2023), with sums of weights and
    a cutoff of our own.

    >>> import numpy as np
    >>> from glassbench.structure import coarse_grained
    >>> pair, species = np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([0, 1], np.int8)
    >>> field = np.array([[0.0], [2.0]])
    >>> coarse_grained(field, pair, species, np.full(2, 9.0), [1.0], 3.0)[0].round(3)
    array([ 1.368, -0.462,  1.   , -1.   ,  0.368,  1.   ], dtype=float32)

    Parameters
    ----------
    fields : (N, F); positions (N, d); species (N,); box (d,)
    lengths : L, and `cutoff`, in the unit of the positions
    spread : columns of `fields`, S of them
    """
    pairs = neighbour_pairs(positions, box, cutoff, self_edges=True)
    count, chosen = len(positions), list(spread)
    fields = fields - fields.mean(axis=0)
    columns = np.concatenate([np.ones((count, 1)), fields, fields[:, chosen] ** 2], axis=1)
    of_species = [columns * (species == s)[:, None] for s in range(species_count)]
    columns = np.concatenate(of_species, axis=1).astype(np.float32)
    parts = []
    for length in lengths:
        weights = np.exp(-pairs.distances / length).astype(np.float32)
        matrix = sparse.csr_array((weights, pairs.senders, pairs.offsets), shape=(count, count))
        sums = (matrix @ columns).reshape(count, species_count, -1)
        for total in (sums.sum(axis=1), *(sums[:, s] for s in range(species_count))):
            weight = total[:, :1]
            means = total[:, 1:] / np.maximum(weight, 1e-6)
            average, square = means[:, : fields.shape[1]], means[:, fields.shape[1] :]
            parts += [weight, average, square - average[:, chosen] ** 2]
    return np.concatenate(parts, axis=1)
