"""The distribution around a particle counts neighbours by shells, relative to a uniform gas."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.structure import particle_pair_distribution


def test_it_is_the_count_of_the_definition_over_that_of_a_uniform_gas(glass, pairs_by_definition):
    distribution = particle_pair_distribution(glass.positions, glass.box, 0.5, 3.1, 13)
    pairs = pairs_by_definition(glass.positions, glass.box, 3.2)
    density = 300 / np.prod(glass.box)
    for particle in (0, 7, 299):
        distances = pairs.distances[pairs.receivers == particle]
        for k in range(13):
            low, high = 0.5 + 0.2 * k, 0.7 + 0.2 * k
            count = ((distances >= low) & (distances < high)).sum()
            uniform = 4 * np.pi * ((low + high) / 2) ** 2 * 0.2 * density
            assert distribution[particle, k] == pytest.approx(count / uniform, rel=1e-9)


def test_a_uniform_gas_has_one_in_two_and_three_dimensions():
    generator = np.random.default_rng(1)
    for axes, edge, particles in ((2, 40.0, 4000), (3, 16.0, 4000)):
        positions = generator.random((particles, axes)) * edge
        mean = particle_pair_distribution(positions, [edge] * axes, 4.0, 8.0, 4).mean(axis=0)
        assert np.allclose(mean, 1, atol=0.02)


def test_a_square_lattice_has_its_shells():
    x, y = np.meshgrid(np.arange(12.0), np.arange(12.0))
    positions = np.stack([x.ravel(), y.ravel()], axis=1)
    distribution = particle_pair_distribution(positions, [12.0, 12.0], 0.9, 1.5, 3)
    expected = [4 / (2 * np.pi * 1.0 * 0.2), 0, 4 / (2 * np.pi * 1.4 * 0.2)]
    assert np.allclose(distribution, expected)


def test_it_is_unchanged_by_the_symmetries_of_the_box(glass, moved):
    before = particle_pair_distribution(glass.positions, glass.box, 0.5, 3.0, 10)
    after = particle_pair_distribution(moved.positions, moved.box, 0.5, 3.0, 10)
    assert (before != after).mean() < 1e-3


@pytest.mark.parametrize(
    ("smallest", "largest", "bins", "message"),
    [
        (2.0, 1.0, 4, "distances must increase"),
        (-1.0, 2.0, 4, "from 0 or more"),
        (0.0, 2.0, 0, "0 bins"),
        (0.0, 10.0, 40, "box edge 6.5 is shorter than twice the cutoff 10"),
    ],
)
def test_bins_that_cannot_be_are_refused(glass, smallest, largest, bins, message):
    with pytest.raises(ValueError, match=message):
        particle_pair_distribution(glass.positions, glass.box, smallest, largest, bins)
