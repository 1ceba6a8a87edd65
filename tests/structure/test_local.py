"""Numbers and densities of neighbours against closed forms and the O(N^2) definition."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.structure import local_density, neighbour_counts, number_of_neighbours

RADII = [0.9, 1.2, 2.0, 3.2]


def square_lattice(spacing, cells, dimension):
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * dimension, indexing="ij"), axis=-1)
    positions = grid.reshape(-1, dimension) * spacing
    return positions, np.zeros(len(positions), np.int8), np.full(dimension, cells * spacing)


def test_counts_within_radii_are_those_of_the_definition(glass, pairs_by_definition):
    counts = neighbour_counts(glass.positions, glass.species, glass.box, RADII)
    for place, radius in enumerate(RADII):
        pairs = pairs_by_definition(glass.positions, glass.box, radius)
        for species in (0, 1):
            inside = pairs.receivers[glass.species[pairs.senders] == species]
            assert np.array_equal(counts[:, species, place], np.bincount(inside, minlength=300))


def test_a_radius_that_is_a_distance_excludes_it():
    positions, species, box = square_lattice(1.0, 9, 3)
    counts = neighbour_counts(positions, species, box, [1.0, 1.5, 2.0, 2.01])
    assert (counts[:, 0] == [0, 18, 26, 32]).all() and (counts[:, 1] == 0).all()


def test_pairs_of_unlike_species_are_counted_from_both_sides(glass):
    counts = neighbour_counts(glass.positions, glass.species, glass.box, RADII)
    big, small = glass.species == 0, glass.species == 1
    assert np.array_equal(counts[big, 1].sum(axis=0), counts[small, 0].sum(axis=0))


def test_counts_are_unchanged_by_the_symmetries_of_the_box(glass, moved):
    before = neighbour_counts(glass.positions, glass.species, glass.box, RADII)
    after = neighbour_counts(moved.positions, moved.species, moved.box, RADII)
    assert np.array_equal(before, after)


def test_one_cutoff_counts_all_species_and_a_table_each_its_own(glass):
    counts = neighbour_counts(glass.positions, glass.species, glass.box, [1.0, 1.2, 1.6])
    one = number_of_neighbours(glass.positions, glass.species, glass.box, 1.6)
    assert np.array_equal(one, counts[:, :, 2].sum(axis=1))
    table = [[1.6, 1.2], [1.2, 1.0]]
    each = number_of_neighbours(glass.positions, glass.species, glass.box, table)
    big = glass.species == 0
    assert np.array_equal(each[big], (counts[:, 0, 2] + counts[:, 1, 1])[big])
    assert np.array_equal(each[~big], (counts[:, 0, 1] + counts[:, 1, 0])[~big])


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_lattice_has_its_number_density_without_the_particle_itself(dimension):
    """A Gaussian wider than the spacing sums over a lattice to the density (Poisson)."""
    positions, species, box = square_lattice(0.8, 14, dimension)
    density = local_density(positions, species, box, width=1.0)
    itself = (2 * np.pi) ** (-dimension / 2)
    assert np.allclose(density + itself, 0.8**-dimension, rtol=3e-5)


def test_density_is_a_sum_over_neighbours_and_their_contributions(glass, pairs_by_definition):
    volumes = np.array([1.0, 0.4])
    density = local_density(glass.positions, glass.species, glass.box, 0.5, volumes)
    pairs = pairs_by_definition(glass.positions, glass.box, 2.5)
    weights = volumes[glass.species[pairs.senders]] * np.exp(-(pairs.distances**2) / 0.5)
    expected = np.bincount(pairs.receivers, weights, 300) / (np.pi / 2) ** 1.5
    assert np.allclose(density, expected)


def test_density_is_unchanged_by_the_symmetries_of_the_box(glass, moved):
    before = local_density(glass.positions, glass.species, glass.box, 0.6)
    after = local_density(moved.positions, moved.species, moved.box, 0.6)
    assert np.allclose(before, after, rtol=1e-5)


def test_a_replicated_box_has_the_same_counts_and_density(glass):
    positions = np.concatenate([glass.positions, glass.positions + [glass.box[0], 0, 0]])
    species, box = np.tile(glass.species, 2), glass.box * [2, 1, 1]
    one = neighbour_counts(glass.positions, glass.species, glass.box, RADII)
    assert np.array_equal(neighbour_counts(positions, species, box, RADII), np.tile(one, (2, 1, 1)))
    one = local_density(glass.positions, glass.species, glass.box, 0.6)
    assert np.allclose(local_density(positions, species, box, 0.6), np.tile(one, 2), rtol=1e-5)


def test_what_cannot_be_counted_is_refused(glass):
    with pytest.raises(ValueError, match="must be a list that increases"):
        neighbour_counts(glass.positions, glass.species, glass.box, [1.0, 1.0])
    with pytest.raises(ValueError, match="cutoff .* must be a number or a symmetric matrix"):
        number_of_neighbours(glass.positions, glass.species, glass.box, [[1.0, 1.2], [1.3, 1.0]])
    with pytest.raises(ValueError, match="species run from 0 to 1, outside 0 to 0"):
        number_of_neighbours(glass.positions, glass.species, glass.box, [[1.0]])
    with pytest.raises(ValueError, match="box edge 6.5 is shorter than twice the cutoff 5"):
        local_density(glass.positions, glass.species, glass.box, 1.0)
