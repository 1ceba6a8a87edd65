"""Simple measures of a particle's surroundings: neighbours, their density, radial densities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .neighbours import pair_blocks
from .periodic_box import LARGEST_SPECIES_COUNT, checked_positions, checked_species

DENSITY_REACH = 5.0
NEGLIGIBLE_WIDTHS = 6.0


def number_of_neighbours(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    cutoff: float | Sequence[Sequence[float]],
) -> np.ndarray:
    """Return the number of particles j != i with r_ij < cutoff.

    Returns (N,) int64.

    >>> import numpy as np
    >>> from glassbench.structure import number_of_neighbours
    >>> grid = np.stack(np.meshgrid(*3 * [np.arange(4.0)]), -1).reshape(-1, 3)  # simple cubic
    >>> species, box = np.zeros(64, np.int8), np.full(3, 4.0)
    >>> number_of_neighbours(grid, species, box, cutoff=1.2)[:3]
    array([6, 6, 6])

    Parameters
    ----------
    cutoff : float, or (S, S) symmetric
        In the unit of the positions; a matrix gives one for each pair of species, for
        instance the first minima of the partial radial distribution functions.
    """
    positions, box = checked_positions(positions, box)
    cutoffs = np.asarray(cutoff, dtype=np.float64)
    if cutoffs.shape == ():
        cutoffs = np.broadcast_to(cutoffs, (LARGEST_SPECIES_COUNT, LARGEST_SPECIES_COUNT))
    elif not (cutoffs.ndim == 2 and len(cutoffs) and np.array_equal(cutoffs, cutoffs.T)):
        raise ValueError(f"cutoff {cutoffs.tolist()} must be a number or a symmetric matrix")
    species = checked_species(species, len(positions), len(cutoffs))
    number = np.zeros(len(positions), dtype=np.int64)
    for block in pair_blocks(positions, box, float(cutoffs.max())):
        near = block.distances < cutoffs[species[block.first], species[block.second]]
        for centre in (block.first[near], block.second[near]):
            number += np.bincount(centre, minlength=len(number))
    return number


def local_density(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    width: float = 1.0,
    contributions: Sequence[float] | np.ndarray | None = None,
) -> np.ndarray:
    """Return the number density of the other particles, smoothed by a Gaussian, at each particle.

    rho_i = sum_(j != i) c_(s_j) exp(-r_ij^2 / (2 w^2)) / (2 pi w^2)^(d/2)

    The Gaussian is cut at 5 widths, beyond which lie 1.5e-5 of it in three
    dimensions. A particle without neighbours has 0.

    Returns (N,) float64, particles per volume (per area in two dimensions).

    >>> import numpy as np
    >>> from glassbench.structure import local_density
    >>> grid = np.stack(np.meshgrid(*3 * [np.arange(12.0)]), -1).reshape(-1, 3)  # density 1
    >>> density = local_density(grid, np.zeros(1728, np.int8), np.full(3, 12.0))
    >>> print(density[0].round(3))  # the particle itself, (2 pi)^(-3/2) = 0.063, is left out
    0.936

    Parameters
    ----------
    positions, species, box : (N, d), d = 2 or 3; (N,) int8; (d,), at least 10 widths
    width : float, w, unit of the positions
    contributions : (S,), optional
        What a particle of each species adds: 1 unless given; its volume gives the
        local packing fraction.
    """
    positions, box = checked_positions(positions, box)
    if contributions is None:
        contributions = np.ones(LARGEST_SPECIES_COUNT)
    contributions = np.asarray(contributions, dtype=np.float64)
    if contributions.ndim != 1 or not np.isfinite(contributions).all():
        raise ValueError(f"contributions {contributions.tolist()} must be one number per species")
    species = checked_species(species, len(positions), len(contributions))
    density = np.zeros(len(positions))
    for block in pair_blocks(positions, box, DENSITY_REACH * width):
        weights = np.exp(-0.5 * (block.distances / width) ** 2)
        for centre, other in ((block.first, block.second), (block.second, block.first)):
            added = weights * contributions[species[other]]
            density += np.bincount(centre, added, minlength=len(density))
    return density / (2 * np.pi * width**2) ** (positions.shape[1] / 2)


def neighbour_counts(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    radii: Sequence[float] | np.ndarray,
    *,
    species_count: int = 2,
) -> np.ndarray:
    """Return the number (N, S, R) int32 of neighbours of each species within growing radii (R,).

    n_i(s, r_k) = number of j != i of species s with r_ij < r_k

    Source: Bapst et al., Nat. Phys. 16, 448 (2020), Extended Data Fig. 10.
    """
    positions, box = checked_positions(positions, box)
    species = checked_species(species, len(positions), species_count)
    radii = np.asarray(radii, dtype=np.float64)
    if radii.ndim != 1 or not len(radii) or not (np.diff(radii) > 0).all():
        raise ValueError(f"radii {radii.tolist()} must be a list that increases")
    shape = (len(positions), species_count, len(radii))
    counts = np.zeros(int(np.prod(shape)), dtype=np.int32)
    for block in pair_blocks(positions, box, float(radii[-1])):
        shell = np.searchsorted(radii, block.distances, side="right")
        for centre, other in ((block.first, block.second), (block.second, block.first)):
            place = (centre.astype(np.int64) * species_count + species[other]) * len(radii) + shell
            np.add.at(counts, place, np.int32(1))
    counts = counts.reshape(shape)
    return np.cumsum(counts, axis=2, out=counts)


def radial_densities(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    radii: Sequence[float] | np.ndarray,
    widths: float | Sequence[float] | np.ndarray,
    *,
    cutoff: float | None = None,
    species_count: int = 2,
) -> np.ndarray:
    """Return how many neighbours of each species lie near each radius, by Gaussian shells.

    G_i(s, r_k) = sum over j != i of species s of exp(-(r_ij - r_k)^2 / (2 w_k^2))

    Returns (N, species_count, R) float64, dimensionless. A neighbour further than 6 widths from a
    radius would add less than 1.6e-8 and is left out. A particle without neighbours has zeros.

    Source: Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021).

    >>> import numpy as np
    >>> from glassbench.structure import radial_densities
    >>> pair, species = np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([0, 1], np.int8)
    >>> densities = radial_densities(pair, species, np.full(2, 9.0), [1.0, 1.5], widths=0.25)
    >>> densities[0].round(3)  # of species 0, of species 1
    array([[0.   , 0.   ],
           [1.   , 0.135]])

    Parameters
    ----------
    radii : (R,) r_k, unit of the positions
    widths : float or (R,) w_k, the standard deviations, unit of the positions
    cutoff : leaves out neighbours at this distance and beyond; the largest r_k + 6 w_k unless given
    """
    positions, box = checked_positions(positions, box)
    species = checked_species(species, len(positions), species_count)
    radii, widths = checked_shells(radii, widths)
    if cutoff is None:
        cutoff = float(np.max(radii + NEGLIGIBLE_WIDTHS * widths))
    cells = len(positions) * species_count
    densities = np.zeros((cells, len(radii)))
    # A block much smaller than the result would spend its time on adding zeros.
    for block in pair_blocks(positions, box, cutoff, pairs_per_block=max(2**20, 4 * cells)):
        order = np.argsort(block.distances)
        distances, first, second = (a[order] for a in (block.distances, block.first, block.second))
        at_first = first.astype(np.int64) * species_count + species[second]
        at_second = second.astype(np.int64) * species_count + species[first]
        for shell, (radius, width) in enumerate(zip(radii, widths, strict=True)):
            reach = NEGLIGIBLE_WIDTHS * width
            low, high = np.searchsorted(distances, (radius - reach, radius + reach))
            near = slice(int(low), int(high))
            weights = np.exp(-0.5 * ((distances[near] - radius) / width) ** 2)
            for centre in (at_first[near], at_second[near]):
                densities[:, shell] += np.bincount(centre, weights, minlength=cells)
    return densities.reshape(len(positions), species_count, len(radii))


def checked_shells(
    radii: Sequence[float] | np.ndarray, widths: float | Sequence[float] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return radii and widths (R,) as float64; a single width serves every radius."""
    radii, widths = positive_list("radii", radii), np.asarray(widths, dtype=np.float64)
    if widths.shape not in ((), radii.shape):
        raise ValueError(
            f"widths have the shape {widths.shape}: give one, or one for each of {len(radii)} radii"
        )
    return radii, positive_list("widths", np.broadcast_to(widths, radii.shape))


def positive_list(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return numbers (n,) as float64, or refuse none, and what is not finite and above 0."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} have the shape {values.shape}: give a list of at least one")
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"{name} {values.tolist()} must be finite and greater than 0")
    return values
