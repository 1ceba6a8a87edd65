"""Lennard-Jones potentials of mixtures that end at a cutoff, and two mixtures of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pair_tables import check_pairs, check_tables, checked_distances


@dataclass(frozen=True)
class ForceShiftedLennardJones:
    """Lennard-Jones pairs whose energy and force both vanish at the cutoff.

    V(r) = U(r) - U(r_c) - (r - r_c) U'(r_c) for r < r_c, and 0 beyond, with
    U(r) = 4 epsilon_ab ((sigma_ab / r)^12 - (sigma_ab / r)^6) and
    r_c = cutoff_factor sigma_ab

    Source: Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 7 and 8.

    Attributes
    ----------
    epsilon : (S, S) symmetric, energies
    sigma : (S, S) symmetric, lengths
    cutoff_factor : float
    """

    epsilon: tuple[tuple[float, ...], ...]
    sigma: tuple[tuple[float, ...], ...]
    cutoff_factor: float = 2.5

    def __post_init__(self) -> None:
        check_tables(self.epsilon, self.sigma)
        if not self.cutoff_factor > 0:
            raise ValueError(f"cutoff factor {self.cutoff_factor} must be above 0")

    @property
    def cutoffs(self) -> np.ndarray:
        """r_c (S, S), a length for each pair of species."""
        return self.cutoff_factor * np.array(self.sigma, float)

    @property
    def largest_cutoff(self) -> float:
        """The distance within which all pairs must be given."""
        return float(self.cutoffs.max())

    def energy_and_slope(
        self, distances: np.ndarray, first_species: np.ndarray, second_species: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return V (P,), an energy, and dV/dr (P,), energy per length, of pairs (P,)."""
        distances = checked_distances(distances)
        epsilon = np.array(self.epsilon, float)[first_species, second_species]
        sigma = np.array(self.sigma, float)[first_species, second_species]
        cutoff = self.cutoff_factor * sigma
        energy, slope, _ = _lennard_jones(distances, epsilon, sigma)
        energy_at_cutoff, slope_at_cutoff, _ = _lennard_jones(cutoff, epsilon, sigma)
        inside = distances < cutoff
        energy -= energy_at_cutoff + (distances - cutoff) * slope_at_cutoff
        slope -= slope_at_cutoff
        return np.where(inside, energy, 0.0), np.where(inside, slope, 0.0)

    def curvature(
        self, distances: np.ndarray, first_species: np.ndarray, second_species: np.ndarray
    ) -> np.ndarray:
        """Return d2V/dr2 (P,), energy per squared length, of pairs (P,) at distances above 0."""
        distances = np.asarray(distances, dtype=np.float64)
        epsilon = np.array(self.epsilon, float)[first_species, second_species]
        sigma = np.array(self.sigma, float)[first_species, second_species]
        curvature = _lennard_jones(distances, epsilon, sigma)[2]
        return np.where(distances < self.cutoff_factor * sigma, curvature, 0.0)


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
    """Return energy, slope and curvature of the plain potential."""
    sixth = (sigma / distances) ** 6
    return (
        4 * epsilon * sixth * (sixth - 1),
        -24 * epsilon * sixth * (2 * sixth - 1) / distances,
        24 * epsilon * sixth * (26 * sixth - 7) / distances**2,
    )


# Shiba et al., J. Chem. Phys. 158, 084503 (2023).
KOB_ANDERSEN = ForceShiftedLennardJones(
    epsilon=((1.0, 1.5), (1.5, 0.5)), sigma=((1.0, 0.8), (0.8, 0.88)), cutoff_factor=2.5
)
_LARGE, _SMALL = 2 * np.sin(np.pi / 5), 2 * np.sin(np.pi / 10)

# Falk, Langer, Phys. Rev. E 57, 7192 (1998): species 0 is L, species 1 is S; smoothed here.
LARGE_SMALL_2D = SmoothedLennardJones(
    epsilon=((0.5, 1.0), (1.0, 0.5)), sigma=((_LARGE, 1.0), (1.0, _SMALL))
)


def particle_energies(
    potential: ForceShiftedLennardJones,
    species: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
) -> np.ndarray:
    """Return the local potential energy of each particle: half of the sum over its pairs.

    u_i = 1/2 sum_(j != i) V(r_ij), so that the sum over particles is the total energy

    Returns (N,) float64, in the unit of epsilon.

    Parameters
    ----------
    potential : ForceShiftedLennardJones
    species : (N,) int8, 0 = A, 1 = B
    first, second : (P,) int
        Every pair within `potential.largest_cutoff`, each once and first < second;
        longer pairs do no harm.
    vectors : (P, d), minimum image of r_second - r_first
    """
    species, first, second, vectors = _checked_pairs(potential, species, first, second, vectors)
    distances = np.sqrt(np.einsum("pa,pa->p", vectors, vectors))
    energy, _ = potential.energy_and_slope(distances, species[first], species[second])
    count = len(species)
    return 0.5 * (np.bincount(first, energy, count) + np.bincount(second, energy, count))


def forces(
    potential: ForceShiftedLennardJones,
    species: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
) -> np.ndarray:
    """Return the force on each particle, f_i = -d/dr_i of the total energy.

    Arguments and errors are those of `particle_energies`; (N, d) float64, epsilon per length.
    """
    species, first, second, vectors = _checked_pairs(potential, species, first, second, vectors)
    distances = np.sqrt(np.einsum("pa,pa->p", vectors, vectors))
    _, slope = potential.energy_and_slope(distances, species[first], species[second])
    count = len(species)
    on_first = (slope / distances)[:, None] * vectors
    columns = [
        np.bincount(first, component, count) - np.bincount(second, component, count)
        for component in on_first.T
    ]
    return np.stack(columns, axis=1)


def _checked_pairs(potential, species, first, second, vectors):
    species, first, second = np.asarray(species), np.asarray(first), np.asarray(second)
    vectors = np.asarray(vectors, dtype=np.float64)
    known = len(potential.sigma)
    if len(species) and not (species.min() >= 0 and species.max() < known):
        raise ValueError(
            f"species run from {species.min()} to {species.max()}, and the potential knows "
            f"0 to {known - 1}: renumber them or extend its tables"
        )
    check_pairs(first, second, vectors)
    return species, first, second, vectors
