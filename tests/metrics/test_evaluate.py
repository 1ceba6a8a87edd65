"""Scores of sets of configurations by a task's metric."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.metrics import (
    MetricSpecification,
    c_rank,
    interval_of_mean,
    pearson,
    score_configurations,
    score_interval,
    select_particles,
    spatially_averaged_pearson,
    spearman,
)
from glassbench.metrics.correlation import pool
from glassbench.metrics.regression import rmse


def _metric(**words):
    return MetricSpecification(**{"name": "m", "function": "pearson", "target": "t", **words})


def _data(seed: int = 0, sizes=(300, 320, 310)):
    rng = np.random.default_rng(seed)
    targets = [i + rng.normal(size=n) for i, n in enumerate(sizes)]
    predictions = [t + rng.normal(size=len(t)) for t in targets]
    species = [(rng.random(n) < 0.2).astype(np.int8) for n in sizes]
    return predictions, targets, species


def test_per_configuration_then_mean():
    predictions, targets, species = _data()
    metric = _metric(particles="type_a")
    masks = [select_particles(metric, s) for s in species]
    scores = score_configurations(metric, predictions, targets, masks)
    expected = [pearson(p[m], t[m]) for p, t, m in zip(predictions, targets, masks)]
    np.testing.assert_array_equal(scores.by_configuration, expected)
    assert scores.value == pytest.approx(np.mean(expected))


def test_pooled_over_all_particles():
    predictions, targets, species = _data()
    masks = [s == 0 for s in species]
    scores = score_configurations(_metric(average="pooled"), predictions, targets, masks)
    assert scores.value == pearson(*pool(predictions, targets, masks))
    assert scores.value > scores.by_configuration.mean() + 0.05


def test_rank_order_of_sample_means_across_cooling_rates():
    # Worthless within a sample, and offset, yet in the right order between samples.
    rng = np.random.default_rng(1)
    targets = [k + 0.1 * rng.normal(size=500) for k in (0.7, 0.8, 0.9, 1.0)]
    predictions = [2 * t.mean() + 0.1 * rng.normal(size=500) for t in targets]
    metric = _metric(function="spearman", average="sample_means")
    scores = score_configurations(metric, predictions, targets)
    assert scores.value == pytest.approx(1)
    assert (np.abs(scores.by_configuration) < 0.2).all()
    interval = score_interval(metric, predictions, targets, range(4), draws=200)
    assert interval.mean == pytest.approx(1) and interval.low == pytest.approx(1)


def test_sample_means_of_equal_samples_are_undefined():
    constant = [np.full(n, 0.1) for n in (999, 1000, 1001)]
    targets = _data(sizes=(999, 1000, 1001))[1]
    metric = _metric(function="spearman", average="sample_means")
    assert np.isnan(score_configurations(metric, constant, targets).value)
    with pytest.raises(ValueError, match="configuration 0: no particle is selected"):
        score_configurations(metric, constant, targets, [np.zeros(len(t), bool) for t in targets])


def test_options_reach_the_function():
    predictions, targets, _ = _data()
    metric = _metric(function="c_rank", options={"fraction": 0.1})
    expected = [c_rank(p, t, 0.1) for p, t in zip(predictions, targets)]
    np.testing.assert_array_equal(
        score_configurations(metric, predictions, targets).by_configuration, expected
    )


def test_fields_averaged_in_space_need_their_structures():
    predictions, targets, species = _data()
    rng = np.random.default_rng(2)
    box = np.full(3, 8.0)
    structures = [(rng.uniform(size=(len(t), 3)) * box, box) for t in targets]
    masks = [s == 0 for s in species]
    metric = _metric(function="spatially_averaged_pearson", options={"radius": 2.0})
    scores = score_configurations(metric, predictions, targets, masks, structures)
    expected = [
        spatially_averaged_pearson(p[m], t[m], positions[m], box, 2.0)
        for p, t, m, (positions, box) in zip(predictions, targets, masks, structures)
    ]
    np.testing.assert_array_equal(scores.by_configuration, expected)
    everything = score_configurations(metric, predictions, targets, structures=structures)
    assert everything.value != scores.value
    interval = score_interval(metric, predictions, targets, range(3), masks, structures)
    assert interval.mean == pytest.approx(scores.value)
    with pytest.raises(ValueError, match="needs positions and box of each of 3 configurations"):
        score_configurations(metric, predictions, targets, masks)


def test_one_undefined_configuration_leaves_the_mean_undefined_and_is_counted():
    predictions, targets, _ = _data()
    predictions[1] = np.full_like(predictions[1], 0.25)
    scores = score_configurations(_metric(), predictions, targets)
    assert np.isnan(scores.value) and np.isnan(scores.by_configuration).sum() == 1
    np.testing.assert_array_equal(np.isnan(scores.by_configuration), [False, True, False])
    interval = score_interval(_metric(), predictions, targets, range(3))
    assert np.isnan([interval.mean, interval.low, interval.high]).all() and interval.undefined == 1


def test_an_empty_selection_is_undefined():
    predictions, targets, _ = _data()
    masks = [np.zeros(len(t), bool) for t in targets]
    for average in ("configuration", "pooled"):
        assert np.isnan(
            score_configurations(_metric(average=average), predictions, targets, masks).value
        )


def test_intervals_belong_to_their_average():
    predictions, targets, species = _data(sizes=(60, 70, 80, 65))
    masks, clusters = [s == 0 for s in [*species]], list("aabc")
    mean = score_interval(_metric(), predictions, targets, clusters, masks, draws=300)
    values = score_configurations(_metric(), predictions, targets, masks).by_configuration
    assert mean == interval_of_mean(values, clusters, draws=300)
    for function, expected in (
        ("pearson", pearson(*pool(predictions, targets, masks))),
        ("rmse", rmse(*(np.concatenate([v[m] for v, m in zip(side, masks)])
                        for side in (predictions, targets)))),
    ):  # fmt: skip
        metric = _metric(function=function, average="pooled")
        pooled = score_interval(metric, predictions, targets, clusters, masks, draws=300)
        assert pooled.mean == pytest.approx(expected)
        assert pooled.low < expected < pooled.high


def test_sample_means_may_be_ranked_like_spearman_by_hand():
    predictions = [np.array([1.0, 3.0]), np.array([0.0, 2.0]), np.array([5.0, 7.0])]
    targets = [np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.array([2.0, 4.0])]
    metric = _metric(function="spearman", average="sample_means")
    value = score_configurations(metric, predictions, targets).value
    assert value == pytest.approx(spearman([2, 1, 6], [0, 1, 3])) == pytest.approx(0.5)


def test_predictions_that_are_not_finite_or_do_not_fit_are_refused():
    predictions, targets, _ = _data()
    broken = [predictions[0], np.where(targets[1] > 0, np.nan, 0.0), predictions[2]]
    with pytest.raises(ValueError, match="configuration 1: prediction has [0-9]+ NaN"):
        score_configurations(_metric(), broken, targets)
    with pytest.raises(ValueError, match="numbers of configurations differ"):
        score_configurations(_metric(), predictions[:2], targets)
    with pytest.raises(ValueError, match="one condition at a time"):
        score_configurations(_metric(), [np.ones((2, 5))], [np.ones(5)])
