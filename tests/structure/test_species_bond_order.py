"""Bond order towards each species agrees with spherical harmonics and does not see orientation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from glassbench.conformance import glassy_structure
from glassbench.structure import bond_order_parameters, radial_densities, species_bond_order

RADII, WIDTH, DEGREE = (0.9, 1.2, 1.5), 0.1, 6


def bond_order(positions, species, box):
    return species_bond_order(positions, species, box, RADII, WIDTH, DEGREE)


def test_of_one_species_it_is_the_bond_order_of_steinhardt():
    structure = glassy_structure(300, seed=2)
    alone = np.zeros_like(structure.species)
    ours = bond_order(structure.positions, alone, structure.box)
    harmonics = bond_order_parameters(
        structure.positions, structure.box, RADII, WIDTH, tuple(range(1, DEGREE + 1)), cutoff=2.0
    )
    number = radial_densities(
        structure.positions, alone, structure.box, RADII, WIDTH, cutoff=2.0, species_count=1
    )
    expected = harmonics * (number / (1 + number)).transpose(0, 2, 1)
    np.testing.assert_allclose(ours[:, 0], expected, atol=1e-7)
    assert (ours[:, 1] == 0).all()


def test_each_species_counts_by_itself():
    """Moving a particle of B changes what is seen of B, and leaves alone what is seen of A."""
    structure = glassy_structure(300, seed=3)
    b = int(np.argmax(structure.species))
    moved = structure.positions.copy()
    moved[b] += 0.1
    before = bond_order(structure.positions, structure.species, structure.box)
    after = bond_order(moved, structure.species, structure.box)
    others = np.arange(300) != b
    np.testing.assert_allclose(before[others, 0], after[others, 0], atol=1e-7)
    assert np.abs(before[others, 1] - after[others, 1]).max() > 1e-3


def test_a_cluster_turned_by_any_angle_keeps_its_order():
    generator = np.random.default_rng(1)
    cluster = glassy_structure(300, seed=4).positions
    cluster = cluster[np.linalg.norm(cluster - cluster.mean(axis=0), axis=1) < 2.2]
    species = (np.arange(len(cluster)) % 3 == 0).astype(np.int8)
    box = np.full(3, 30.0)
    turn = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
    first = bond_order(cluster, species, box)
    second = bond_order(cluster @ turn.T + generator.random(3), species, box)
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert first.max() > 0.3


def test_octahedral_neighbours_have_the_known_order():
    """Six bonds along the axes: q_2 = 0, q_4 = sqrt(7/12), q_6 = sqrt(1/8), odd ones 0."""
    arms = 1.2 * np.concatenate([np.eye(3), -np.eye(3)])
    positions = np.concatenate([np.zeros((1, 3)), arms]) + 5
    order = bond_order(positions, np.zeros(7, dtype=np.int8), np.full(3, 10.0))[0, 0, 1]
    known = np.array([0, 0, 0, np.sqrt(7 / 12), 0, np.sqrt(1 / 8)])
    np.testing.assert_allclose(order, known * 6 / 7, atol=1e-7)


def test_two_particles_at_one_place_are_refused():
    positions = np.array([[1.0, 1, 1], [1.0, 1, 1], [2.0, 1, 1]])
    with pytest.raises(ValueError, match="at the same place"):
        bond_order(positions, np.zeros(3, dtype=np.int8), np.full(3, 10.0))


def test_a_gas_in_which_nobody_has_a_neighbour_has_no_order():
    far = np.array([[1.0, 1.0, 1.0], [30.0, 30.0, 30.0]])
    assert not bond_order(far, np.array([0, 1], np.int8), np.full(3, 60.0)).any()
