"""A crystal has a Bragg peak of 1, a gas none."""

import numpy as np
import pytest

from glassbench.structure.pair_distribution import strongest_bragg_peak


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_lattice_has_a_peak_of_one_and_disorder_none(dimension):
    side = 8
    grid = np.stack(np.meshgrid(*[np.arange(side)] * dimension, indexing="ij"), -1)
    lattice = grid.reshape(-1, dimension) * 1.1
    box = np.full(dimension, 1.1 * side)
    assert strongest_bragg_peak(lattice, box, 6.0) == pytest.approx(1)
    gas = np.random.default_rng(0).uniform(size=lattice.shape) * box
    count = len(gas)
    assert 1 / count < strongest_bragg_peak(gas, box, 6.0) < 20 / count


def test_the_peak_is_the_sum_over_all_wave_vectors_one_by_one():
    generator = np.random.default_rng(1)
    box = np.array([3.0, 4.0, 5.0])
    positions = generator.uniform(size=(20, 3)) * box
    largest = 4.5
    counts = np.floor(largest * box / (2 * np.pi)).astype(int)
    axes = [np.arange(-n, n + 1) for n in counts]
    vectors = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    vectors = vectors[(vectors != 0).any(axis=1)] * 2 * np.pi / box
    power = np.abs(np.exp(1j * positions @ vectors.T).sum(axis=0)) ** 2 / 400
    assert strongest_bragg_peak(positions, box, largest) == pytest.approx(power.max())


def test_a_wavenumber_below_the_shortest_is_refused():
    with pytest.raises(ValueError, match="give a larger one"):
        strongest_bragg_peak(np.zeros((4, 2)), np.array([5.0, 5.0]), 1.0)
