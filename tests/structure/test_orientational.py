"""Orientational correlations find the direction in which neighbours lie, and 1 in a gas."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.structure import orientational_pair_correlation, particle_pair_distribution


def test_a_uniform_gas_has_one_at_every_angle():
    generator = np.random.default_rng(1)
    for axes, edge, particles, angle in (
        (2, 40.0, 4000, "theta"),
        (3, 16.0, 4000, "theta"),
        (3, 16.0, 4000, "phi"),
    ):
        positions = generator.random((particles, axes)) * edge
        species = (generator.random(particles) < 0.3).astype(np.int8)
        values = orientational_pair_correlation(
            positions, species, [edge] * axes, largest=6.0, bins=3, angle_bins=3, angle=angle
        )
        assert np.allclose(values[:, :, 1:].mean(axis=0), 1, atol=0.05)


def test_each_value_is_the_count_of_the_definition(glass, pairs_by_definition):
    values = orientational_pair_correlation(
        glass.positions, glass.species, glass.box, largest=3.0, bins=6, angle_bins=3, centres=[11]
    )
    pairs = pairs_by_definition(glass.positions, glass.box, 3.0)
    own = pairs.receivers == 11
    zeta = np.array([1, 1, 0]) / np.sqrt(2)
    theta = np.degrees(np.arccos(np.abs(pairs.vectors[own] @ zeta) / pairs.distances[own]))
    kinds, distances = glass.species[pairs.senders[own]], pairs.distances[own]
    chosen = (kinds == 0) & (distances >= 1.5) & (distances < 2.0) & (theta >= 30) & (theta < 60)
    shell = 4 * np.pi * 1.75**2 * 0.5 * (np.cos(np.radians(30)) - np.cos(np.radians(60)))
    density = (glass.species == 0).sum() / np.prod(glass.box)
    assert values.shape == (1, 2, 6, 3) and chosen.sum() > 0
    assert values[0, 0, 3, 1] == pytest.approx(chosen.sum() / (shell * density))


def test_theta_is_0_along_the_elongation_and_phi_0_in_the_plane_of_the_load():
    centre = np.array([5.0, 5.0, 5.0])
    for step, theta_bin, phi_bin in (
        ([1, 1, 0], 0, 0),
        ([-1, -1, 0], 0, 0),
        ([1, -1, 0], 2, 0),
        ([0, 0, 1], 2, 2),
    ):
        positions = np.array([centre, centre + np.array(step) / np.linalg.norm(step)])
        for angle, expected in (("theta", theta_bin), ("phi", phi_bin)):
            values = orientational_pair_correlation(
                positions,
                np.zeros(2, int),
                [10.0] * 3,
                largest=2.0,
                bins=2,
                angle_bins=3,
                angle=angle,
                species_count=1,
            )
            found = np.flatnonzero(values[0, 0].sum(axis=0))
            assert (angle, step) == ("phi", [1, 1, 0]) or found.tolist() == [expected]


def test_turning_the_structure_with_the_frame_changes_nothing():
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(40, 2)) + 20
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    options = {"largest": 6.0, "bins": 4, "angle_bins": 3}
    species = np.zeros(40, dtype=int)
    before = orientational_pair_correlation(vectors, species, [40.0] * 2, **options)
    turned = (vectors - 20) @ turn.T + 20
    after = orientational_pair_correlation(turned, species, [40.0] * 2, frame=turn.T, **options)
    assert np.allclose(before[:, 0], after[:, 0])


def test_the_average_over_angles_is_the_distribution_around_the_particle(glass):
    values = orientational_pair_correlation(
        glass.positions,
        np.zeros(300, int),
        glass.box,
        largest=3.0,
        bins=6,
        angle_bins=5,
        angle="phi",
        species_count=1,
    )
    expected = particle_pair_distribution(glass.positions, glass.box, 0.0, 3.0, 6)
    assert np.allclose(values[:, 0].mean(axis=2), expected)


def test_a_species_that_does_not_occur_has_no_correlation(glass):
    values = orientational_pair_correlation(
        glass.positions, glass.species, glass.box, largest=3.0, bins=2, species_count=3
    )
    assert np.isnan(values[:, 2]).all() and np.isfinite(values[:, :2]).all()


def test_phi_needs_three_dimensions():
    with pytest.raises(ValueError, match="angle 'phi' in 2 dimensions"):
        orientational_pair_correlation(
            np.zeros((2, 2)), np.zeros(2, int), [9.0, 9.0], largest=2.0, bins=2, angle="phi"
        )
