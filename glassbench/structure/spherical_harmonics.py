"""Real spherical harmonics of many directions at once."""

from __future__ import annotations

import math

import numpy as np


def rows_of_harmonics(largest_degree: int) -> int:
    """Return the number of harmonics with degree 1 to `largest_degree`."""
    return (largest_degree + 1) ** 2 - 1


def real_harmonics(
    directions: np.ndarray, largest_degree: int, out: np.ndarray | None = None
) -> np.ndarray:
    """Return the real spherical harmonics of degrees 1 to l_max in Racah's normalisation.

    C_lm = sqrt(4 pi / (2 l + 1)) Y_lm, so that sum_m C_lm(a) C_lm(b) = P_l(a . b).

    The azimuthal parts are powers of x + i y; the polar parts, without sin(theta)^m,
    follow the recursion in l at fixed m,
    sqrt(l^2 - m^2) S_l = (2 l - 1) z S_(l-1) - sqrt((l - 1)^2 - m^2) S_(l-2).

    Parameters
    ----------
    directions : (3, P), unit vectors
    largest_degree : int, l_max >= 1
    out : (l_max (l_max + 2), P) float64, optional

    Returns
    -------
    (l_max (l_max + 2), P) float64
        Row l^2 - 1 + l + m holds degree l, order m: cosine parts for m >= 0, sine parts for m < 0.
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
