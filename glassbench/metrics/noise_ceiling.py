"""The best correlation that noisy isoconfigurational averages allow to any model."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .correlation import pearson


def reliability(split_half: ArrayLike) -> NDArray[np.float64]:
    """Return the Spearman-Brown reliability of the average over both halves.

    R = 2 r_h / (1 + r_h)

    Parameters
    ----------
    split_half : array (...), Pearson correlation r_h between the two half-ensemble averages

    Returns
    -------
    array (...) in [0, 1]. A negative or undefined r_h gives NaN: halves that do
    not agree show no repeatable signal, and the formula has no meaning there.

    References
    ----------
    Spearman, Br. J. Psychol. 3, 271 (1910); Brown, ibid. 296.
    """
    split_half = np.asarray(split_half, dtype=np.float64)
    outside = split_half[np.abs(split_half) > 1]
    if outside.size:
        raise ValueError(f"split-half correlation {outside.flat[0]} lies outside [-1, 1]")
    valid = np.where(split_half >= 0, split_half, np.nan)
    return (2 * valid / (1 + valid))[()]


def noise_ceiling(
    first_half: ArrayLike, second_half: ArrayLike, axis: int = -1
) -> NDArray[np.float64]:
    """Return the highest Pearson correlation that a model can reach in expectation.

    c = sqrt(2 r_h / (1 + r_h)), r_h = Pearson between the two half-ensemble averages

    A full average y = s + n with signal s and independent noise n has
    reliability R = var(s) / var(y), and the perfect model s correlates with y
    at sqrt(R).

    Parameters
    ----------
    first_half, second_half : arrays (..., N), the target averaged over each
        half of the trajectories, any unit

    Returns
    -------
    array (...) in [0, 1]; NaN where r_h is negative or undefined

    >>> import numpy as np
    >>> from glassbench.metrics import noise_ceiling
    >>> generator = np.random.default_rng(0)
    >>> truth = generator.normal(size=100_000)
    >>> halves = truth + generator.normal(size=(2, 100_000))  # each half: as much noise as signal
    >>> print(noise_ceiling(*halves).round(2))  # sqrt(2/3): the noise of the full average is half
    0.82
    """
    return np.sqrt(reliability(pearson(first_half, second_half, axis)))
