"""Ridge regression: closed forms, limits, and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from glassbench.regression import Group, Moments, choose_strength, correlations, merge, ridge

GENERATOR = np.random.default_rng(0)
FEATURES = GENERATOR.normal(size=(200, 4)) * [1, 10, 0.1, 1] + [0, 100, 0, -5]
SLOPES = np.array([0.5, -0.02, 3.0, 0.0])
TARGET = FEATURES @ SLOPES + 7 + 0.3 * GENERATOR.normal(size=200)


@pytest.mark.parametrize("strength", [0.0, 0.01, 1.0, 50.0])
def test_equals_scikit_learn_on_standardised_features(strength):
    standard = (FEATURES - FEATURES.mean(axis=0)) / FEATURES.std(axis=0)
    peer = Ridge(alpha=strength * len(TARGET)).fit(standard, TARGET)
    (ours,) = ridge(Moments.of(FEATURES, TARGET), [strength])
    np.testing.assert_allclose(ours(FEATURES), peer.predict(standard), rtol=1e-10)


def test_a_linear_target_is_recovered():
    exact = FEATURES @ SLOPES + 7
    (ours,) = ridge(Moments.of(FEATURES, exact), [0.0])
    np.testing.assert_allclose(ours.slopes, SLOPES, atol=1e-9)
    assert ours.intercept == pytest.approx(7, abs=1e-9)


def test_a_strong_penalty_leaves_the_mean():
    (ours,) = ridge(Moments.of(FEATURES, TARGET), [1e9])
    np.testing.assert_allclose(ours(FEATURES), TARGET.mean(), atol=1e-6)


def test_units_of_features_do_not_matter():
    scale = np.array([1e6, 1e-6, 3.0, 1.0])
    (ours,) = ridge(Moments.of(FEATURES, TARGET), [0.3])
    (scaled,) = ridge(Moments.of(FEATURES * scale, TARGET), [0.3])
    np.testing.assert_allclose(scaled(FEATURES * scale), ours(FEATURES), rtol=1e-9)


def test_constant_and_repeated_features_are_harmless():
    constant = np.full((200, 1), 0.1)
    wide = np.concatenate([FEATURES, constant, FEATURES[:, :1]], axis=1)
    (narrow_fit,) = ridge(Moments.of(FEATURES, TARGET), [0.0])
    (wide_fit,) = ridge(Moments.of(wide, TARGET), [0.0])
    assert wide_fit.slopes[4] == 0
    assert wide_fit.slopes[0] == pytest.approx(wide_fit.slopes[5])
    np.testing.assert_allclose(wide_fit(wide), narrow_fit(FEATURES), rtol=1e-9)


def test_correlations_from_moments_equal_those_from_samples():
    maps = ridge(Moments.of(FEATURES[:100], TARGET[:100]), [0.0, 1.0, 30.0])
    measured = correlations(maps, Moments.of(FEATURES[100:], TARGET[100:]))
    direct = [np.corrcoef(each(FEATURES[100:]), TARGET[100:])[0, 1] for each in maps]
    np.testing.assert_allclose(measured, direct, rtol=1e-10)


def test_a_constant_prediction_is_never_preferred():
    flat = Moments.of(np.zeros((5, 2)), np.arange(5.0))
    assert correlations(ridge(flat, [0.0]), flat).tolist() == [-1.0]


def test_the_strength_follows_the_noise():
    """With 40 features of noise and little data a strong penalty predicts better, and is chosen."""
    generator = np.random.default_rng(3)

    def group(noise):
        features = generator.normal(size=(12, 41))
        target = features[:, 0] + noise * generator.normal(size=12)
        return Group.of(Moments.of(features, target))

    strengths = [1e-6, 1e-3, 1.0, 10.0]
    clean, _ = choose_strength([group(0.0) for _ in range(5)], None, strengths)
    noisy, score = choose_strength([group(1.0) for _ in range(5)], None, strengths)
    assert clean == 1e-6
    assert noisy >= 1.0
    assert 0 < score < 0.8


def test_validation_alone_can_choose():
    features = np.random.default_rng(5).normal(size=(60, 2))
    fitted = Group.of(Moments.of(features[:30], features[:30, 0]))
    held_out = Group.of(Moments.of(features[30:], features[30:, 0]))
    assert choose_strength([fitted], held_out, [0.0, 100.0])[0] == 0.0
    with pytest.raises(ValueError, match="more configurations or a single strength"):
        choose_strength([fitted], None, [0.0, 100.0])


def test_groups_grow_without_keeping_configurations():
    parts = [Moments.of(FEATURES[k::4] + k, TARGET[k::4]) for k in range(4)]
    group = Group.of(parts[0])
    for part in parts[1:]:
        group = group.with_configuration(part)
    np.testing.assert_allclose(group.merged.scatter, merge(parts).scatter, rtol=1e-9)
    np.testing.assert_allclose(group.within.scatter, sum(part.scatter for part in parts))


def test_a_negative_strength_is_refused():
    with pytest.raises(ValueError, match="ridge strength -1"):
        ridge(Moments.of(FEATURES, TARGET), [-1])
