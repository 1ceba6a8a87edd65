"""Bootstrap intervals of pooled statistics."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from glassbench.metrics import (
    interval_of_mean,
    interval_of_pooled_pearson,
    interval_of_statistic,
    pearson,
)
from glassbench.metrics.correlation import pool


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def _configurations(seed: int, sizes=(20, 25, 30, 22, 28)):
    rng = np.random.default_rng(seed)
    predictions = [5 + rng.normal(size=n) for n in sizes]
    targets = [0.6 * p + rng.normal(size=len(p)) for p in predictions]
    masks = [rng.random(n) < 0.8 for n in sizes]
    return predictions, targets, masks


def test_a_mean_as_a_statistic_has_the_interval_of_the_mean():
    values, clusters = np.random.default_rng(0).normal(size=8), np.arange(8) // 2
    general = interval_of_statistic(lambda index: values[index].mean(), clusters, draws=500)
    direct = interval_of_mean(values, clusters, draws=500)
    for name in ("mean", "low", "high"):
        assert getattr(general, name) == pytest.approx(getattr(direct, name), abs=1e-13)


def test_sums_give_the_same_as_passes_over_all_particles():
    predictions, targets, masks = _configurations(1)
    clusters = ["a", "a", "b", "c", "d"]

    def statistic(index):
        parts = ([part[i] for i in index] for part in (predictions, targets, masks))
        return pearson(*pool(*parts))

    slow = interval_of_statistic(statistic, clusters, draws=300)
    fast = interval_of_pooled_pearson(predictions, targets, clusters, masks, draws=300)
    for name in ("mean", "low", "high"):
        assert getattr(fast, name) == pytest.approx(getattr(slow, name), abs=1e-10)


def test_a_large_offset_costs_no_digits():
    predictions, targets, masks = _configurations(2)
    far = [p + 1e7 for p in predictions]
    here = interval_of_pooled_pearson(predictions, targets, range(5), masks, draws=200)
    there = interval_of_pooled_pearson(far, targets, range(5), masks, draws=200)
    assert there.low == pytest.approx(here.low, abs=1e-7)


def test_single_cluster_and_constant_prediction():
    predictions, targets, masks = _configurations(3)
    single = interval_of_pooled_pearson(predictions, targets, [0] * 5, masks)
    assert single.mean == pytest.approx(pearson(*pool(predictions, targets, masks)))
    assert np.isnan(single.low) and np.isnan(single.high)
    constant = [np.ones_like(p) for p in predictions]
    flat = interval_of_pooled_pearson(constant, targets, range(5))
    assert np.isnan([flat.mean, flat.low, flat.high]).all()


def test_draws_without_a_value_are_left_out_and_counted():
    # Pearson over sample means is undefined where one sample alone is drawn: 3 of 27 draws.
    x, y = np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])
    interval = interval_of_statistic(lambda i: pearson(x[i], y[i]), [0, 1, 2], draws=2000)
    assert interval.undefined / 2000 == pytest.approx(3 / 27, abs=0.03)
    assert -1 <= interval.low <= 0.5 <= interval.high <= 1


def test_mostly_undefined_draws_leave_no_interval():
    # Defined on the sample itself alone: 6 of 27 draws.
    interval = interval_of_statistic(
        lambda index: 1.0 if len(set(index)) == 3 else np.nan, [0, 1, 2], draws=200
    )
    assert interval.mean == 1 and interval.undefined > 100
    assert np.isnan(interval.low) and np.isnan(interval.high)


def test_an_undefined_statistic_has_no_interval():
    interval = interval_of_statistic(lambda index: np.nan, [0, 1, 2], draws=10)
    assert np.isnan([interval.mean, interval.low, interval.high]).all()


def test_configurations_constant_within_correlate_through_their_means():
    # A draw of one configuration alone is constant, and so undefined: 1/4 of the draws each.
    predictions = [np.zeros(3), np.ones(3)]
    interval = interval_of_pooled_pearson(predictions, predictions, [0, 1], draws=1000)
    assert interval.mean == pytest.approx(1)
    assert interval.undefined / 1000 == pytest.approx(0.5, abs=0.06)


def test_what_does_not_fit_is_refused():
    predictions, targets, _ = _configurations(5)
    with pytest.raises(ValueError, match="5 configurations and cluster labels"):
        interval_of_pooled_pearson(predictions, targets, [0, 1])
    with pytest.raises(ValueError, match="one condition"):
        interval_of_pooled_pearson([np.ones((2, 3))], [np.ones((2, 3))], [0])
