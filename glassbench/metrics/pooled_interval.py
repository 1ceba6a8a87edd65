"""Cluster-bootstrap intervals of statistics that are no mean over configurations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import finite_pair, selected
from .bootstrap import DRAWS, Interval, cluster_counts, cluster_index, percentiles
from .correlation import pearson, pool

# A draw whose variance is this share of the whole sample's counts as constant.
ROUNDING = 1e-12


def interval_of_statistic(
    statistic: Callable[[NDArray[np.int64]], float],
    clusters: ArrayLike,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return any statistic of a set of configurations with its bootstrap interval.

    Parameters
    ----------
    statistic : takes indices of configurations, with repeats, and returns a number;
        it is called once for each draw
    clusters : array (configurations,), label of the independent parent sample
    draws, seed, level : as `interval_of_mean`

    Returns
    -------
    Interval. Draws on which the statistic is undefined (NaN) are left out and
    counted in `undefined`. The interval is NaN where they are over half, with a
    single cluster, and where the statistic of the sample itself is undefined.
    """
    index = cluster_index(clusters, len(np.asarray(clusters)))
    configurations, total = np.arange(len(index)), int(index.max()) + 1
    value = float(statistic(configurations))
    if total == 1 or math.isnan(value):
        return interval_of_draws(value, np.full(draws, math.nan), total, level)
    sampled = [
        statistic(np.repeat(configurations, counts[index]))
        for counts in cluster_counts(total, draws, seed)
    ]
    return interval_of_draws(value, np.asarray(sampled, np.float64), total, level)


def interval_of_pooled_pearson(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    clusters: ArrayLike,
    masks: Sequence[ArrayLike] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the pooled Pearson correlation with its bootstrap interval.

    The same as `interval_of_statistic` of `pooled_pearson`, from sums over each
    cluster instead of one pass over all particles for each draw.
    `predictions`, `targets` and `masks` are one array (N_c,) for each configuration; the others,
    and undefined cases, as `interval_of_statistic`.
    """
    first, second = finite_pair(*pool(predictions, targets, masks))
    if first.ndim != 1:
        raise ValueError(f"pooled predictions have the shape {first.shape}: give one condition")
    index = cluster_index(clusters, len(predictions))
    sizes = [target.shape[-1] for _, target in selected(predictions, targets, masks)]
    total, value = int(index.max()) + 1, float(pearson(first, second))
    if total == 1 or math.isnan(value):
        return interval_of_draws(value, np.full(draws, math.nan), total, level)
    x, y = _standardised(first), _standardised(second)
    moments = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    cluster_of_particle = np.repeat(index, sizes)
    sums = np.stack([np.bincount(cluster_of_particle, m, total) for m in moments])
    counts = cluster_counts(total, draws, seed).astype(np.float64)
    number, *rest = sums @ counts.T
    mean_x, mean_y, xx, yy, xy = np.stack(rest) / np.where(number > 0, number, np.nan)
    variances = [xx - mean_x**2, yy - mean_y**2]
    variance_x, variance_y = (np.where(v > ROUNDING, v, np.nan) for v in variances)
    sampled = (xy - mean_x * mean_y) / np.sqrt(variance_x * variance_y)
    return interval_of_draws(value, np.clip(sampled, -1, 1), total, level)


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = values - values[0]
    return (shifted - shifted.mean()) / shifted.std()


def interval_of_draws(
    value: float, sampled: NDArray[np.float64], clusters: int, level: float
) -> Interval:
    """Return the interval of a statistic from its values (draws,) on resampled clusters."""
    defined = sampled[~np.isnan(sampled)]
    undefined = len(sampled) - len(defined)
    low = high = np.float64(math.nan)
    if 2 * undefined <= len(sampled):
        low, high = percentiles(defined, clusters, level)
    # Numbers stand for arrays of no dimension.
    ends = cast(NDArray[np.float64], low), cast(NDArray[np.float64], high)
    mean, lost = (
        cast(NDArray[np.float64], np.float64(value)),
        cast(NDArray[np.int64], np.int64(undefined)),
    )
    return Interval(mean, *ends, level, clusters, len(sampled), lost)
