"""Gaussian radial densities around each particle, by species of the neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .cell_list import pair_blocks
from .periodic_box import checked_positions, checked_species

NEGLIGIBLE_WIDTHS = 6.0


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
    radii = np.asarray(radii, dtype=np.float64)
    if radii.ndim != 1 or not len(radii):
        raise ValueError(f"radii have the shape {radii.shape}: give a list of at least one")
    widths = np.asarray(widths, dtype=np.float64)
    if widths.shape not in ((), radii.shape):
        raise ValueError(
            f"widths have the shape {widths.shape}: give one, or one for each of {len(radii)} radii"
        )
    widths = np.broadcast_to(widths, radii.shape)
    for name, values in (("radius", radii), ("width", widths)):
        wrong = ~(np.isfinite(values) & (values > 0))
        if wrong.any():
            raise ValueError(f"{name} {values[wrong][0]} must be finite and greater than 0")
    return radii, widths
