"""How far predicted values lie from the true ones, particle by particle and coarse-grained."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import finite, finite_pair
from .correlation import pearson


def mse(prediction: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the mean squared error over the last axis, in the squared unit of the target.

    Prediction and target are arrays (..., N) in the same unit; NaN where there is no particle.
    """
    prediction, target = finite_pair(prediction, target)
    return _mean((prediction - target) ** 2)


def rmse(prediction: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the root of the mean squared error, in the unit of the target; see `mse`.

    >>> from glassbench.metrics import rmse
    >>> print(rmse([1.0, 2.0], [1.0, 4.0]).round(3))
    1.414
    """
    return np.sqrt(mse(prediction, target))


def mae(prediction: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the mean absolute error, in the unit of the target; see `mse`."""
    prediction, target = finite_pair(prediction, target)
    return _mean(np.abs(prediction - target))


def mean_error(prediction: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of prediction minus target, in the unit of the target; see `mse`.

    Positive where the prediction is too high on average: it is an offset, not a score, and
    neither larger nor smaller is better.
    """
    prediction, target = finite_pair(prediction, target)
    return _mean(prediction - target)


def r2(prediction: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the coefficient of determination.

    R2 = 1 - sum (y - x)^2 / sum (y - <y>)^2 for prediction x and target y

    At most 1, and 0 for the mean of the target, so that it is defined for a
    constant prediction; NaN where the target is constant, which includes one
    particle, and where there is no particle. Arguments and errors as `mse`.

    >>> from glassbench.metrics import r2
    >>> print(r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]).round(3))
    0.786
    """
    prediction, target = finite_pair(prediction, target)
    if target.shape[-1] == 0:
        return _mean(prediction - target)
    shifted = target - target[..., :1]
    spread = np.sum((shifted - shifted.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
    spread = np.where(shifted.any(axis=-1), spread, np.nan)
    return (1 - np.sum((prediction - target) ** 2, axis=-1) / spread)[()]


def binned_pearson(
    prediction: ArrayLike, target: ArrayLike, bin_size: int = 100
) -> NDArray[np.float64]:
    """Return the Pearson correlation between bin means after sorting by the true value.

    Bins hold `bin_size` particles each; the highest one also takes the remainder. Equal true
    values stay in the order of the particles. Prediction and target are arrays (..., N) in any
    unit; NaN with fewer than two bins, and where `pearson` is.
    Source: Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), Fig. 3.
    """
    return pearson(*bin_means(prediction, target, bin_size))


def binned_slope(
    prediction: ArrayLike, target: ArrayLike, bin_size: int = 100
) -> NDArray[np.float64]:
    """Return the least-squares slope of the binned prediction against the binned target.

    One is a prediction in the right scale, below one a prediction drawn
    towards its mean. Bins as in `binned_pearson`. NaN with fewer than two bins
    or equal bin means of the target; a constant prediction has the slope 0.
    """
    first, second = bin_means(prediction, target, bin_size)
    if second.shape[-1] == 0:
        return np.full(second.shape[:-1], np.nan)[()]
    shifted = second - second[..., :1]
    deviation = shifted - shifted.mean(axis=-1, keepdims=True)
    spread = np.where(shifted.any(axis=-1), np.sum(deviation**2, axis=-1), np.nan)
    return (np.sum(first * deviation, axis=-1) / spread)[()]


def binned_pearson_of_binning(
    prediction: ArrayLike, target: ArrayLike, bin_size: int = 100
) -> NDArray[np.float64]:
    """Return the binned Pearson correlation that binning alone gives at this correlation.

    r s / sqrt(r^2 s^2 + (1 - r^2) <1/n> (1 - 1/B))

    Expected for a prediction x = r y + sqrt(1 - r^2) e of the standardised target y, whose
    error e is independent of it: r is the Pearson correlation of the particles, s^2 the
    variance of the B bin means of y, n the particles of a bin. A binned correlation near it says
    no more than the correlation of the particles does.

    Parameters, bins and errors as `binned_pearson`; NaN also where `pearson` is.
    """
    prediction, target = np.broadcast_arrays(*finite_pair(prediction, target))
    r = np.asarray(pearson(prediction, target))
    _, means = bin_means(target, target, bin_size)
    bins, total = means.shape[-1], target.shape[-1]
    if bins < 2:
        return np.full(r.shape, math.nan)[()]
    counts = np.full(bins, int(bin_size))
    counts[-1] += total - counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.var(means, axis=-1) / np.var(target, axis=-1)
    noise = (1 - r**2) * np.mean(1 / counts) * (1 - 1 / bins)
    return (r * np.sqrt(spread) / np.sqrt(r**2 * spread + noise))[()]


def bin_means(
    prediction: ArrayLike, target: ArrayLike, bin_size: int = 100
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means of prediction and target in bins along the true value: two (..., bins)."""
    if bin_size < 1 or bin_size != int(bin_size):
        raise ValueError(f"bin_size {bin_size} is not a whole number of particles, one at least")
    prediction, target = np.broadcast_arrays(*finite_pair(prediction, target))
    total, size = target.shape[-1], int(bin_size)
    starts = np.arange(total // size) * size
    if len(starts) == 0:
        return np.empty((*target.shape[:-1], 0)), np.empty((*target.shape[:-1], 0))
    counts = np.diff(np.append(starts, total))
    order = np.argsort(target, axis=-1, kind="stable")

    def average(values: NDArray[np.float64]) -> NDArray[np.float64]:
        ordered = np.take_along_axis(values, order, axis=-1)
        # Relative to the first value, so that a constant stays one to the last digit.
        origin = ordered[..., :1]
        return origin + np.add.reduceat(ordered - origin, starts, axis=-1) / counts

    return average(prediction), average(target)


def spatially_averaged_pearson(
    prediction: ArrayLike,
    target: ArrayLike,
    positions: ArrayLike,
    box: ArrayLike,
    radius: float = 6.0,
) -> NDArray[np.float64]:
    """Return the Pearson correlation after averaging both fields within a radius.

    Returns an array (...); undefined cases as `pearson`.

    Source: Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), Fig. 5: 6 Å.

    Parameters
    ----------
    prediction, target : arrays (..., N), any unit
    positions : array (N, d), length unit of the system, anywhere in space
    box : array (d,), edges of the periodic orthorhombic box
    radius : in the same unit, at most half the shortest edge
    """
    prediction, target = finite_pair(prediction, target)
    if target.shape[-1] == 0:
        return pearson(prediction, target)
    neighbours = _within(positions, box, radius, target.shape[-1])
    return pearson(_average(neighbours, prediction), _average(neighbours, target))


def spatial_average(
    values: ArrayLike, positions: ArrayLike, box: ArrayLike, radius: float
) -> NDArray[np.float64]:
    """Return the mean (..., N) of each particle's value and those of its neighbours in a radius.

    Positions, box and radius as `spatially_averaged_pearson`.
    """
    values = finite("values", values)
    if values.shape[-1] == 0:
        return values
    return _average(_within(positions, box, radius, values.shape[-1]), values)


def _within(positions: ArrayLike, box: ArrayLike, radius: float, total: int):
    """Return the sparse matrix (N, N) that is one where two particles lie within the radius."""
    from scipy.sparse import coo_array
    from scipy.spatial import cKDTree

    positions, box = finite("positions", positions), finite("box", box)
    if positions.ndim != 2 or positions.shape[0] != total or box.shape != positions.shape[1:]:
        raise ValueError(
            f"positions {positions.shape} and box {box.shape} do not fit {total} values: "
            "give (N, d) and (d,)"
        )
    if not 0 < radius <= box.min() / 2:
        raise ValueError(
            f"box edge {box.min()} is shorter than twice the radius {radius}, or the radius is "
            "not positive: lower the radius or replicate the structure"
        )
    wrapped = np.mod(positions, box)
    wrapped[wrapped >= box] = 0.0
    first, second = cKDTree(wrapped, boxsize=box).query_pairs(radius, output_type="ndarray").T
    itself = np.arange(total)
    rows = np.concatenate([first, second, itself])
    columns = np.concatenate([second, first, itself])
    return coo_array((np.ones(len(rows)), (rows, columns)), shape=(total, total)).tocsr()


def _average(neighbours, values: NDArray[np.float64]) -> NDArray[np.float64]:
    # Relative to the first value, so that a constant stays one to the last digit.
    origin = values[..., :1]
    flat = (values - origin).reshape(-1, values.shape[-1])
    mean = (neighbours @ flat.T).T / neighbours.sum(axis=1)
    return origin + mean.reshape(values.shape)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], math.nan)[()]
    return values.mean(axis=-1)
