"""Pearson and Spearman correlation: closed forms, scipy, invariances, undefined cases."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from glassbench.metrics import midranks, pearson, spearman
from glassbench.metrics.correlation import evaluate_by_configuration, pool

VALUES = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: round(x, 3))
PAIRS = st.integers(3, 40).flatmap(lambda n: arrays(np.float64, (2, n), elements=VALUES))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def test_three_points_by_hand():
    # Deviations (-1, 0, 1) and (-4/3, -1/3, 5/3): 3 / sqrt(2 * 14/3).
    assert pearson([1, 2, 3], [1, 2, 4]) == pytest.approx(3 / np.sqrt(28 / 3), rel=1e-15)


def test_equals_scipy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 5, 200))
    y = 0.5 * x + rng.normal(size=x.shape)
    expected = [[stats.pearsonr(x[i, j], y[i, j])[0] for j in range(5)] for i in range(3)]
    np.testing.assert_allclose(pearson(x, y), expected, rtol=1e-12)
    np.testing.assert_allclose(
        pearson(np.moveaxis(x, 2, 0), np.moveaxis(y, 2, 0), axis=0), expected, rtol=1e-12
    )


def test_one_prediction_scores_against_every_time():
    rng = np.random.default_rng(1)
    density, propensity = rng.normal(size=50), rng.normal(size=(4, 50))
    expected = [pearson(density, at_time) for at_time in propensity]
    np.testing.assert_array_equal(pearson(density, propensity), expected)


@given(PAIRS, st.floats(0.01, 100), st.floats(-100, 100))
@settings(max_examples=60, deadline=None)
def test_unchanged_by_a_scale_and_an_offset_and_odd_under_a_sign(pair, scale, offset):
    x, y = pair
    assume(np.ptp(x) > 0.01 and np.ptp(y) > 0.01)
    rho = pearson(x, y)
    assert -1 <= rho <= 1
    assert pearson(scale * x + offset, y) == pytest.approx(rho, abs=1e-8)
    assert pearson(-x, y) == pytest.approx(-rho, abs=1e-12)
    assert pearson(y, x) == pytest.approx(rho, abs=1e-12)


@given(PAIRS, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_particles_does_not_matter(pair, random):
    x, y = pair
    order = list(range(len(x)))
    random.shuffle(order)
    np.testing.assert_allclose(pearson(x[order], y[order]), pearson(x, y), atol=1e-12)
    np.testing.assert_allclose(spearman(x[order], y[order]), spearman(x, y), atol=1e-12)


def test_a_large_offset_costs_no_digits():
    rng = np.random.default_rng(2)
    # Multiples of 2^-20 up to 1, so that adding 2^30 is exact in float64.
    x, y = rng.integers(0, 2**20, (2, 4096)) / 2**20
    assert pearson(x + 2.0**30, y) == pytest.approx(pearson(x, y), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1.7e308])
def test_scales_far_from_one_neither_overflow_nor_vanish(scale):
    x, y = np.array([-1.0, 0.0, 0.5, 0.25]), np.array([0.0, 0.5, 1.0, 0.25])
    assert pearson(scale * x, y) == pytest.approx(pearson(x, y), rel=1e-12)


def test_float32_is_computed_in_float64():
    rng = np.random.default_rng(3)
    x = (1000 + rng.normal(size=4096)).astype(np.float32)
    y = rng.normal(size=4096).astype(np.float32) + x
    assert pearson(x, y).dtype == np.float64
    assert pearson(x, y) == pytest.approx(
        stats.pearsonr(x.astype(np.float64), y.astype(np.float64))[0], rel=1e-10
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 + 0.3, -1e-310])
def test_a_constant_has_no_correlation(value):
    constant, varying = np.full(1000, value), np.arange(1000.0)
    assert np.isnan(pearson(constant, varying))
    assert np.isnan(pearson(varying, constant))
    assert np.isnan(pearson(constant, constant))
    assert np.isnan(spearman(constant, varying))


def test_only_the_constant_row_is_undefined():
    rho = pearson([[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(rho, [1.0, np.nan])


def test_one_particle_and_none_have_no_correlation():
    assert np.isnan(pearson([1.0], [2.0]))
    assert np.isnan(pearson([], []))
    assert pearson(np.empty((3, 0)), np.empty((3, 0))).shape == (3,)


def test_two_values_one_step_of_float64_apart_still_correlate():
    x = np.array([1.0, np.nextafter(1.0, 2.0), 1.0])
    assert pearson(x, [0.0, 1.0, 0.0]) == pytest.approx(1.0)


def test_values_that_are_not_finite_are_refused_and_counted():
    with pytest.raises(ValueError, match="prediction has 2 NaN and 1 infinite among 4"):
        pearson([np.nan, np.nan, np.inf, 1], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="target has 1 NaN and 0 infinite"):
        pearson([1, 2], [np.nan, 2])


def test_different_numbers_of_particles_are_refused():
    with pytest.raises(ValueError, match="prediction has 3 values and target 2"):
        pearson([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="single number"):
        pearson(1.0, 2.0)


def test_configurations_of_different_size_are_scored_each_on_its_own():
    rng = np.random.default_rng(4)
    predictions = [rng.normal(size=(2, n)) for n in (30, 40)]
    targets = [rng.normal(size=(2, n)) for n in (30, 40)]
    masks = [rng.random(n) < 0.8 for n in (30, 40)]
    rho = evaluate_by_configuration(pearson, predictions, targets, masks)
    assert rho.shape == (2, 2)
    for c in range(2):
        for condition in range(2):
            expected = stats.pearsonr(
                predictions[c][condition, masks[c]], targets[c][condition, masks[c]]
            )[0]
            assert rho[condition, c] == pytest.approx(expected, rel=1e-12)


def test_pooling_counts_differences_between_configurations():
    within = [np.array([0.0, 1.0]), np.array([10.0, 11.0])]
    reversed_within = [np.array([1.0, 0.0]), np.array([11.0, 10.0])]
    np.testing.assert_allclose(
        evaluate_by_configuration(pearson, within, reversed_within), [-1, -1]
    )
    expected = stats.pearsonr([0, 1, 10, 11], [1, 0, 11, 10])[0]
    assert pearson(*pool(within, reversed_within)) == pytest.approx(expected, rel=1e-12)
    assert expected > 0.9


def test_values_outside_the_mask_may_be_undefined():
    prediction, target = [np.array([1.0, 2.0, 3.0])], [np.array([2.0, 3.0, np.nan])]
    mask = [np.array([True, True, False])]
    assert evaluate_by_configuration(pearson, prediction, target, mask)[0] == pytest.approx(1.0)
    with pytest.raises(ValueError, match="configuration 0: target has 1 NaN"):
        evaluate_by_configuration(pearson, prediction, target)


def test_lists_and_masks_that_do_not_fit_are_refused():
    x = [np.arange(3.0), np.arange(4.0)]
    with pytest.raises(ValueError, match="numbers of configurations differ"):
        evaluate_by_configuration(pearson, x, x[:1])
    with pytest.raises(ValueError, match="configuration 1: .*differ in the number of particles"):
        evaluate_by_configuration(pearson, x, x, [np.ones(3, bool), np.ones(3, bool)])
    with pytest.raises(ValueError, match="give one boolean"):
        evaluate_by_configuration(pearson, x, x, [np.arange(3), np.arange(4)])
    with pytest.raises(ValueError, match="no configuration"):
        evaluate_by_configuration(pearson, [], [])
    with pytest.raises(ValueError, match="no configuration"):
        pool([], [])
    with pytest.raises(ValueError, match="leading dimensions differ"):
        evaluate_by_configuration(
            pearson, [np.ones((2, 3)), np.ones(3)], [np.ones((2, 3)), np.ones(3)]
        )


def test_spearman_equals_scipy_with_ties():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 10, (2, 100))
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], rel=1e-12)


def test_spearman_sees_only_the_order():
    x = np.array([0.1, 0.5, 2.0, 7.0])
    assert spearman(np.exp(x), x) == pytest.approx(1.0)


@given(arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0.0, 1.0, 2.0, 5.5])))
def test_midranks_sum_to_that_of_ranks_and_ties_share(values):
    ranks = midranks(values)
    assert ranks.sum() == len(values) * (len(values) + 1) / 2
    for value in np.unique(values):
        assert np.ptp(ranks[values == value]) == 0
        assert (
            ranks[values == value][0] == (values < value).sum() + ((values == value).sum() + 1) / 2
        )
