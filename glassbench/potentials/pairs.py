"""The pairs of particles that a potential is given, checked, and sums over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
