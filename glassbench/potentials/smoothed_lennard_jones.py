"""The Lennard-Jones potential whose force is brought to zero by a cubic between two radii."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pair_tables import check_tables, checked_distances


@dataclass(frozen=True)
class SmoothedLennardJones:
    """Lennard-Jones pairs with a force that ends smoothly, and no energy beyond.

    V(r) = U(r) + const below r_in with U(r) = 4 epsilon_ab ((sigma_ab / r)^12 -
    (sigma_ab / r)^6). Between r_in and r_c the force is the cubic in r that takes over
    value and slope at r_in and has neither at r_c; beyond V = 0. V is continuous. This is
    `lj/smooth` of LAMMPS with `pair_modify shift yes`.

    Attributes
    ----------
    epsilon : (S, S) symmetric, energies
    sigma : (S, S) symmetric, lengths
    inner, cutoff : float, r_in and r_c, lengths, the same for all pairs
    """

    epsilon: tuple[tuple[float, ...], ...]
    sigma: tuple[tuple[float, ...], ...]
    inner: float = 2.0
    cutoff: float = 2.5

    def __post_init__(self) -> None:
        check_tables(self.epsilon, self.sigma)
        if not 0 < self.inner < self.cutoff < np.inf:
            raise ValueError(f"inner {self.inner} and cutoff {self.cutoff} must increase from 0")

    @property
    def largest_cutoff(self) -> float:
        """The distance within which all pairs must be given."""
        return float(self.cutoff)

    def energy_and_slope(
        self, distances: np.ndarray, first_species: np.ndarray, second_species: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return V (P,), an energy, and dV/dr (P,), energy per length, of pairs (P,)."""
        energy, slope, _ = self._derivatives(distances, first_species, second_species)
        return energy, slope

    def curvature(
        self, distances: np.ndarray, first_species: np.ndarray, second_species: np.ndarray
    ) -> np.ndarray:
        """Return d2V/dr2 (P,), energy per squared length. Arguments as `energy_and_slope`."""
        return self._derivatives(distances, first_species, second_species)[2]

    def _derivatives(self, distances, first_species, second_species):
        distances = checked_distances(distances)
        epsilon = np.array(self.epsilon, float)[first_species, second_species]
        sigma = np.array(self.sigma, float)[first_species, second_species]
        at_inner = _lennard_jones(np.full(distances.shape, self.inner), epsilon, sigma)
        tail_at_inner = self._tail(0.0, *at_inner[1:])
        below = _lennard_jones(distances, epsilon, sigma)
        tail = self._tail(distances - self.inner, *at_inner[1:])
        smooth = distances >= self.inner
        shifted = below[0] - at_inner[0] + tail_at_inner[0]
        within = distances < self.cutoff
        inside = (shifted, *below[1:])
        return tuple(
            np.where(within, np.where(smooth, t, b), 0.0) for t, b in zip(tail, inside, strict=True)
        )

    def _tail(self, t, slope, curvature):
        """Energy, zero at the cutoff, and derivatives at r_in + t, from those at r_in."""
        width = self.cutoff - self.inner
        square = -(3 * slope + 2 * curvature * width) / width**2
        cube = (2 * slope + curvature * width) / width**3

        def energy(x):
            return x * (slope + x * (curvature / 2 + x * (square / 3 + x * cube / 4)))

        return (
            energy(t) - energy(width),
            slope + t * (curvature + t * (square + t * cube)),
            curvature + t * (2 * square + t * 3 * cube),
        )


def _lennard_jones(distances, epsilon, sigma) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sixth = (sigma / distances) ** 6
    return (
        4 * epsilon * sixth * (sixth - 1),
        -24 * epsilon * sixth * (2 * sixth - 1) / distances,
        24 * epsilon * sixth * (26 * sixth - 7) / distances**2,
    )


_LARGE, _SMALL = 2 * np.sin(np.pi / 5), 2 * np.sin(np.pi / 10)

# Falk, Langer, Phys. Rev. E 57, 7192 (1998): species 0 is L, species 1 is S; smoothed here.
LARGE_SMALL_2D = SmoothedLennardJones(
    epsilon=((0.5, 1.0), (1.0, 0.5)), sigma=((_LARGE, 1.0), (1.0, _SMALL))
)
