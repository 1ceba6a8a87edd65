"""Correlation between predicted and true values: Pearson and Spearman."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import finite, finite_pair, selected


def pearson(prediction: ArrayLike, target: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """Return the Pearson correlation coefficient along one axis.

    rho = sum_i (x_i - <x>)(y_i - <y>) / sqrt(sum_i (x_i - <x>)^2 sum_i (y_i - <y>)^2)

    Computed in float64 on values shifted by the first one, so that a large
    offset costs no digits.

    Parameters
    ----------
    prediction, target : arrays (..., N, ...), particles on `axis`, any unit;
        the other dimensions broadcast

    Returns
    -------
    array (...) in [-1, 1], dimensionless. It is NaN, undefined, where the
    prediction or the target is constant (all values equal, which includes one
    particle) and where there is no particle.

    References
    ----------
    Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 15.

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


def pearson_by_configuration(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    masks: Sequence[ArrayLike] | None = None,
) -> NDArray[np.float64]:
    """Return the Pearson correlation of each configuration on its selected particles.

    Parameters
    ----------
    predictions, targets : arrays (..., N_c), one for each configuration; the
        leading dimensions are the same for all
    masks : boolean arrays (N_c,), or None for all particles

    Returns
    -------
    array (..., configurations); NaN where undefined, see `pearson`

    >>> from glassbench.metrics import pearson_by_configuration
    >>> pearson_by_configuration([[1, 2, 3], [3, 2, 1]], [[0, 1, 5], [0, 1, 5]]).round(3)
    array([ 0.945, -0.945])
    """
    return evaluate_by_configuration(pearson, predictions, targets, masks)


def evaluate_by_configuration(function, predictions, targets, masks=None) -> NDArray[np.float64]:
    """Return `function(prediction, target)` of each configuration: array (..., configurations)."""
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


def pooled_pearson(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    masks: Sequence[ArrayLike] | None = None,
) -> NDArray[np.float64]:
    """Return the Pearson correlation over the selected particles of all configurations at once.

    Unlike the mean over configurations, it also counts differences between the
    means of configurations. Arguments and errors as `pearson_by_configuration`;
    returns an array (...).
    """
    return pearson(*pool(predictions, targets, masks))


def midranks(values: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """Return ranks from 1 to N along one axis; equal values share the mean of their ranks."""
    from scipy.stats import rankdata

    return rankdata(finite("values", values), method="average", axis=axis)


def spearman(prediction: ArrayLike, target: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """Return the Spearman correlation: Pearson between mid-ranks.

    Shapes, undefined cases and errors as `pearson`.
    """
    prediction, target = finite_pair(prediction, target, axis)
    return pearson(midranks(prediction), midranks(target))


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
