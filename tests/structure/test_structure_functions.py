"""Structure functions equal the double and triple sums that define them."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

from glassbench.structure import (
    COPPER_ZIRCONIUM,
    LENNARD_JONES_2D,
    StructureFunctionGrid,
    angular_structure_functions,
    radial_structure_functions,
    structure_functions,
)

LENGTHS = np.array([0.8, 1.5, 2.5])
CUTOFF = 2.0


def angular_by_definition(positions, species, box, particle):
    """All ordered pairs of neighbours of one particle, in loops: (3, X, 2, 5)."""
    vectors = positions - positions[particle]
    vectors = vectors - box * np.rint(vectors / box)
    distances = np.linalg.norm(vectors, axis=1)
    near = [j for j in np.flatnonzero(distances < CUTOFF) if j != particle]
    rows = {(0, 0): 0, (0, 1): 1, (1, 1): 2}
    result = np.zeros((3, len(LENGTHS), 2, 5))
    for j, k in itertools.permutations(near, 2):
        if species[j] > species[k]:
            continue
        r_jk = np.linalg.norm(vectors[j] - vectors[k])
        cosine = vectors[j] @ vectors[k] / (distances[j] * distances[k])
        squares = distances[j] ** 2 + distances[k] ** 2 + r_jk**2
        for x, sign, power in itertools.product(range(len(LENGTHS)), range(2), range(5)):
            value = np.exp(-squares / LENGTHS[x] ** 2) * (1 + (2 * sign - 1) * cosine) ** 2**power
            result[rows[species[j], species[k]], x, sign, power] += value
    return result


@pytest.mark.parametrize("particle", [0, 5, 131, 299])
def test_angular_functions_are_the_triple_sum(glass, particle):
    values = angular_structure_functions(glass.positions, glass.species, glass.box, LENGTHS, CUTOFF)
    expected = angular_by_definition(glass.positions, glass.species, glass.box, particle)
    assert values.shape == (300, 3, 3, 2, 5)
    assert np.allclose(values[particle], expected, rtol=1e-11, atol=1e-13)


def test_angular_functions_are_the_triple_sum_in_the_plane():
    generator = np.random.default_rng(3)
    positions, box = generator.random((150, 2)) * 9, np.array([9.0, 9.0])
    species = (generator.random(150) < 0.4).astype(np.int8)
    values = angular_structure_functions(positions, species, box, LENGTHS, CUTOFF)
    for particle in (0, 77):
        expected = angular_by_definition(positions, species, box, particle)
        assert np.allclose(values[particle], expected, rtol=1e-11, atol=1e-13)


def test_a_right_angle_between_two_species_has_equal_powers():
    positions = np.array([[5.0, 5.0], [6.0, 5.0], [5.0, 6.0]])
    species = np.array([0, 0, 1], dtype=np.int8)
    values = angular_structure_functions(positions, species, [10.0, 10.0], [2.0], 1.2)
    assert np.allclose(values[0, 1], np.exp(-4 / 4)) and (values[0, [0, 2]] == 0).all()
    assert (values[1:] == 0).all()


def test_a_pair_of_one_species_counts_in_both_orders():
    positions = np.array([[5.0, 5.0], [6.0, 5.0], [5.0, 6.0]])
    values = angular_structure_functions(positions, np.zeros(3, int), [10.0, 10.0], [2.0], 1.2)
    assert np.allclose(values[0, 0], 2 * np.exp(-4 / 4))


def test_angular_functions_do_not_change_with_the_size_of_the_pieces(glass, monkeypatch):
    arguments = (glass.positions, glass.species, glass.box, LENGTHS, CUTOFF)
    before = angular_structure_functions(*arguments)
    module = sys.modules[angular_structure_functions.__module__]
    monkeypatch.setattr(module, "TRIPLETS_PER_PIECE", 50)
    assert np.allclose(before, angular_structure_functions(*arguments), rtol=1e-12, atol=1e-15)


def test_they_are_unchanged_by_the_symmetries_of_the_box(glass, moved):
    grid = StructureFunctionGrid(0.5, 2.5, 0.1, 0.8, 2.5, 4)
    before = structure_functions(glass.positions, glass.species, glass.box, grid)
    after = structure_functions(moved.positions, moved.species, moved.box, grid)
    assert np.allclose(before, after, rtol=1e-6, atol=1e-6)


def test_radial_functions_are_the_sum_of_the_definition(glass, pairs_by_definition):
    grid = StructureFunctionGrid(0.5, 2.5, 0.1, 0.8, 2.5, 0)
    values = radial_structure_functions(glass.positions, glass.species, glass.box, grid)
    pairs = pairs_by_definition(glass.positions, glass.box, 2.5)
    shells = np.exp(-((pairs.distances[:, None] - grid.radii) ** 2) / (2 * 0.1**2))
    expected = np.zeros((300, 2, 20))
    np.add.at(expected, (pairs.receivers, glass.species[pairs.senders]), shells)
    assert np.allclose(values, expected, rtol=0, atol=1e-6)
    together = structure_functions(glass.positions, glass.species, glass.box, grid)
    assert np.array_equal(together, values.reshape(300, -1))


def test_the_angular_functions_can_end_before_the_radial_ones(glass):
    shared = (glass.positions, glass.species, glass.box)
    grid = StructureFunctionGrid(0.5, 2.5, 0.1, 0.8, 2.5, 4, angular_cutoff=1.5)
    together = structure_functions(*shared, grid)
    angular = angular_structure_functions(*shared, grid.lengths, 1.5)
    assert np.array_equal(together[:, 40:], angular.reshape(300, -1))


def test_the_grids_of_the_paper_have_its_numbers_of_functions():
    for grid, radii, first, last in (
        (LENNARD_JONES_2D, 180, 0.5125, 4.9875),
        (COPPER_ZIRCONIUM, 120, 2.025, 7.975),
    ):
        assert len(grid.radii) == radii and len(grid.lengths) * 10 == 160
        assert np.allclose(grid.radii[[0, -1]], [first, last])


def test_angular_functions_equal_those_of_dscribe_where_its_cutoff_function_is_one():
    """dscribe sums unordered pairs, and multiplies by 2^(1 - zeta) and by a cutoff function."""
    descriptors = pytest.importorskip(
        "dscribe.descriptors", reason="dscribe is not installed: pip install dscribe"
    )
    from ase import Atoms

    positions = np.random.default_rng(2).random((7, 3)) * 1.5 + 5
    species = np.array([0, 1, 0, 1, 1, 0, 1], dtype=np.int8)
    parameters = [[1 / x**2, 2**p, s] for x in LENGTHS for s in (-1, 1) for p in range(5)]
    acsf = descriptors.ACSF(r_cut=1e5, g4_params=parameters, species=["H", "He"])
    values = acsf.create(Atoms(numbers=species + 1, positions=positions))
    theirs = values[:, 2:].reshape(7, 3, 3, 2, 5) / 2.0 ** (1 - 2.0 ** np.arange(5))
    theirs[:, [0, 2]] *= 2
    ours = angular_structure_functions(positions, species, [100.0] * 3, LENGTHS, 10.0)
    assert np.allclose(ours, theirs, rtol=1e-6)


def test_two_particles_at_one_place_and_wrong_lengths_are_refused():
    same = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    species = np.zeros(3, dtype=np.int8)
    with pytest.raises(ValueError, match="particles 0 and 1 are at the same place"):
        angular_structure_functions(same, species, [9.0, 9.0], [1.0], 2.0)
    with pytest.raises(ValueError, match="lengths"):
        angular_structure_functions(same, species, [9.0, 9.0], [-1.0], 2.0)
