"""Bond-orientational order parameters in Gaussian radial shells, from spherical harmonics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from .cell_list import PairBlock, neighbourhood_blocks, refuse_coincident
from .periodic_box import checked_positions
from .radial_density import NEGLIGIBLE_WIDTHS, checked_shells

# Harmonics up to degree 12 of this many bonds take 5 MB.
BONDS_PER_PIECE = 4096


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
    for centres, vectors, distances in _padded(positions, box, cutoff):
        bonds, rows = distances.size, rows_of_harmonics(largest)
        if len(buffer) < rows * bonds:
            buffer = np.empty(rows * bonds)
        harmonics = buffer[: rows * bonds].reshape(rows, bonds)
        real_harmonics(vectors.reshape(3, bonds), largest, out=harmonics)
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


def _padded(
    positions: np.ndarray, box: np.ndarray, cutoff: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield centres (C,), unit vectors (3, C, n) and distances (C, n) of their neighbours.

    Rows are filled up with bonds of infinite length, whose weight is 0.
    """
    for block in neighbourhood_blocks(positions, box, cutoff):
        refuse_coincident(block)
        starts = np.flatnonzero(np.diff(block.first, prepend=-1))
        counts = np.diff(starts, append=len(block.first))
        step = max(1, BONDS_PER_PIECE // int(counts.max()))
        for low in range(0, len(starts), step):
            count = counts[low : low + step]
            begin = int(starts[low])
            yield _padded_piece(block, begin, count)


def _padded_piece(
    block: PairBlock, begin: int, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bonds = slice(begin, begin + int(counts.sum()))
    centre = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    slot = np.arange(len(centre)) - starts[centre]
    length = block.distances[bonds]
    distances = np.full((len(counts), int(counts.max())), np.inf)
    distances[centre, slot] = length
    vectors = np.zeros((3, *distances.shape))
    vectors[2] = 1.0
    vectors[:, centre, slot] = block.vectors[:, bonds] / length
    return block.first[begin + starts], vectors, distances


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
