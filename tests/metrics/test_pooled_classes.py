"""Bootstrap intervals of pooled classification scores."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from glassbench.metrics import (
    average_precision,
    balanced_accuracy,
    interval_of_pooled_classes,
    interval_of_statistic,
    roc_auc,
)

FUNCTIONS = {
    "balanced_accuracy": balanced_accuracy,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def _configurations(seed: int, decimals: int = 12):
    """Return predictions, labels and masks of six configurations; few decimals make ties."""
    rng = np.random.default_rng(seed)
    labels = [rng.random(n) < 0.2 for n in (30, 25, 40, 35, 20, 45)]
    guesses = [np.round(0.4 * label + rng.random(len(label)), decimals) for label in labels]
    masks = [rng.random(len(label)) < 0.9 for label in labels]
    return guesses, labels, masks


@pytest.mark.parametrize("decimals", [12, 1])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_counts_give_the_same_as_passes_over_all_particles(name, decimals):
    guesses, labels, masks = _configurations(1, decimals)
    clusters = ["a", "a", "b", "c", "d", "d"]

    def statistic(index):
        pooled = [
            np.concatenate([np.asarray(part[i])[masks[i]] for i in index])
            for part in (guesses, labels)
        ]
        return FUNCTIONS[name](*pooled)

    slow = interval_of_statistic(statistic, clusters, draws=300)
    fast = interval_of_pooled_classes(name, guesses, labels, clusters, masks, draws=300)
    for end in ("mean", "low", "high", "undefined"):
        assert getattr(fast, end) == pytest.approx(getattr(slow, end), abs=1e-12)
    assert fast.low < fast.mean < fast.high


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_class_that_a_draw_lacks_leaves_it_undefined(name):
    guesses = [np.array([0.1, 0.9, 0.6]), np.array([0.2, 0.7, 0.1]), np.array([0.3, 0.4, 0.2])]
    labels = [np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([0, 0, 0])]
    interval = interval_of_pooled_classes(name, guesses, labels, [0, 1, 2], draws=2000)
    assert interval.undefined / 2000 == pytest.approx(1 / 27, abs=0.02)
    none = interval_of_pooled_classes(name, guesses, [0 * one for one in labels], [0, 1, 2])
    assert np.isnan([none.mean, none.low, none.high]).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_cluster_has_a_value_and_no_interval(name):
    guesses, labels, masks = _configurations(2)
    interval = interval_of_pooled_classes(name, guesses, labels, [0] * 6, masks)
    assert 0 < interval.mean < 1 and np.isnan(interval.low)


def test_the_threshold_is_that_of_the_metric():
    guesses, labels, _ = _configurations(3)
    loose = interval_of_pooled_classes(
        "balanced_accuracy", guesses, labels, range(6), draws=50, threshold=0.8
    )
    pooled = np.concatenate(guesses), np.concatenate(labels)
    assert loose.mean == pytest.approx(balanced_accuracy(*pooled, threshold=0.8))


def test_what_does_not_fit_is_refused():
    guesses, labels, _ = _configurations(4)
    with pytest.raises(ValueError, match="6 configurations and cluster labels"):
        interval_of_pooled_classes("roc_auc", guesses, labels, [0, 1])
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        interval_of_pooled_classes("roc_auc", guesses, guesses, range(6))
    with pytest.raises(ValueError, match="one condition"):
        interval_of_pooled_classes("roc_auc", [np.ones((2, 3))], [np.ones((2, 3))], [0])
