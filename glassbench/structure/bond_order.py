"""Bond order in Gaussian radial shells: from spherical harmonics, or towards each species."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from .local import NEGLIGIBLE_WIDTHS, checked_shells
from .neighbours import (
    PairBlock,
    Pairs,
    in_rows,
    neighbour_pairs,
    neighbourhood_blocks,
    refuse_coincident,
)
from .periodic_box import checked_positions

# Harmonics up to degree 12 of this many bonds take 5 MB.
BONDS_PER_PIECE = 4096
REACH = 5.0
PARTICLES_PER_PIECE = 128


def bond_order_parameters(
    positions: np.ndarray,
    box: np.ndarray,
    radii: Sequence[float] | np.ndarray,
    widths: float | Sequence[float] | np.ndarray,
    degrees: Sequence[int] | np.ndarray = tuple(range(1, 13)),
    *,
    cutoff: float | None = None,
) -> np.ndarray:
    """Return the bond-order parameters q_l of every particle in each shell.

    q_lm(i, r_k) = (1 / Z) sum_(j != i) exp(-(r_ij - r_k)^2 / (2 w_k^2)) Y_lm(r_ij),
    Z = sum_(j != i) exp(-(r_ij - r_k)^2 / (2 w_k^2)),
    q_l(i, r_k) = sqrt(4 pi / (2 l + 1) sum_m |q_lm(i, r_k)|^2)

    The sums run over all neighbours with r_ij < cutoff, of any species. 0 <= q_l <= 1.
    A particle without neighbours, or whose neighbours are so far from a radius that
    Z underflows, has q_l = 0, the value of an isotropic neighbourhood. q_l does not
    change under rotation, reflection, translation and permutation.

    Returns (N, R, L) float64, dimensionless.

    Source: Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021); Steinhardt, Nelson,
    Ronchetti, Phys. Rev. B 28, 784 (1983).

    >>> import numpy as np
    >>> from glassbench.structure import bond_order_parameters
    >>> grid = np.stack(np.meshgrid(*3 * [np.arange(4.0)]), -1).reshape(-1, 3)  # simple cubic
    >>> q = bond_order_parameters(grid, np.full(3, 4.0), [1.0], 0.05, degrees=[4, 6])
    >>> q[0, 0].round(3)  # q_4 and q_6 of six neighbours at right angles
    array([0.764, 0.354])

    Parameters
    ----------
    radii : (R,) r_k, unit of the positions
    widths : float or (R,) w_k, unit of the positions
    degrees : (L,) l >= 1
    cutoff : float, optional
        The largest r_k + 6 w_k unless given.
    """
    positions, box = checked_positions(positions, box)
    radii, widths = checked_shells(radii, widths)
    degrees = _checked_degrees(degrees, positions.shape[1])
    if cutoff is None:
        cutoff = float(np.max(radii + NEGLIGIBLE_WIDTHS * widths))
    largest = int(degrees.max())
    first_rows = [degree**2 - 1 for degree in range(1, largest + 1)]
    order_parameters = np.zeros((len(positions), len(radii), len(degrees)))
    buffer = np.empty(0)
    for centres, vectors, distances in _rows_of_bonds(positions, box, cutoff):
        bonds, rows = distances.size, rows_of_harmonics(largest)
        if len(buffer) < rows * bonds:
            buffer = np.empty(rows * bonds)
        harmonics = buffer[: rows * bonds].reshape(rows, bonds)
        real_harmonics(vectors, largest, out=harmonics)
        shells = (distances[:, None] - radii[:, None]) / widths[:, None]
        weights = np.exp(-0.5 * shells**2)
        total = weights.sum(axis=2)[:, :, None]
        per_centre = harmonics.reshape(rows, *distances.shape).transpose(1, 2, 0)
        moments = weights @ per_centre
        norms = np.sqrt(np.add.reduceat(moments**2, first_rows, axis=2))[:, :, degrees - 1]
        values = np.divide(norms, total, out=np.zeros_like(norms), where=total > 0)
        order_parameters[centres] = values
    return order_parameters


def _checked_degrees(degrees: Sequence[int] | np.ndarray, dimension: int) -> np.ndarray:
    if dimension != 3:
        raise ValueError(f"positions have {dimension} axes: q_l is defined in three dimensions")
    degrees = np.asarray(degrees)
    if degrees.ndim != 1 or not len(degrees) or degrees.dtype.kind not in "iu":
        raise ValueError(f"degrees {degrees.tolist()} must be a list of at least one integer")
    if degrees.min() < 1:
        raise ValueError(f"degree {degrees.min()} is below 1: q_0 is 1 by definition")
    return degrees


def _rows_of_bonds(
    positions: np.ndarray, box: np.ndarray, cutoff: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield centres (C,), unit vectors (3, C n) and distances (C, n) of their neighbours.

    Rows are filled up with bonds of infinite length, whose weight is 0.
    """
    for block in neighbourhood_blocks(positions, box, cutoff):
        refuse_coincident(block)
        directions = (block.vectors / block.distances).T
        starts = np.flatnonzero(np.diff(block.first, prepend=-1))
        counts = np.diff(starts, append=len(block.first))
        step = max(1, BONDS_PER_PIECE // int(counts.max()))
        for low in range(0, len(starts), step):
            own, count = starts[low : low + step], counts[low : low + step]
            bonds = slice(int(own[0]), int(own[-1] + count[-1]))
            vectors = in_rows(directions[bonds], count, 0.0).reshape(-1, 3).T
            yield block.first[own], vectors, in_rows(block.distances[bonds], count, np.inf)


def rows_of_harmonics(largest_degree: int) -> int:
    """Return the number of harmonics with degree 1 to `largest_degree`."""
    return (largest_degree + 1) ** 2 - 1


def real_harmonics(
    directions: np.ndarray, largest_degree: int, out: np.ndarray | None = None
) -> np.ndarray:
    """Return the real spherical harmonics of degrees 1 to l_max of unit vectors (3, P).

    In Racah's normalisation C_lm = sqrt(4 pi / (2 l + 1)) Y_lm: sum_m C_lm(a) C_lm(b) = P_l(a . b).
    The azimuthal parts are powers of x + i y; the polar parts, without sin(theta)^m,
    follow the recursion in l at fixed m,
    sqrt(l^2 - m^2) S_l = (2 l - 1) z S_(l-1) - sqrt((l - 1)^2 - m^2) S_(l-2).

    Returns (l_max (l_max + 2), P) float64: row l^2 - 1 + l + m holds degree l, order m: cosine
    parts for m >= 0, sine parts for m < 0.
    """
    x, y, z = directions
    if out is None:
        out = np.empty((rows_of_harmonics(largest_degree), len(z)))
    cosine, sine = np.ones_like(z), np.zeros_like(z)
    sectoral = 1.0
    for order in range(largest_degree + 1):
        if order:
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
        if order > 1:
            sectoral *= math.sqrt((2 * order - 1) / (2 * order))
        before, polar = np.zeros_like(z), np.full_like(z, sectoral)
        for degree in range(order, largest_degree + 1):
            if degree > order:
                scale = 1 / math.sqrt(degree**2 - order**2)
                last = math.sqrt((degree - 1) ** 2 - order**2)
                before, polar = polar, (2 * degree - 1) * scale * z * polar - last * scale * before
            if degree:
                middle = degree**2 - 1 + degree
                np.multiply(polar, cosine, out=out[middle + order])
                if order:
                    np.multiply(polar, sine, out=out[middle - order])
    return out


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
    refuse_coincident(PairBlock(pairs.senders, pairs.receivers, pairs.vectors.T, pairs.distances))
    order = np.empty((len(positions), species_count, len(shell_radii), largest_degree))
    for particles, directions, distances, neighbour_species in _rows_of_neighbours(pairs, species):
        shells = np.exp(-0.5 * ((distances[:, None] - shell_radii[:, None]) / width) ** 2)
        of_species = neighbour_species[:, None] == np.arange(species_count)[:, None]
        weights = shells[:, None] * of_species[:, :, None]
        weights = weights.reshape(
            len(weights), of_species.shape[1] * len(shell_radii), distances.shape[1]
        )
        norm = 1 + weights.sum(axis=2)
        cosines = directions @ directions.transpose(0, 2, 1)
        for degree, polynomial in _legendre(cosines, largest_degree):
            squared = np.einsum("nsj,nsj->ns", weights @ polynomial, weights)
            values = np.sqrt(np.maximum(squared, 0)) / norm
            order[particles, :, :, degree - 1] = values.reshape(-1, species_count, len(shell_radii))
    return order


def _rows_of_neighbours(pairs: Pairs, species: np.ndarray) -> Iterator[tuple]:
    """Yield particles, and directions, distances and species of their neighbours, in rows.

    Rows are filled up to the longest with neighbours at infinity, of species -1.
    """
    directions = pairs.vectors / pairs.distances[:, None]
    kinds = species[pairs.senders].astype(int)
    for low in range(0, pairs.particles, PARTICLES_PER_PIECE):
        part = slice(low, min(low + PARTICLES_PER_PIECE, pairs.particles))
        edges = slice(int(pairs.offsets[low]), int(pairs.offsets[part.stop]))
        counts = np.diff(pairs.offsets[low : part.stop + 1])
        fields = ((directions, 0.0), (pairs.distances, np.inf), (kinds, -1))
        yield part, *(in_rows(values[edges], counts, filler) for values, filler in fields)


def _legendre(x: np.ndarray, largest: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield l and P_l(x) for l = 1, 2, …, `largest`, by Bonnet's recursion."""
    before, current = np.ones_like(x), x
    for degree in range(1, largest + 1):
        yield degree, current
        after = ((2 * degree + 1) * x * current - degree * before) / (degree + 1)
        before, current = current, after
