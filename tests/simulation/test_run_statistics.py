"""A trend is told from noise, with few samples as with many."""

import numpy as np
import pytest

from glassbench.simulation.run_statistics import trend_of


def noise(samples: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(samples, 10))


@pytest.mark.parametrize("samples", [2, 3, 10])
def test_noise_does_not_move(samples):
    assert not any(trend_of(noise(samples, seed)).moves for seed in range(300))


def test_a_step_moves():
    values = noise(10, 0)
    values[:, 5:] -= 3.0
    trend = trend_of(values)
    assert trend.moves and trend.mean == pytest.approx(-3.0, abs=0.5)
    assert trend.error == pytest.approx(np.sqrt(2 / 5 / 10), rel=0.6)
    assert str(trend).startswith("-") and "+-" in str(trend)


def test_one_sample_has_no_error_and_says_nothing():
    trend = trend_of(noise(1, 0) + np.arange(10))
    assert trend.error is None and not trend.moves
