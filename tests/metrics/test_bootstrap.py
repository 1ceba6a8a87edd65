"""Cluster bootstrap: closed forms, coverage, calibration, undefined cases."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from glassbench.metrics import interval_of_mean, paired_difference
from glassbench.metrics.bootstrap import cluster_counts, tail_share, widened_p_value


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def test_every_draw_takes_as_many_clusters_as_there_are():
    counts = cluster_counts(7, 1000, seed=0)
    assert counts.shape == (1000, 7)
    assert (counts.sum(axis=1) == 7).all()
    # Each count is binomial: mean 1, variance 6/7.
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.12)
    np.testing.assert_allclose(counts.var(axis=0), 6 / 7, atol=0.2)


def test_many_clusters_give_the_t_interval():
    rng = np.random.default_rng(0)
    values = rng.normal(0.7, 0.1, size=200)
    interval = interval_of_mean(values, np.arange(200))
    expected = stats.t.interval(0.95, 199, values.mean(), stats.sem(values))
    np.testing.assert_allclose([interval.low, interval.high], expected, atol=0.0015)
    assert interval.mean == pytest.approx(values.mean(), rel=1e-14)
    assert interval.clusters == 200


def test_the_plain_interval_holds_the_stated_percentiles():
    # Two clusters of values 0 and 1: means 0, 1/2, 1 with shares 1/4, 1/2, 1/4.
    interval = interval_of_mean([0.0, 1.0], [0, 1], level=0.4, expanded=False)
    assert (interval.low, interval.high) == (0.5, 0.5)
    interval = interval_of_mean([0.0, 1.0], [0, 1], level=0.6, expanded=False)
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_clusters_are_resampled_not_configurations():
    # Ten equal values in each of four clusters carry the information of four.
    rng = np.random.default_rng(1)
    of_cluster = rng.normal(size=4)
    whole = interval_of_mean(np.repeat(of_cluster, 10), np.repeat(list("abcd"), 10), seed=5)
    few = interval_of_mean(of_cluster, list("abcd"), seed=5)
    np.testing.assert_allclose([whole.low, whole.high], [few.low, few.high], atol=1e-12)
    naive = interval_of_mean(np.repeat(of_cluster, 10), np.arange(40), seed=5)
    assert naive.high - naive.low < 0.6 * (whole.high - whole.low)


def test_a_draw_weighs_configurations_not_clusters():
    # Clusters of 3 and 1 configurations: means 0, 1/4, 1.
    interval = interval_of_mean([0.0, 0.0, 0.0, 1.0], [0, 0, 0, 1], level=0.4, expanded=False)
    assert interval.mean == 0.25
    assert (interval.low, interval.high) == (0.25, 0.25)


@given(arrays(np.float64, st.integers(2, 12), elements=st.floats(-1, 1)), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_the_interval_holds_the_mean_and_stays_in_the_range(values, seed):
    interval = interval_of_mean(values, np.arange(len(values)), draws=500, seed=seed)
    assert values.min() - 1e-12 <= interval.low <= interval.mean + 1e-12
    assert interval.mean - 1e-12 <= interval.high <= values.max() + 1e-12


@given(arrays(np.float64, 6, elements=st.floats(-1, 1)), st.floats(-5, 5))
@settings(max_examples=30, deadline=None)
def test_the_interval_moves_with_an_offset(values, offset):
    here = interval_of_mean(values, np.arange(6), draws=300)
    there = interval_of_mean(values + offset, np.arange(6), draws=300)
    assert there.low - here.low == pytest.approx(offset, abs=1e-9)
    assert there.high - here.high == pytest.approx(offset, abs=1e-9)


def test_same_seed_same_interval():
    values, clusters = np.random.default_rng(2).normal(size=20), np.arange(20) // 2
    first, second, other = (interval_of_mean(values, clusters, seed=s) for s in (1, 1, 2))
    assert (first.low, first.high) == (second.low, second.high)
    assert first.low != other.low


def test_conditions_are_computed_at_once():
    values, clusters = np.random.default_rng(3).normal(size=(2, 3, 8)), np.arange(8) // 2
    together = interval_of_mean(values, clusters, draws=400)
    for i, j in np.ndindex(2, 3):
        alone = interval_of_mean(values[i, j], clusters, draws=400)
        assert together.low[i, j] == pytest.approx(alone.low, abs=1e-13)
        assert together.high[i, j] == pytest.approx(alone.high, abs=1e-13)


def test_coverage_with_six_clusters():
    # Two configurations from each of six parents, whose means spread. Measured on 9000
    # cases: the plain percentile interval covers the truth in 86 %, the expanded in 93 %.
    rng = np.random.default_rng(4)
    values = rng.normal(size=(1000, 6, 1)) + rng.normal(size=(1000, 6, 2))
    clusters = np.repeat(np.arange(6), 2)
    covered = {}
    for expanded in (False, True):
        interval = interval_of_mean(
            values.reshape(1000, 12), clusters, draws=4000, expanded=expanded
        )
        covered[expanded] = np.mean((interval.low <= 0) & (interval.high >= 0))
    assert covered[False] == pytest.approx(0.86, abs=0.04)
    assert covered[True] == pytest.approx(0.935, abs=0.025)


def test_tail_share_gives_the_t_interval_and_tends_to_the_plain_one():
    # z such that z times the bootstrap standard error is t times the usual one.
    z = stats.norm.isf(tail_share(0.95, 6))
    assert z * np.sqrt(5 / 6) == pytest.approx(stats.t.isf(0.025, 5), rel=1e-9)
    assert tail_share(0.95, 10**6) == pytest.approx(0.025, rel=1e-4)
    assert tail_share(0.95, 3) < tail_share(0.95, 6) < tail_share(0.95, 100) < 0.025


def test_a_single_cluster_has_a_mean_and_no_interval():
    interval = interval_of_mean([0.2, 0.4], ["parent", "parent"])
    assert interval.mean == pytest.approx(0.3)
    assert np.isnan(interval.low) and np.isnan(interval.high)
    assert interval.clusters == 1
    difference = paired_difference([0.2, 0.4], [0.1, 0.1], ["parent", "parent"])
    assert difference.difference.mean == pytest.approx(0.2)
    assert np.isnan(difference.p_value)


def test_an_undefined_configuration_leaves_only_its_row_undefined():
    values = np.array([[0.1, 0.2, 0.3], [0.1, np.nan, 0.3]])
    interval = interval_of_mean(values, [0, 1, 2])
    assert np.isnan([interval.mean[1], interval.low[1], interval.high[1]]).all()
    assert np.isfinite([interval.mean[0], interval.low[0], interval.high[0]]).all()
    np.testing.assert_array_equal(interval.undefined, [0, 1])
    assert np.isnan(paired_difference(values, values, [0, 1, 2]).p_value[1])


def test_an_undefined_first_configuration_counts_like_any_other():
    assert np.isnan(interval_of_mean([np.nan, 0.2, 0.3], [0, 1, 2]).mean)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"3 configurations and cluster labels of shape \(2,\)"):
        interval_of_mean([1, 2, 3], [0, 1])
    with pytest.raises(ValueError, match="one configuration at least"):
        interval_of_mean([], [])
    with pytest.raises(ValueError, match="1 of 2 values are infinite"):
        interval_of_mean([np.inf, 1], [0, 1])
    with pytest.raises(ValueError, match="draws 0"):
        interval_of_mean([1, 2], [0, 1], draws=0)
    with pytest.raises(ValueError, match="level 95"):
        interval_of_mean([1, 2], [0, 1], level=95)
    with pytest.raises(ValueError, match="level 1.5"):
        interval_of_mean([1, 2], [0, 0], level=1.5)
    with pytest.raises(ValueError, match="single number"):
        interval_of_mean(0.5, [0])
    with pytest.raises(ValueError, match="same configurations"):
        paired_difference([1, 2], [1, 2, 3], [0, 1])


def test_pairing_finds_what_separate_intervals_hide():
    # Configurations differ far more than the two models do.
    rng = np.random.default_rng(5)
    difficulty = rng.normal(0.6, 0.1, size=30)
    first = difficulty + 0.02 + 0.005 * rng.normal(size=30)
    second = difficulty + 0.005 * rng.normal(size=30)
    alone = [interval_of_mean(x, np.arange(30)) for x in (first, second)]
    assert alone[1].high > alone[0].low
    paired = paired_difference(first, second, np.arange(30))
    assert paired.difference.low > 0.015
    assert paired.p_value < 0.001


def test_equal_models_and_swapped_models():
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=(2, 10))
    assert paired_difference(first, first, np.arange(10)).p_value == 1
    one = paired_difference(first, second, np.arange(10))
    other = paired_difference(second, first, np.arange(10))
    assert one.p_value == pytest.approx(other.p_value)
    assert one.difference.low == pytest.approx(-other.difference.high)


def test_the_p_value_inverts_the_interval():
    rng = np.random.default_rng(7)
    tested = 0
    for _ in range(30):
        first = rng.normal(0.3, 1, size=12)
        p_value = float(paired_difference(first, np.zeros(12), np.arange(12)).p_value)
        if 0.02 < p_value < 0.8:
            wide = interval_of_mean(first, np.arange(12), level=1 - p_value * 0.9)
            narrow = interval_of_mean(first, np.arange(12), level=1 - p_value * 1.1)
            assert wide.low <= 0 <= wide.high
            assert narrow.low > 0 or narrow.high < 0
            tested += 1
    assert tested > 10


def test_beyond_the_reach_of_the_draws_the_p_value_is_that_of_the_t_test():
    rng = np.random.default_rng(9)
    first, second = rng.normal(size=(2, 40)) + np.array([[1.8], [0.0]])
    p_value = paired_difference(first, second, np.arange(40)).p_value
    expected = stats.ttest_rel(first, second).pvalue
    assert expected < 1e-5
    assert np.log(p_value) == pytest.approx(np.log(expected), rel=0.05)


def test_few_clusters_cannot_be_significant():
    # All differences positive: the draws never reach zero, yet few samples prove little.
    for clusters, least in ((2, 0.5), (3, 0.25), (5, 1 / 16)):
        first, second = 0.5 + 1e-6 * np.arange(clusters), np.full(clusters, 0.1)
        assert paired_difference(first, second, np.arange(clusters)).p_value == least
        assert paired_difference(second + 0.1, second, np.arange(clusters)).p_value == least


def test_six_clusters_can_be_significant_by_their_spread():
    first, second = 0.5 + 1e-3 * np.arange(6), np.full(6, 0.1)
    expected = stats.ttest_rel(first, second).pvalue
    p_value = paired_difference(first, second, np.arange(6)).p_value
    assert p_value == pytest.approx(expected, rel=0.2) and p_value < 1e-6
    # Without a spread, their signs alone tell.
    assert paired_difference(second + 0.1, second, np.arange(6)).p_value == 1 / 32


def test_false_alarms_with_six_clusters_are_rare_in_the_tail_too():
    rng = np.random.default_rng(10)
    first, second = rng.normal(size=(2, 4000, 6))
    p_values = paired_difference(first, second, np.arange(6), draws=1000).p_value
    # Where the draws of six tell, they are a little too sure (6.5 %); in the tail it is the t test.
    assert 0.03 < np.mean(p_values < 0.05) < 0.08
    assert np.mean(p_values < 0.003) < 0.006


def test_false_alarms_with_ten_clusters_are_as_rare_as_stated():
    rng = np.random.default_rng(8)
    first, second = rng.normal(size=(2, 2000, 10))
    p_values = paired_difference(first, second, np.arange(10), draws=1000).p_value
    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.017)


def test_widened_p_value_is_monotone_and_keeps_one():
    p = np.array([1e-4, 1e-3, 0.05, 0.5, 1.0])
    widened = widened_p_value(p, 5)
    assert (np.diff(widened) > 0).all() and (widened >= p).all()
    assert widened[-1] == pytest.approx(1)
    np.testing.assert_allclose(widened_p_value(p, 10**6), p, rtol=1e-3)
