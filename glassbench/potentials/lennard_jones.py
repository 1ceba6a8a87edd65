"""The force-shifted Lennard-Jones potential of mixtures, and the Kob-Andersen mixture."""

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

    Attributes
    ----------
    epsilon : (S, S) symmetric, energies
    sigma : (S, S) symmetric, lengths
    cutoff_factor : float

    References
    ----------
    Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 7 and 8.
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
        energy, slope = _lennard_jones(distances, epsilon, sigma)
        energy_at_cutoff, slope_at_cutoff = _lennard_jones(cutoff, epsilon, sigma)
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
        inverse_sixth = (sigma / distances) ** 6
        curvature = 24 * epsilon * inverse_sixth * (26 * inverse_sixth - 7) / distances**2
        return np.where(distances < self.cutoff_factor * sigma, curvature, 0.0)


def _lennard_jones(distances, epsilon, sigma) -> tuple[np.ndarray, np.ndarray]:
    inverse_sixth = (sigma / distances) ** 6
    energy = 4 * epsilon * inverse_sixth * (inverse_sixth - 1)
    slope = -24 * epsilon * inverse_sixth * (2 * inverse_sixth - 1) / distances
    return energy, slope


KOB_ANDERSEN = ForceShiftedLennardJones(
    epsilon=((1.0, 1.5), (1.5, 0.5)), sigma=((1.0, 0.8), (0.8, 0.88)), cutoff_factor=2.5
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

    Parameters
    ----------
    potential : ForceShiftedLennardJones
    species : (N,) int8, 0 = A, 1 = B
    first, second : (P,) int
        Every pair within `potential.largest_cutoff`, each once and first < second;
        longer pairs do no harm.
    vectors : (P, d), minimum image of r_second - r_first

    Returns
    -------
    (N,) float64, in the unit of epsilon

    Raises
    ------
    ValueError
        If a pair is given in both directions, with itself, or at no distance, or a
        species is not in the tables of the potential.
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


def kob_andersen_energy(
    species: np.ndarray, first: np.ndarray, second: np.ndarray, vectors: np.ndarray
) -> np.ndarray:
    """Return the local potential energy (N,) of each Kob-Andersen particle, in epsilon_AA.

    `particle_energies` with the potential of Shiba et al., J. Chem. Phys. 158, 084503
    (2023): epsilon 1, 1.5, 0.5 and sigma 1, 0.8, 0.88 for AA, AB, BB, cutoff 2.5 sigma.
    """
    return particle_energies(KOB_ANDERSEN, species, first, second, vectors)


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
