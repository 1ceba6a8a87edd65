"""Gaussian radial densities are sums over neighbours, species by species."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.structure import neighbour_counts, radial_densities

RADII, WIDTHS = np.array([0.8, 1.1, 1.9, 2.3]), np.array([0.05, 0.1, 0.1, 0.15])


def test_they_are_the_sums_of_the_definition(glass, pairs_by_definition):
    densities = radial_densities(glass.positions, glass.species, glass.box, RADII, WIDTHS)
    pairs = pairs_by_definition(glass.positions, glass.box, 2.3 + 6 * 0.15)
    expected = np.zeros((300, 2, 4))
    shells = np.exp(-((pairs.distances[:, None] - RADII) ** 2) / (2 * WIDTHS**2))
    np.add.at(expected, (pairs.receivers, glass.species[pairs.senders]), shells)
    assert np.allclose(densities, expected, rtol=0, atol=1e-5)


def test_a_neighbour_at_the_radius_counts_one_and_a_width_away_exp_minus_a_half():
    positions = np.array([[1.0, 1.0], [2.0, 1.0]])
    species = np.array([0, 1], dtype=np.int8)
    densities = radial_densities(positions, species, [9.0, 9.0], [1.0, 1.2], 0.2)
    assert np.allclose(densities[0, 1], [1, np.exp(-0.5)]) and (densities[0, 0] == 0).all()
    assert np.allclose(densities[1, 0], [1, np.exp(-0.5)]) and (densities[1, 1] == 0).all()


def test_narrow_shells_on_a_face_centred_cubic_lattice_count_12_6_and_24():
    cell = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / np.sqrt(2)
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    positions = (grid * np.sqrt(2) + cell).reshape(-1, 3)
    species = np.zeros(len(positions), dtype=np.int8)
    radii = np.sqrt([1, 2, 3])
    densities = radial_densities(
        positions, species, np.full(3, 5 * np.sqrt(2)), radii, 0.02, species_count=1
    )
    assert np.allclose(densities[:, 0], [12, 6, 24], atol=1e-6)


def test_wide_overlapping_shells_sum_to_the_number_of_neighbours(glass):
    """Gaussians on a grid of spacing h sum to sqrt(2 pi) w / h, wherever the neighbour lies."""
    radii = np.arange(0.2, 2.6, 0.05)
    densities = radial_densities(
        glass.positions, glass.species, glass.box, radii, 0.1, cutoff=2.0, species_count=2
    )
    counts = neighbour_counts(glass.positions, glass.species, glass.box, [2.0])[:, :, 0]
    assert np.allclose(densities.sum(axis=2) * 0.05 / (np.sqrt(2 * np.pi) * 0.1), counts, rtol=1e-6)


def test_they_are_unchanged_by_the_symmetries_of_the_box(glass, moved):
    before = radial_densities(glass.positions, glass.species, glass.box, RADII, WIDTHS)
    after = radial_densities(moved.positions, moved.species, moved.box, RADII, WIDTHS)
    assert np.allclose(before, after, atol=1e-6)


def test_permuted_particles_have_permuted_densities(glass):
    order = np.random.default_rng(1).permutation(300)
    before = radial_densities(glass.positions, glass.species, glass.box, RADII, WIDTHS)
    after = radial_densities(glass.positions[order], glass.species[order], glass.box, RADII, WIDTHS)
    assert np.allclose(before[order], after)


def test_a_species_that_does_not_occur_has_zeros_and_keeps_its_place(glass):
    densities = radial_densities(
        glass.positions, glass.species, glass.box, RADII, WIDTHS, species_count=3
    )
    assert densities.shape == (300, 3, 4) and (densities[:, 2] == 0).all()


@pytest.mark.parametrize(
    ("radii", "widths", "message"),
    [
        ([], 0.1, r"radii have the shape \(0,\)"),
        ([1.0, 2.0], [0.1] * 3, r"widths have the shape \(3,\)"),
        ([1.0, -2.0], 0.1, "radii .*-2.0. must be"),
        ([1.0, 2.0], 0.0, "widths .*0.0. must be"),
        ([1.0, 3.0], 0.1, "box edge 6.5 is shorter than twice the cutoff 3.6"),
    ],
)
def test_shells_that_cannot_be_are_refused(glass, radii, widths, message):
    with pytest.raises(ValueError, match=message):
        radial_densities(glass.positions, glass.species, glass.box, radii, widths)
