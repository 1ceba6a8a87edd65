"""Lennard-Jones potentials of mixtures that end at a cutoff, and two mixtures of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .pairs import Pairs, checked_distances, spread_pair_blocks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Table = tuple[tuple[float, ...], ...]
Derivatives = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class LennardJones:
    """U(r) = 4 epsilon_ab ((sigma_ab / r)^12 - (sigma_ab / r)^6), which each subclass ends.

    Attributes
    ----------
    epsilon : (S, S) symmetric, energies
    sigma : (S, S) symmetric, lengths
    """

    epsilon: Table
    sigma: Table

    def __post_init__(self) -> None:
        energies, lengths = np.array(self.epsilon, float), np.array(self.sigma, float)
        for name, table in (("epsilon", energies), ("sigma", lengths)):
            square = table.ndim == 2 and len(table) and table.shape[0] == table.shape[1]
            if not (square and np.isfinite(table).all() and (table == table.T).all()):
                raise ValueError(f"{name} {table.tolist()} must be a finite symmetric table")
        if energies.shape != lengths.shape:
            raise ValueError(
                f"epsilon is {energies.shape} and sigma {lengths.shape}: give one size"
            )
        if not (lengths > 0).all():
            raise ValueError(f"sigma {lengths.tolist()} must be above 0")

    def energy_and_slope(
        self, distances: np.ndarray, first_species: np.ndarray, second_species: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return V (P,), an energy, and dV/dr (P,), energy per length, of pairs (P,)."""
        energy, slope, _ = self._at(distances, first_species, second_species)
        return energy, slope

    def curvature(
        self, distances: np.ndarray, first_species: np.ndarray, second_species: np.ndarray
    ) -> np.ndarray:
        """Return d2V/dr2 (P,), energy per squared length. Arguments as `energy_and_slope`."""
        return self._at(distances, first_species, second_species)[2]

    def _at(self, distances, first_species, second_species) -> Derivatives:
        kinds = first_species, second_species
        epsilon, sigma = np.array(self.epsilon, float)[kinds], np.array(self.sigma, float)[kinds]
        return self._derivatives(checked_distances(distances), epsilon, sigma)

    def _derivatives(self, distances, epsilon, sigma) -> Derivatives:
        """Return V, dV/dr and d2V/dr2 (P,)."""
        raise NotImplementedError

    def particle_energies(self, pairs: Pairs) -> np.ndarray:
        energy, _ = self.energy_and_slope(pairs.distances, *pairs.kinds)
        return 0.5 * pairs.sum_over_particles(energy, energy)

    def pair_forces(self, pairs: Pairs) -> np.ndarray:
        _, slope = self.energy_and_slope(pairs.distances, *pairs.kinds)
        return (slope / pairs.distances)[:, None] * pairs.vectors

    def hessian(self, pairs: Pairs) -> csr_array:
        """Return the matrix of springs K = (V'' - V' / r) n n^T + V' / r along directions n."""
        _, slope, curvature = self._at(pairs.distances, *pairs.kinds)
        across, n = slope / pairs.distances, pairs.directions
        blocks = (curvature - across)[:, None, None] * n[:, :, None] * n[:, None, :]
        blocks += across[:, None, None] * np.eye(n.shape[1])
        return spread_pair_blocks(blocks, pairs.first, pairs.second, len(pairs.species))


@dataclass(frozen=True)
class ForceShiftedLennardJones(LennardJones):
    """Lennard-Jones pairs whose energy and force both vanish at the cutoff.

    V(r) = U(r) - U(r_c) - (r - r_c) U'(r_c) for r < r_c = cutoff_factor sigma_ab, and 0 beyond

    Source: Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 7 and 8.
    """

    cutoff_factor: float = 2.5

    def __post_init__(self) -> None:
        super().__post_init__()
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

    def _derivatives(self, distances, epsilon, sigma) -> Derivatives:
        cutoff = self.cutoff_factor * sigma
        energy, slope, curvature = _lennard_jones(distances, epsilon, sigma)
        energy_at_cutoff, slope_at_cutoff, _ = _lennard_jones(cutoff, epsilon, sigma)
        inside = distances < cutoff
        energy -= energy_at_cutoff + (distances - cutoff) * slope_at_cutoff
        slope -= slope_at_cutoff
        return tuple(np.where(inside, each, 0.0) for each in (energy, slope, curvature))


@dataclass(frozen=True)
class SmoothedLennardJones(LennardJones):
    """Lennard-Jones pairs with a force that ends smoothly, and no energy beyond.

    V(r) = U(r) + const below r_in. Between r_in and r_c the force is the cubic in r that takes
    over value and slope at r_in and has neither at r_c; beyond V = 0. V is continuous. This is
    `lj/smooth` of LAMMPS with `pair_modify shift yes`.

    Attributes
    ----------
    inner, cutoff : float, r_in and r_c, lengths, the same for all pairs
    """

    inner: float = 2.0
    cutoff: float = 2.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.inner < self.cutoff < np.inf:
            raise ValueError(f"inner {self.inner} and cutoff {self.cutoff} must increase from 0")

    @property
    def largest_cutoff(self) -> float:
        """The distance within which all pairs must be given."""
        return float(self.cutoff)

    def _derivatives(self, distances, epsilon, sigma) -> Derivatives:
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

    def _tail(self, t, slope, curvature) -> Derivatives:
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


def _lennard_jones(distances, epsilon, sigma) -> Derivatives:
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
