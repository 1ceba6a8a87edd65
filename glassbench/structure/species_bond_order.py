"""Bond order towards the neighbours of each species, without spherical harmonics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .neighbours import Pairs, neighbour_pairs

REACH = 5.0
PARTICLES_PER_PIECE = 128


def species_bond_order(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    radii: Sequence[float] | np.ndarray,
    width: float,
    largest_degree: int,
    species_count: int = 2,
) -> np.ndarray:
    """Return how ordered the directions to the neighbours of each species are, shell by shell.

    q_l(i, s, r_k)^2 = sum_(j,j') w_j w_j' P_l(cos of the angle j i j') / (1 + sum_j w_j)^2,
    w_j = exp(-(r_ij - r_k)^2 / (2 width^2)) for neighbours j of species s, else 0

    By the addition theorem the sum over pairs of neighbours equals
    4 pi / (2 l + 1) sum_m |sum_j w_j Y_lm(r_ij)|^2, the bond order of Steinhardt et al.
    The 1 in the denominator lets q_l go to 0 smoothly where a shell holds no neighbour,
    which is common for the rarer species. 0 <= q_l < 1, unchanged by rotation,
    reflection, translation and permutation.

    Parameters
    ----------
    positions : (N, 3); species : (N,) int8; box : (3,)
    radii : (R,) r_k, and width : unit of the positions; neighbours count up to 5 widths
        beyond the largest radius, and the box must be twice as long
    largest_degree : degrees are 1, 2, …, `largest_degree`

    Returns
    -------
    (N, species_count, R, degrees) float64, dimensionless

    Raises
    ------
    ValueError
        If two particles are at the same place, or the box is too short.
    """
    shell_radii = np.asarray(radii, dtype=np.float64)
    pairs = neighbour_pairs(positions, box, float(shell_radii.max() + REACH * width))
    if len(pairs) and not pairs.distances.min() > 0:
        edge = int(np.argmin(pairs.distances))
        raise ValueError(
            f"particles {pairs.senders[edge]} and {pairs.receivers[edge]} are at the same place, "
            "so that their bond has no direction: repair this configuration"
        )
    order = np.empty((len(positions), species_count, len(shell_radii), largest_degree))
    for particles, directions, distances, neighbour_species in _padded(pairs, species):
        shells = np.exp(-0.5 * ((distances[:, None] - shell_radii[:, None]) / width) ** 2)
        of_species = neighbour_species[:, None] == np.arange(species_count)[:, None]
        weights = shells[:, None] * of_species[:, :, None]
        weights = weights.reshape(len(weights), -1, distances.shape[1])
        norm = 1 + weights.sum(axis=2)
        cosines = directions @ directions.transpose(0, 2, 1)
        for degree, polynomial in _legendre(cosines, largest_degree):
            squared = np.einsum("nsj,nsj->ns", weights @ polynomial, weights)
            values = np.sqrt(np.maximum(squared, 0)) / norm
            order[particles, :, :, degree - 1] = values.reshape(-1, species_count, len(shell_radii))
    return order


def _padded(pairs: Pairs, species: np.ndarray) -> Iterator[tuple]:
    """Yield particles, and directions, distances and species of their neighbours, in rows.

    Rows are filled up to the longest with neighbours at infinity, of species -1.
    """
    directions = pairs.vectors / pairs.distances[:, None]
    for low in range(0, pairs.particles, PARTICLES_PER_PIECE):
        high = min(low + PARTICLES_PER_PIECE, pairs.particles)
        counts = np.diff(pairs.offsets[low : high + 1])
        edges = slice(int(pairs.offsets[low]), int(pairs.offsets[high]))
        row = np.repeat(np.arange(high - low), counts)
        slot = np.arange(len(row)) - (pairs.offsets[low:high] - pairs.offsets[low])[row]
        shape = (high - low, int(counts.max(initial=0)))
        padded_directions = np.zeros((*shape, 3))
        padded_directions[row, slot] = directions[edges]
        distances = np.full(shape, np.inf)
        distances[row, slot] = pairs.distances[edges]
        neighbour_species = np.full(shape, -1)
        neighbour_species[row, slot] = species[pairs.senders[edges]]
        yield slice(low, high), padded_directions, distances, neighbour_species


def _legendre(x: np.ndarray, largest: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield l and P_l(x) for l = 1, 2, …, `largest`, by Bonnet's recursion."""
    before, current = np.ones_like(x), x
    for degree in range(1, largest + 1):
        yield degree, current
        after = ((2 * degree + 1) * x * current - degree * before) / (degree + 1)
        before, current = current, after
