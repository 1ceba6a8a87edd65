"""The noise ceiling: Spearman-Brown by hand, and a simulation with known variances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glassbench.metrics import (
    noise_ceiling,
    pearson,
    reliability,
)


def test_spearman_brown_by_hand():
    np.testing.assert_allclose(reliability([0.0, 0.5, 1.0]), [0.0, 2 / 3, 1.0], rtol=1e-15)


def test_published_split_half_values_give_the_published_reliability():
    # Kob-Andersen, T = 0.44, t = 4120: r_h of 0.51 to 0.82 is a reliability of 0.68 to 0.90.
    np.testing.assert_allclose(reliability([0.51, 0.82]), [0.68, 0.90], atol=0.005)


def test_halves_that_disagree_have_no_reliability():
    assert np.isnan(reliability(-0.01))
    assert np.isnan(reliability(np.nan))
    with pytest.raises(ValueError, match="1.2 lies outside"):
        reliability([0.3, 1.2])


def test_ceiling_is_the_correlation_of_the_perfect_model():
    # Signal variance 1, noise variance 2 in each half: reliability of the mean
    # is 1 / (1 + 1), ceiling sqrt(1/2), and the true signal scores just that.
    rng = np.random.default_rng(0)
    signal = rng.normal(size=200_000)
    halves = signal + np.sqrt(2) * rng.normal(size=(2, signal.size))
    ceiling = noise_ceiling(*halves)
    assert ceiling == pytest.approx(np.sqrt(0.5), abs=0.01)
    assert pearson(signal, halves.mean(axis=0)) == pytest.approx(ceiling, abs=0.01)


def test_no_model_beats_the_ceiling_of_the_full_average_but_the_half_is_lower():
    rng = np.random.default_rng(1)
    signal = rng.normal(size=100_000)
    halves = signal + rng.normal(size=(2, signal.size))
    assert pearson(*halves) < pearson(signal, halves[0]) < noise_ceiling(*halves)


def test_equal_halves_have_the_ceiling_one_and_a_constant_half_none():
    x = np.arange(10.0)
    assert noise_ceiling(x, x) == pytest.approx(1.0)
    assert np.isnan(noise_ceiling(np.ones(10), x))
    assert np.isnan(noise_ceiling(x, -x))


def test_conditions_are_computed_at_once():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=100) + 0.3 * rng.normal(size=(2, 4, 100))
    expected = [noise_ceiling(a, b) for a, b in zip(first, second)]
    np.testing.assert_allclose(noise_ceiling(first, second), expected, rtol=1e-14)


def test_ceilings_of_the_published_configurations():
    # Shiba et al., T = 0.44, t = 4120, type A, 16 trajectories in each half; which 16
    # form a half moves the figures by a hundredth or two.
    checkout = Path(__file__).resolve().parents[2]
    folders = [root / "shared/data/botan_small" for root in (checkout, checkout.parent)]
    files = [file for folder in folders for file in sorted(folder.rglob("isoconfig_*.npz"))]
    if not files:
        pytest.skip("the published data, shared/data/botan_small, are not here")
    split_half, ceilings = [], []
    for file in files:
        with np.load(file) as data:
            type_a = data["types"] == 0
            moved = data["positions"] - data["initial_positions"]
        distances = np.linalg.norm(moved, axis=-1)[:, type_a]
        halves = distances[:16].mean(axis=0), distances[16:].mean(axis=0)
        split_half.append(pearson(*halves))
        ceilings.append(noise_ceiling(*halves))
    assert min(split_half) == pytest.approx(0.51, abs=0.02)
    assert max(split_half) == pytest.approx(0.82, abs=0.02)
    assert np.mean(split_half) == pytest.approx(0.73, abs=0.02)
    assert min(ceilings) == pytest.approx(0.82, abs=0.02)
    assert max(ceilings) == pytest.approx(0.95, abs=0.02)
