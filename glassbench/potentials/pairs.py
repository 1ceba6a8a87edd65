"""The pairs of particles that a potential is given, checked, and sums over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs i < j of particles, each once.

    Attributes
    ----------
    species : (N,) of all particles
    first, second : (P,) int, i and j
    vectors : (P, d), minimum image of r_j - r_i; `distances` (P,) their lengths
    directions : (P, d) from i to j
    """

    species: np.ndarray
    first: np.ndarray
    second: np.ndarray
    vectors: np.ndarray
    distances: np.ndarray
    directions: np.ndarray

    @property
    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """The species (P,) of i and of j."""
        return self.species[self.first], self.species[self.second]

    def sum_over_particles(self, on_first: np.ndarray, on_second: np.ndarray) -> np.ndarray:
        """Return for each particle (N,) the sum over its pairs."""
        count = len(self.species)
        return np.bincount(self.first, on_first, count) + np.bincount(self.second, on_second, count)


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


def checked_pairs(
    kinds: int,
    cutoff: float,
    species: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    vectors: ArrayLike,
) -> Pairs:
    """Return the pairs closer than `cutoff`, whose species are below `kinds`."""
    species, first, second = np.asarray(species), np.asarray(first), np.asarray(second)
    vectors = np.asarray(vectors, dtype=np.float64)
    if len(species) and not 0 <= species.min() <= species.max() < kinds:
        raise ValueError(
            f"species run from {species.min()} to {species.max()}, and the potential knows "
            f"0 to {kinds - 1}: renumber them or extend its tables"
        )
    if not (first.shape == second.shape == vectors.shape[:1]) or vectors.ndim != 2:
        raise ValueError(
            f"first {first.shape}, second {second.shape} and vectors {vectors.shape} "
            "must describe the same pairs: (P,), (P,), (P, d)"
        )
    if not (first < second).all():
        pair = int(np.argmin(first < second))
        raise ValueError(
            f"pair {pair} goes from {first[pair]} to {second[pair]}: give each pair once, "
            "from the lower to the higher index"
        )
    distances = checked_distances(np.sqrt(np.einsum("pa,pa->p", vectors, vectors)))
    near = slice(None) if cutoff == np.inf else distances < cutoff
    vectors, distances = vectors[near], distances[near]
    directions = vectors / distances[:, None]
    return Pairs(species, first[near], second[near], vectors, distances, directions)


def checked_distances(distances: ArrayLike) -> NDArray[np.float64]:
    """Return the distances (P,) of pairs as float64."""
    checked = np.asarray(distances, dtype=np.float64)
    if not (checked > 0).all():
        pair = int(np.argmin(checked > 0))
        raise ValueError(
            f"distance of pair {pair} is {checked[pair]}: two particles overlap, and the energy "
            "is defined above 0 only"
        )
    return checked
