"""Which neighbours a particle has lost: bonds of a configuration that are broken later."""

from __future__ import annotations

import numpy as np

from glassbench.structure.neighbours import neighbour_pairs
from glassbench.structure.periodic_box import checked_positions, minimum_image

BONDED = 1.5
BROKEN = 1.7


class BondBreaking:
    """The bonds of a configuration, and the share of them that each particle loses.

    Particles i and j are bonded where r_ij(0) < A_1 sigma_ij; their bond is broken at a later
    time where r_ij(t) > A_2 sigma_ij. With A_2 > A_1 a vibration about A_1 breaks no bond.

        B_i = (broken bonds of i) / (bonds of i)

    Source: Yamamoto & Onuki, Phys. Rev. E 58, 3515 (1998), where bonds and broken bonds are defined
    by two such lengths; the values here are this project's.

    Parameters
    ----------
    positions : (N, d), the initial configuration
    diameters : (S, S), sigma of each pair of species, unit of the positions
    bonded, broken : A_1 and A_2; A_1 near the first minimum of g(r)
    """

    def __init__(
        self,
        positions: np.ndarray,
        species: np.ndarray,
        box: np.ndarray,
        diameters: np.ndarray,
        bonded: float = BONDED,
        broken: float = BROKEN,
    ) -> None:
        positions, self.box = checked_positions(positions, box)
        self.particles = len(positions)
        species, diameters = np.asarray(species), np.asarray(diameters, dtype=np.float64)
        if not 0 < bonded <= broken:
            raise ValueError(f"bonds below {bonded} that break beyond {broken}: 0 < A_1 <= A_2")
        if species.max(initial=0) >= len(diameters):
            raise ValueError(f"species {species.max()} has no diameter in {diameters.shape}")
        pairs = neighbour_pairs(positions, self.box, bonded * diameters.max()).undirected()
        diameter = diameters[species[pairs.senders], species[pairs.receivers]]
        chosen = np.linalg.norm(pairs.vectors, axis=1) < bonded * diameter
        self.first, self.second = pairs.senders[chosen], pairs.receivers[chosen]
        self.limit = broken * diameter[chosen]
        self.bonds = self._count(np.ones(len(self.first), dtype=bool))

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Return B (N,) for later positions (N, d), wrapped or not; 0 without bonds."""
        positions = np.asarray(positions, dtype=np.float64)
        if positions.shape != (self.particles, len(self.box)):
            raise ValueError(
                f"positions have the shape {positions.shape}, the configuration "
                f"{(self.particles, len(self.box))}"
            )
        vectors = minimum_image(positions[self.second] - positions[self.first], self.box)
        broken = np.einsum("pa,pa->p", vectors, vectors) > self.limit**2
        return self._count(broken) / np.maximum(self.bonds, 1)

    def _count(self, chosen: np.ndarray) -> np.ndarray:
        ends = np.concatenate([self.first[chosen], self.second[chosen]])
        return np.bincount(ends, minlength=self.particles)
