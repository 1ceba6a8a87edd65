"""Correlation between predicted and true values, and the best that noisy averages allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import finite, finite_pair, selected


def pearson(prediction: ArrayLike, target: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """Return the Pearson correlation coefficient along one axis.

    rho = sum_i (x_i - <x>)(y_i - <y>) / sqrt(sum_i (x_i - <x>)^2 sum_i (y_i - <y>)^2)

    Prediction and target are arrays (..., N, ...) in any unit, particles on `axis`; the other
    dimensions broadcast. Computed in float64 on values shifted by the first one, so that a large
    offset costs no digits. Returns an array (...) in [-1, 1]; NaN where the prediction or the
    target is constant, which includes one particle, and where there is no particle.
    Source: Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 15.

    >>> from glassbench.metrics import pearson
    >>> print(pearson([1.0, 2.0, 4.0], [1.0, 3.0, 5.0]).round(3))
    0.982
    >>> print(pearson([2.0, 2.0, 2.0], [1.0, 3.0, 5.0]))
    nan
    """
    prediction, target = finite_pair(prediction, target, axis)
    if prediction.shape[-1] == 0:
        shape = np.broadcast_shapes(prediction.shape, target.shape)[:-1]
        return np.full(shape, np.nan)[()]
    first, first_constant = _unit_deviations(prediction)
    second, second_constant = _unit_deviations(target)
    rho = np.clip(np.sum(first * second, axis=-1), -1.0, 1.0)
    return np.where(first_constant | second_constant, np.nan, rho)[()]


def evaluate_by_configuration(function, predictions, targets, masks=None) -> NDArray[np.float64]:
    """Return `function(prediction, target)` of each configuration: array (..., configurations).

    Predictions and targets are arrays (..., N_c), one for each configuration, masks boolean (N_c,).
    """
    values = []
    for index, (prediction, target) in enumerate(selected(predictions, targets, masks)):
        try:
            values.append(function(prediction, target))
        except ValueError as error:
            raise ValueError(f"configuration {index}: {error}") from error
    if not values:
        raise ValueError("no configuration to score: give one at least")
    shapes = [np.shape(value) for value in values]
    if len(set(shapes)) != 1:
        raise ValueError(f"leading dimensions differ between configurations: {shapes}")
    return np.stack(values, axis=-1)


def pool(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    masks: Sequence[ArrayLike] | None = None,
) -> tuple[NDArray, NDArray]:
    """Return the selected values of all configurations in one: two arrays (..., sum of N_c)."""
    parts = list(selected(predictions, targets, masks))
    if not parts:
        raise ValueError("no configuration to pool: give one at least")
    first, second = zip(*parts, strict=True)
    return np.concatenate(first, axis=-1), np.concatenate(second, axis=-1)


def midranks(values: ArrayLike) -> NDArray[np.float64]:
    """Return ranks from 1 to N along the last axis; equal values share the mean of their ranks."""
    from scipy.stats import rankdata

    return rankdata(finite("values", values), method="average", axis=-1)


def spearman(prediction: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the Spearman correlation along the last axis: Pearson between mid-ranks.

    Shapes, undefined cases and errors as `pearson`.

    >>> from glassbench.metrics import spearman
    >>> print(spearman([1.0, 2.0, 4.0], [1.0, 3.0, 100.0]).round(3))
    1.0
    """
    prediction, target = finite_pair(prediction, target)
    return pearson(midranks(prediction), midranks(target))


def reliability(split_half: ArrayLike) -> NDArray[np.float64]:
    """Return the Spearman-Brown reliability of the average over both halves, 2 r_h / (1 + r_h).

    `split_half` (...) is the Pearson correlation r_h between the two half-ensemble averages.
    Returns an array (...) in [0, 1]. A negative or undefined r_h gives NaN: halves that do not
    agree show no repeatable signal, and the formula has no meaning there.
    Source: Spearman, Br. J. Psychol. 3, 271 (1910); Brown, ibid. 296.
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

    A full average y = s + n with signal s and independent noise n has reliability
    R = var(s) / var(y), and the perfect model s correlates with y at sqrt(R). The halves are
    arrays (..., N), the target averaged over each half of the trajectories, in any unit.
    Returns an array (...) in [0, 1]; NaN where r_h is negative or undefined.

    >>> import numpy as np
    >>> from glassbench.metrics import noise_ceiling
    >>> generator = np.random.default_rng(0)
    >>> truth = generator.normal(size=100_000)
    >>> halves = truth + generator.normal(size=(2, 100_000))  # each half: as much noise as signal
    >>> print(noise_ceiling(*halves).round(2))  # sqrt(2/3): the noise of the full average is half
    0.82
    """
    return np.sqrt(reliability(pearson(first_half, second_half, axis)))


def _unit_deviations(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return deviations from the mean over their norm, and where the values are constant."""
    # Powers of two scale exactly, so neither step costs a digit and no square overflows.
    values = _scale_to_one(values)
    deviations = values - values[..., :1]
    constant = cast(NDArray[np.bool_], ~deviations.any(axis=-1))
    deviations = _scale_to_one(deviations)
    deviations = deviations - deviations.mean(axis=-1, keepdims=True)
    norm = np.sqrt(np.sum(deviations**2, axis=-1, keepdims=True))
    return deviations / np.where(constant[..., None], 1.0, norm), constant


def _scale_to_one(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values times the power of two that brings the largest to [0.5, 1)."""
    _, exponent = np.frexp(np.abs(values).max(axis=-1, keepdims=True))
    return np.ldexp(values, -exponent)
