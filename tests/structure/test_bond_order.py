"""Bond-order parameters have the values of known crystals and do not depend on the axes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import sph_harm_y

from glassbench.structure import bond_order_parameters

RADII, WIDTH = np.array([1.0, 1.5, 2.0]), 0.2


def lattice(basis, cells):
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1)
    return (grid.reshape(-1, 1, 3) + np.asarray(basis)).reshape(-1, 3), np.full(3, float(cells))


@pytest.mark.parametrize(
    ("basis", "radius", "q4", "q6"),
    [
        ([[0, 0, 0]], 1.0, 0.76376, 0.35355),
        ([[0, 0, 0], [0.5, 0.5, 0.5]], np.sqrt(3) / 2, 0.50918, 0.62854),
        ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], 0.5**0.5, 0.19094, 0.57452),
    ],
    ids=["simple cubic", "eight bonds of body-centred cubic", "face-centred cubic"],
)
def test_the_first_shell_of_a_crystal_has_the_published_values(basis, radius, q4, q6):
    """Steinhardt, Nelson, Ronchetti, Phys. Rev. B 28, 784 (1983), Fig. 2."""
    positions, box = lattice(basis, 4)
    values = bond_order_parameters(positions, box, [radius], 0.01, degrees=(4, 6))
    assert values.shape == (len(positions), 1, 2)
    assert np.allclose(values, [q4, q6], atol=1e-5)


def test_an_icosahedron_has_no_order_below_degree_six():
    golden = (1 + np.sqrt(5)) / 2
    corners = [[0, a, b * golden] for a in (-1, 1) for b in (-1, 1)]
    corners = np.array([np.roll(c, shift) for c in corners for shift in range(3)])
    positions = np.concatenate([np.zeros((1, 3)), corners / np.linalg.norm(corners[0])])
    values = bond_order_parameters(positions, np.full(3, 20.0), [1.0], 0.005)[0, 0]
    assert np.allclose(values[:5], 0, atol=1e-9) and np.isclose(values[5], 0.66332, atol=1e-5)


def test_they_are_the_sums_of_the_definition(glass, pairs_by_definition):
    degrees = (1, 2, 5, 12)
    values = bond_order_parameters(glass.positions, glass.box, RADII, WIDTH, degrees)
    pairs = pairs_by_definition(glass.positions, glass.box, RADII.max() + 6 * WIDTH)
    x, y, z = -pairs.vectors.T / pairs.distances
    weights = np.exp(-((pairs.distances[:, None] - RADII) ** 2) / (2 * WIDTH**2))
    total = np.zeros((300, 3))
    np.add.at(total, pairs.receivers, weights)
    for place, degree in enumerate(degrees):
        squared = np.zeros((300, 3))
        for order in range(-degree, degree + 1):
            harmonic = sph_harm_y(degree, order, np.arccos(z), np.arctan2(y, x))
            moment = np.zeros((300, 3), dtype=complex)
            np.add.at(moment, pairs.receivers, weights * harmonic[:, None])
            squared += np.abs(moment / total) ** 2
        expected = np.sqrt(4 * np.pi / (2 * degree + 1) * squared)
        assert np.allclose(values[:, :, place], expected, rtol=1e-9, atol=1e-12)


def test_they_are_unchanged_by_the_symmetries_of_the_box(glass, moved):
    before = bond_order_parameters(glass.positions, glass.box, RADII, WIDTH)
    after = bond_order_parameters(moved.positions, moved.box, RADII, WIDTH)
    assert np.allclose(before, after, atol=1e-9)


def test_a_turned_and_mirrored_cluster_keeps_its_order():
    generator = np.random.default_rng(7)
    cluster = generator.normal(size=(80, 3))
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    box = np.full(3, 100.0)
    before = bond_order_parameters(cluster, box, RADII, WIDTH)
    for turned in (cluster @ rotation, -cluster @ rotation):
        assert np.allclose(before, bond_order_parameters(turned, box, RADII, WIDTH), atol=1e-9)


def test_permuted_particles_have_permuted_order(glass):
    order = np.random.default_rng(1).permutation(300)
    before = bond_order_parameters(glass.positions, glass.box, RADII, WIDTH)
    after = bond_order_parameters(glass.positions[order], glass.box, RADII, WIDTH)
    assert np.allclose(before[order], after, atol=1e-12)


def test_a_single_bond_is_perfect_order_and_no_bond_is_none():
    positions = np.array([[1.0, 1, 1], [2, 1, 1], [5, 5, 5]])
    values = bond_order_parameters(positions, np.full(3, 9.0), [1.1], 0.1)
    assert np.allclose(values[:2], 1) and (values[2] == 0).all()


def test_what_has_no_bond_order_is_refused(glass):
    with pytest.raises(ValueError, match="defined in three"):
        bond_order_parameters(glass.positions[:, :2], glass.box[:2], RADII, 0.1)
    with pytest.raises(ValueError, match="degree 0 is below 1"):
        bond_order_parameters(glass.positions, glass.box, RADII, 0.1, degrees=(0, 1))
    with pytest.raises(ValueError, match="particles 0 and 1 are at the same place"):
        bond_order_parameters(np.ones((2, 3)), glass.box, RADII, 0.1)
