"""Averages over neighbour shells keep constants, and follow their definition."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.structure import shell_average_matrix, shell_averages


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(2).normal(size=(300, 4))


def test_each_round_is_the_weighted_mean_of_the_one_before(glass, features, pairs_by_definition):
    pairs = pairs_by_definition(glass.positions, glass.box, 1.8)
    weights = np.eye(300)
    weights[pairs.receivers, pairs.senders] = np.exp(-pairs.distances / 1.8)
    weights /= weights.sum(axis=1, keepdims=True)
    averages = shell_averages(features, glass.positions, glass.box, cutoff=1.8, rounds=3)
    assert np.array_equal(averages[0], features)
    assert np.allclose(averages[1], weights @ features)
    assert np.allclose(averages[3], weights @ weights @ weights @ features)


def test_a_constant_stays_and_extremes_never_grow(glass, features):
    matrix = shell_average_matrix(glass.positions, glass.box)
    assert np.allclose(matrix @ np.ones(300), 1, rtol=1e-14) and matrix.data.min() > 0
    averages = shell_averages(features, glass.positions, glass.box, rounds=4)
    assert (np.diff(averages.max(axis=1), axis=0) <= 1e-12).all()
    assert (np.diff(averages.min(axis=1), axis=0) >= -1e-12).all()


def test_a_particle_without_neighbours_keeps_its_features():
    averages = shell_averages(np.array([[3.0], [5.0]]), np.array([[0.0, 0], [5, 5]]), [10.0, 10.0])
    assert (averages == np.array([[3.0], [5.0]])).all()


def test_they_are_unchanged_by_the_symmetries_of_the_box(glass, moved, features):
    before = shell_averages(features, glass.positions, glass.box)
    after = shell_averages(features, moved.positions, moved.box)
    assert np.allclose(before, after, atol=1e-12)


def test_single_precision_features_stay_single(glass, features):
    single = shell_averages(features.astype(np.float32), glass.positions, glass.box)
    double = shell_averages(features, glass.positions, glass.box)
    assert single.dtype == np.float32 and np.allclose(single, double, atol=1e-5)


def test_features_that_cannot_be_averaged_are_refused(glass, features):
    with pytest.raises(ValueError, match=r"give \(300, features\)"):
        shell_averages(features[:-1], glass.positions, glass.box)
    with pytest.raises(ValueError, match="rounds -1"):
        shell_averages(features, glass.positions, glass.box, rounds=-1)
    broken = features.copy()
    broken[17, 2] = np.nan
    with pytest.raises(ValueError, match="features of particle 17 are not finite"):
        shell_averages(broken, glass.positions, glass.box)
