"""Real spherical harmonics agree with scipy's complex ones and with the addition theorem."""

from __future__ import annotations

import numpy as np
from scipy.special import eval_legendre, sph_harm_y

from glassbench.structure.bond_order import real_harmonics


def directions(count):
    vectors = np.random.default_rng(0).normal(size=(3, count))
    vectors[:, 0], vectors[:, 1] = (0, 0, 1), (0, 0, -1)
    return vectors / np.linalg.norm(vectors, axis=0)


def test_they_are_the_real_and_imaginary_parts_of_scipys():
    unit = directions(40)
    harmonics = real_harmonics(unit, 12)
    theta, phi = np.arccos(unit[2]), np.arctan2(unit[1], unit[0])
    for degree in range(1, 13):
        middle = degree**2 - 1 + degree
        scale = np.sqrt(4 * np.pi / (2 * degree + 1))
        assert np.allclose(harmonics[middle], scale * sph_harm_y(degree, 0, theta, phi).real)
        for order in range(1, degree + 1):
            value = (-1) ** order * np.sqrt(2) * scale * sph_harm_y(degree, order, theta, phi)
            assert np.allclose(harmonics[middle + order], value.real, atol=1e-12)
            assert np.allclose(harmonics[middle - order], value.imag, atol=1e-12)


def test_sums_over_the_order_are_legendre_polynomials_of_the_angle():
    unit = directions(30)
    harmonics = real_harmonics(unit, 20)
    for degree in (1, 6, 20):
        rows = harmonics[degree**2 - 1 : degree**2 + 2 * degree]
        assert np.allclose(rows.T @ rows, eval_legendre(degree, unit.T @ unit), atol=1e-12)
