"""Statistics of runs: whether an energy still moves, and vibrations about the mean position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

DEVIATIONS = 4.0


@dataclass(frozen=True)
class Trend:
    """Later minus earlier, over independent samples; the error of one sample is None.

    It moves where the mean differs from zero as surely as by four standard errors of a normal
    distribution; few samples know their own error badly, which Student's t allows for.
    """

    mean: float
    error: float | None
    moves: bool

    def __str__(self) -> str:
        error = "unknown" if self.error is None else f"{self.error:.4f}"
        return f"{self.mean:.4f} +- {error}"


def trend_of(values: np.ndarray) -> Trend:
    """Return the trend of values (samples, times): second half minus first half of the times."""
    from scipy.stats import norm, t

    half = values.shape[1] // 2
    changes = values[:, half:].mean(axis=1) - values[:, :half].mean(axis=1)
    mean = float(changes.mean())
    if len(changes) < 2:
        return Trend(mean, None, moves=False)
    error = float(changes.std(ddof=1) / np.sqrt(len(changes)))
    limit = t.isf(norm.sf(DEVIATIONS), len(changes) - 1)
    return Trend(mean, error, moves=bool(abs(mean) > limit * error))


def mean_and_variance(displacements: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return <u> (N, d) and <|u - <u>|^2> (N,) over samples of displacements u (N, d)."""
    total, squares, samples = np.zeros(1), np.zeros(1), 0
    for moved in displacements:
        total, squares = total + moved, squares + (moved**2).sum(axis=1)
        samples += 1
    mean = total / samples
    return mean, squares / samples - (mean**2).sum(axis=1)
