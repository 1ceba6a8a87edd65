"""Errors, binned and spatially averaged correlation."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from glassbench.metrics import (
    binned_pearson,
    binned_pearson_of_binning,
    binned_slope,
    mae,
    mean_error,
    mse,
    pearson,
    r2,
    rmse,
    spatial_average,
    spatially_averaged_pearson,
)
from glassbench.metrics.regression import bin_means


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def test_errors_by_hand():
    prediction, target = [1.0, 2.0, 3.0, 8.0], [1.0, 1.0, 5.0, 5.0]
    assert mse(prediction, target) == (0 + 1 + 4 + 9) / 4
    assert rmse(prediction, target) == np.sqrt(14 / 4)
    assert mae(prediction, target) == (0 + 1 + 2 + 3) / 4
    assert mean_error(prediction, target) == (0 + 1 - 2 + 3) / 4
    assert r2(prediction, target) == pytest.approx(1 - 14 / 16)


def test_errors_equal_sklearn():
    rng = np.random.default_rng(0)
    x, y = 100 + rng.normal(size=(2, 3, 50))
    for ours, theirs in (
        (mse, sklearn_metrics.mean_squared_error),
        (mae, sklearn_metrics.mean_absolute_error),
        (r2, sklearn_metrics.r2_score),
    ):
        expected = [theirs(b, a) for a, b in zip(x, y)]
        np.testing.assert_allclose(ours(x, y), expected, rtol=1e-11)


def test_r2_of_the_mean_is_zero_and_of_the_truth_one():
    y = np.array([0.1, 0.5, 0.7, 1.1])
    assert r2(np.full(4, y.mean()), y) == pytest.approx(0, abs=1e-15)
    assert r2(y, y) == 1


def test_undefined_errors():
    for metric in (mse, rmse, mae, r2):
        assert np.isnan(metric([], []))
        assert metric(np.empty((2, 0)), np.empty((2, 0))).shape == (2,)
        with pytest.raises(ValueError, match="prediction has 1 NaN"):
            metric([np.nan], [1.0])
    assert mse([1.0], [3.0]) == 4
    assert np.isnan(r2([1.0], [3.0]))
    assert np.isnan(r2(np.arange(1000.0), np.full(1000, 0.1)))


def test_bins_follow_the_true_value_and_the_last_takes_the_remainder():
    target = np.array([6.0, 0.0, 5.0, 1.0, 4.0, 2.0, 3.0])
    first, second = bin_means(10 * target, target, 3)
    np.testing.assert_allclose(second, [1.0, 4.5])
    np.testing.assert_allclose(first, [10.0, 45.0])


def test_binning_removes_independent_noise():
    rng = np.random.default_rng(1)
    target = rng.normal(size=4000)
    prediction = 0.5 * target + rng.normal(size=4000)
    assert pearson(prediction, target) == pytest.approx(0.45, abs=0.03)
    assert binned_pearson(prediction, target) > 0.95
    # The slope of the regression of prediction on truth survives binning.
    assert binned_slope(prediction, target) == pytest.approx(0.5, abs=0.05)


def test_a_bin_of_one_is_no_binning():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 3, 30))
    np.testing.assert_allclose(binned_pearson(x, y, 1), pearson(x, y), rtol=1e-12)
    expected = [np.polyfit(b, a, 1)[0] for a, b in zip(x, y)]
    np.testing.assert_allclose(binned_slope(x, y, 1), expected, rtol=1e-10)


@pytest.mark.parametrize("per_atom", [-0.3, 0.05, 0.2, 0.6])
def test_what_binning_alone_gives_is_the_mean_over_predictions_with_independent_errors(per_atom):
    generator = np.random.default_rng(3)
    y = generator.gamma(4.0, size=2050)
    standardised = (y - y.mean()) / y.std()
    errors = generator.normal(size=(400, len(y)))
    x = per_atom * standardised + np.sqrt(1 - per_atom**2) * errors
    found, expected = binned_pearson(x, y), binned_pearson_of_binning(x, y)
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.02)
    # Its own spread is that of the correlation of the particles alone.
    assert np.std(expected) < np.std(found)


def test_what_binning_alone_gives_has_its_ends():
    y = np.random.default_rng(0).normal(size=500)
    assert binned_pearson_of_binning(y, y) == pytest.approx(1)
    assert binned_pearson_of_binning(-y, y) == pytest.approx(-1)
    x = y + np.random.default_rng(1).normal(size=500)
    np.testing.assert_allclose(binned_pearson_of_binning(x, y, 1), pearson(x, y), rtol=1e-2)
    assert binned_pearson_of_binning(np.stack([x, y]), y).shape == (2,)
    for few in (y[:1], y[:150]):
        assert np.isnan(binned_pearson_of_binning(few, few))
    assert np.isnan(binned_pearson_of_binning(np.ones(500), y))
    with pytest.raises(ValueError, match="bin_size 0"):
        binned_pearson_of_binning(x, y, 0)


def test_the_truth_has_slope_one_and_half_of_it_one_half():
    y = np.random.default_rng(3).normal(size=1000)
    assert binned_slope(y, y) == pytest.approx(1)
    assert binned_slope(0.5 * y + 3, y) == pytest.approx(0.5)


def test_undefined_bins():
    y = np.random.default_rng(4).normal(size=1000)
    for few in (y[:199], y[:99], y[:0]):
        assert np.isnan(binned_pearson(few, few))
        assert np.isnan(binned_slope(few, few))
    constant = np.full(1000, 0.1)
    assert np.isnan(binned_pearson(constant, y, 70)) and np.isnan(binned_pearson(y, constant, 70))
    assert np.isnan(binned_slope(y, constant, 70))
    assert binned_slope(constant, y, 70) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="bin_size 0"):
        binned_pearson(y, y, 0)
    with pytest.raises(ValueError, match="bin_size 2.5"):
        binned_slope(y, y, 2.5)


def _average_over_all_pairs(values, positions, box, radius):
    vectors = positions[:, None] - positions[None]
    vectors -= box * np.round(vectors / box)
    near = np.linalg.norm(vectors, axis=-1) <= radius
    return near @ values / near.sum(axis=1)


@pytest.mark.parametrize("box", [(5.0, 6.0, 8.0), (9.0, 7.0)])
def test_spatial_average_equals_the_sum_over_all_pairs(box):
    rng = np.random.default_rng(5)
    box = np.array(box)
    positions, values = rng.uniform(-1, 2, (150, len(box))) * box, rng.normal(size=150)
    expected = _average_over_all_pairs(values, positions, box, 2.0)
    np.testing.assert_allclose(spatial_average(values, positions, box, 2.0), expected, atol=1e-12)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_translation_and_periodic_images_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    box = np.array([6.0, 7.0, 8.0])
    positions, values = rng.uniform(size=(60, 3)) * box, rng.normal(size=(2, 60))
    moved = positions + rng.normal(size=3) + box * rng.integers(-2, 3, (60, 3))
    np.testing.assert_allclose(
        spatial_average(values, moved, box, 1.7),
        spatial_average(values, positions, box, 1.7),
        atol=1e-12,
    )


def test_a_constant_field_stays_constant_and_has_no_correlation():
    rng = np.random.default_rng(6)
    box = np.array([20.0, 20.0, 20.0])
    positions, field = rng.uniform(size=(300, 3)) * box, rng.normal(size=300)
    constant = np.full(300, 0.1)
    np.testing.assert_array_equal(spatial_average(constant, positions, box, 6.0), constant)
    assert np.isnan(spatially_averaged_pearson(constant, field, positions, box))
    assert np.isnan(spatially_averaged_pearson(field, constant, positions, box))


def test_averaging_brings_out_a_smooth_field_under_noise():
    rng = np.random.default_rng(7)
    box = np.full(3, 20.0)
    positions = rng.uniform(size=(2000, 3)) * box
    field = np.sin(2 * np.pi * positions[:, 0] / 20)
    prediction = field + 2 * rng.normal(size=(3, 2000))
    target = field + rng.normal(size=2000)
    assert (pearson(prediction, target) < 0.4).all()
    averaged = spatially_averaged_pearson(prediction, target, positions, box, 4.0)
    assert averaged.shape == (3,) and (averaged > 0.85).all()


def test_a_radius_below_all_distances_is_no_averaging():
    rng = np.random.default_rng(8)
    positions = np.argwhere(np.ones((4, 4, 4))).astype(float)
    x, y = rng.normal(size=(2, 64))
    rho = spatially_averaged_pearson(x, y, positions, np.full(3, 4.0), 0.9)
    assert rho == pytest.approx(pearson(x, y), rel=1e-12)


def test_a_position_just_below_zero_lies_in_the_box():
    positions, box = np.array([[-1e-18, 1.0], [3.9, 1.0]]), np.array([4.0, 4.0])
    np.testing.assert_allclose(spatial_average([0.0, 1.0], positions, box, 0.5), [0.5, 0.5])


def test_what_does_not_fit_is_refused():
    x, positions, box = np.arange(3.0), np.zeros((3, 3)), np.full(3, 10.0)
    with pytest.raises(ValueError, match="box edge 10.0 is shorter than twice the radius 6.0"):
        spatially_averaged_pearson(x, x, positions, box)
    with pytest.raises(ValueError, match="not positive"):
        spatial_average(x, positions, box, -1.0)
    with pytest.raises(ValueError, match=r"positions \(2, 3\) and box \(3,\) do not fit 3 values"):
        spatially_averaged_pearson(x, x, positions[:2], box, 2.0)
    with pytest.raises(ValueError, match="positions has 1 NaN"):
        spatial_average(x, np.where(np.eye(3) * [1, 0, 0], np.nan, 0.0), box, 2.0)
    assert np.isnan(spatially_averaged_pearson([], [], np.empty((0, 3)), box, 2.0))
