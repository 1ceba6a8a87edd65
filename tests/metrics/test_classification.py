"""Cumulative rank, overlap and the metrics of classes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn_metrics

from glassbench.metrics import average_precision, balanced_accuracy, c_rank, overlap_ratio, roc_auc
from glassbench.metrics.classification import top_count, top_weights


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def test_the_published_maximum_of_c_rank():
    # Fan & Ma: perfect correlation is 0.995 at f = 0.5 %, perfect anticorrelation -0.995.
    d2min = np.random.default_rng(0).exponential(size=32_000)
    assert c_rank(d2min, d2min) == pytest.approx(0.995, abs=1e-12)
    assert c_rank(-d2min, d2min) == pytest.approx(-0.995, abs=1e-12)
    assert overlap_ratio(d2min, d2min) == 1
    assert overlap_ratio(-d2min, d2min) == 0


def test_c_rank_by_hand():
    # Ten particles, top two by D2min have predicted ranks 10 and 4: CDF 0.95 and 0.35.
    d2min = np.arange(10.0)
    prediction = np.array([9, 8, 7, 6, 5, 1, 2, 3, 4, 10.0])
    assert c_rank(prediction, d2min, 0.2) == pytest.approx(2 * (0.95 + 0.35) / 2 - 1)
    assert overlap_ratio(prediction, d2min, 0.2) == 0.5


def test_c_rank_of_chance_is_zero_within_its_error():
    rng = np.random.default_rng(1)
    prediction, d2min = rng.normal(size=(2, 200, 2000))
    values = c_rank(prediction, d2min)
    assert values.shape == (200,)
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(200)
    # Ten uniform CDF values: the variance of 2 <u> - 1 is 4 / (12 * 10).
    assert values.std() == pytest.approx(np.sqrt(4 / 120), rel=0.2)


def test_c_rank_follows_from_the_area_under_the_curve():
    # Without ties: C_rank = (1 - k/N) (2 AUC - 1), with the top fraction as positives.
    rng = np.random.default_rng(2)
    prediction, d2min = rng.normal(size=(2, 1000))
    labels = d2min >= np.sort(d2min)[-50]
    expected = 0.95 * (2 * sklearn_metrics.roc_auc_score(labels, prediction) - 1)
    assert c_rank(prediction, d2min, 0.05) == pytest.approx(expected, rel=1e-12)


def test_ties_in_the_prediction_get_midranks():
    # Ranks 1.5 1.5 3.5 3.5, the top particle has 3.5: CDF 3/4.
    assert c_rank([0, 0, 1, 1], [1, 2, 3, 4.0], 0.25) == pytest.approx(0.5)
    # The predicted top is one of two with equal right: overlap one half.
    assert overlap_ratio([0, 0, 1, 1], [1, 2, 3, 4.0], 0.25) == 0.5


@given(
    arrays(np.float64, (2, 30), elements=st.integers(0, 8).map(float)),
    st.sampled_from([0.05, 0.1, 0.5]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_order_and_monotone_maps_do_not_matter_and_a_sign_reverses(pair, fraction, random):
    prediction, d2min = pair
    assume(np.ptp(prediction) > 0 and np.ptp(d2min) > 0)
    value = c_rank(prediction, d2min, fraction)
    order = list(range(30))
    random.shuffle(order)
    assert c_rank(prediction[order], d2min[order], fraction) == pytest.approx(value, abs=1e-12)
    assert c_rank(np.exp(prediction), d2min, fraction) == pytest.approx(value, abs=1e-12)
    assert c_rank(-prediction, d2min, fraction) == pytest.approx(-value, abs=1e-12)
    assert abs(value) <= 1 - top_count(30, fraction) / 30 + 1e-12
    ratio = overlap_ratio(prediction, d2min, fraction)
    assert ratio == pytest.approx(overlap_ratio(prediction[order], d2min[order], fraction))
    assert 0 <= ratio <= 1 + 1e-12


@pytest.mark.parametrize(
    ("total", "fraction", "count"),
    [(32_000, 0.005, 160), (2500, 0.005, 13), (20, 0.005, 1), (1000, 0.07, 70), (0, 0.5, 0)],
)
def test_the_top_is_the_least_number_that_makes_up_the_fraction(total, fraction, count):
    assert top_count(total, fraction) == count


def test_top_weights_sum_to_the_count_and_share_ties():
    np.testing.assert_allclose(top_weights([3, 1, 2, 2, 2.0], 0.4), [1, 0, 1 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize("metric", [c_rank, overlap_ratio])
def test_undefined_tops(metric):
    varying = np.arange(1000.0)
    assert np.isnan(metric(np.full(1000, 0.1), varying))
    assert np.isnan(metric(varying, np.full(1000, 0.1)))
    assert np.isnan(metric([1.0], [1.0]))
    assert np.isnan(metric([], []))
    assert np.isnan(metric([1.0, 2.0], [1.0, 2.0], 0.9))
    assert metric(np.empty((3, 0)), np.empty((3, 0))).shape == (3,)
    rows = metric([varying, np.zeros(1000)], varying)
    assert rows[0] > 0.99 and np.isnan(rows[1])


@pytest.mark.parametrize("metric", [c_rank, overlap_ratio])
def test_wrong_fractions_and_values_are_refused(metric):
    for fraction in (0, 1, 5, -0.1):
        with pytest.raises(ValueError, match=f"fraction {fraction} is not between"):
            metric([1, 2.0], [1, 2.0], fraction)
    with pytest.raises(ValueError, match="prediction has 1 NaN"):
        metric([np.nan, 2.0], [1, 2.0])


LABELLED = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=st.integers(0, 6).map(lambda x: x / 6)),
        arrays(np.bool_, n),
    )
)


@given(LABELLED)
@settings(max_examples=80, deadline=None)
def test_class_metrics_equal_sklearn(case):
    prediction, labels = case
    assume(0 < labels.sum() < len(labels))
    assert roc_auc(prediction, labels) == pytest.approx(
        sklearn_metrics.roc_auc_score(labels, prediction), abs=1e-12
    )
    assert average_precision(prediction, labels) == pytest.approx(
        sklearn_metrics.average_precision_score(labels, prediction), abs=1e-12
    )
    assert balanced_accuracy(prediction, labels) == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(labels, prediction > 0.5), abs=1e-12
    )


def test_balanced_accuracy_is_accuracy_on_a_balanced_set():
    prediction, labels = np.array([0.9, 0.4, 0.2, 0.7, 0.1, 0.3]), np.array([1, 1, 1, 0, 0, 0])
    assert balanced_accuracy(prediction, labels) == np.mean((prediction > 0.5) == labels)


def test_balanced_accuracy_does_not_see_the_balance():
    prediction, labels = np.array([0.9, 0.4, 0.6, 0.1]), np.array([1, 1, 0, 0])
    more = np.concatenate([prediction, np.tile([0.6, 0.1], 50)])
    expected = balanced_accuracy(prediction, labels)
    assert balanced_accuracy(more, np.append(labels, np.zeros(100))) == pytest.approx(expected)


def test_exactly_the_threshold_is_negative():
    assert balanced_accuracy([0.5, 0.5], [1, 0]) == 0.5
    assert balanced_accuracy([0.5, 0.4], [1, 0], threshold=0.45) == 1


def test_a_constant_prediction_is_at_chance():
    constant, labels = np.full(10, 0.3), np.arange(10) < 4
    assert roc_auc(constant, labels) == 0.5
    assert balanced_accuracy(constant, labels) == 0.5
    assert average_precision(constant, labels) == pytest.approx(0.4)


@pytest.mark.parametrize("metric", [roc_auc, average_precision, balanced_accuracy])
def test_an_empty_class_is_undefined(metric):
    assert np.isnan(metric([0.1, 0.9], [0, 0]))
    assert np.isnan(metric([0.1, 0.9], [True, True]))
    assert np.isnan(metric([], []))
    rows = metric([0.1, 0.9], [[0, 1], [1, 1]])
    assert rows[0] == 1 and np.isnan(rows[1])


@pytest.mark.parametrize("metric", [roc_auc, average_precision, balanced_accuracy])
def test_labels_that_are_no_classes_are_refused(metric):
    with pytest.raises(ValueError, match="1 values that are neither 0 nor 1, the first is 2"):
        metric([0.1, 0.9, 0.3], [0, 1, 2])
    with pytest.raises(ValueError, match="labels has 1 NaN"):
        metric([0.1, 0.9], [0, np.nan])
    with pytest.raises(ValueError, match="prediction has 1 NaN"):
        metric([np.nan, 0.9], [0, 1])
    with pytest.raises(ValueError, match="3 values and target 2"):
        metric([0.1, 0.2, 0.9], [0, 1])
