"""Cluster-bootstrap intervals of statistics that are no mean over configurations.

A draw takes every cluster some number of times. Sums of a cluster, and for scores of classes
its counts of particles, add up over clusters: a draw costs no pass over the particles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import binary, finite_pair, selected
from .bootstrap import DRAWS, LEVEL, Interval, cluster_counts, cluster_index, percentiles
from .correlation import pearson, pool

# A draw whose variance is this share of the whole sample's counts as constant.
ROUNDING = 1e-12
DRAWS_AT_ONCE = 500
Counts = NDArray[np.float64]


def interval_of_weighted(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    clusters: int,
    draws: int,
    value: float | None = None,
) -> Interval:
    """Return the interval of a statistic of weighted clusters.

    It takes weights (draws, clusters), and gives values (draws,), NaN where it is undefined.
    `value` is that of the sample itself, where it is not that of equal weights.
    """
    value = float(statistic(np.ones((1, clusters)))[0]) if value is None else value
    sampled = np.full(draws, math.nan)
    if clusters > 1 and not math.isnan(value):
        sampled = statistic(cluster_counts(clusters, draws, 0).astype(np.float64))
    defined = sampled[~np.isnan(sampled)]
    undefined = len(sampled) - len(defined)
    low = high = np.float64(math.nan)
    if 2 * undefined <= len(sampled):
        low, high = percentiles(defined, clusters, LEVEL)
    # Numbers stand for arrays of no dimension.
    ends = cast(NDArray[np.float64], low), cast(NDArray[np.float64], high)
    mean, lost = np.array(value)[()], np.array(undefined)[()]
    return Interval(mean, *ends, clusters, lost)


def interval_of_statistic(
    statistic: Callable[[NDArray[np.int64]], float], clusters: ArrayLike, draws: int = DRAWS
) -> Interval:
    """Return any statistic of a set of configurations with its bootstrap interval.

    The statistic takes indices of configurations, with repeats, and returns a number; it is called
    once for all draws that are alike. The other arguments are those of `interval_of_mean`. Draws on
    which it is undefined (NaN) are left out and counted in `undefined`. The interval is NaN where
    they are over half, with a single cluster, and where the statistic of the sample is undefined.
    """
    index = cluster_index(clusters, len(np.asarray(clusters)))
    configurations = np.arange(len(index))

    def of_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        distinct, number = np.unique(weights.astype(np.int64), axis=0, return_inverse=True)
        values = [statistic(np.repeat(configurations, counts[index])) for counts in distinct]
        return np.asarray(values, np.float64)[number.reshape(-1)]

    return interval_of_weighted(of_weights, int(index.max()) + 1, draws)


def interval_of_pooled_pearson(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    clusters: ArrayLike,
    masks: Sequence[ArrayLike] | None = None,
    draws: int = DRAWS,
) -> Interval:
    """Return the pooled Pearson correlation with its bootstrap interval.

    The same as `interval_of_statistic` of `pearson` over all particles, from sums over each
    cluster instead of one pass over all particles for each draw.
    `predictions`, `targets` and `masks` are one array (N_c,) for each configuration; the others,
    and undefined cases, as `interval_of_statistic`.
    """
    first, second = finite_pair(*pool(predictions, targets, masks))
    if first.ndim != 1:
        raise ValueError(f"pooled predictions have the shape {first.shape}: give one condition")
    index = cluster_index(clusters, len(predictions))
    sizes = [target.shape[-1] for _, target in selected(predictions, targets, masks)]
    total, cluster_of_particle = int(index.max()) + 1, np.repeat(index, sizes)

    def of_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = _standardised(first), _standardised(second)
        moments = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])
        sums = np.stack([np.bincount(cluster_of_particle, m, total) for m in moments])
        number, *rest = sums @ weights.T
        mean_x, mean_y, xx, yy, xy = np.stack(rest) / np.where(number > 0, number, np.nan)
        variances = [xx - mean_x**2, yy - mean_y**2]
        variance_x, variance_y = (np.where(v > ROUNDING, v, np.nan) for v in variances)
        sampled = (xy - mean_x * mean_y) / np.sqrt(variance_x * variance_y)
        return np.clip(sampled, -1, 1)

    return interval_of_weighted(of_weights, total, draws, float(pearson(first, second)))


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = values - values[0]
    return (shifted - shifted.mean()) / shifted.std()


@dataclass(frozen=True)
class ClassCounts:
    """Particles of each cluster, counted at the K distinct predictions that positives have.

    Of positives and negatives there are (clusters,) in all, and right by a threshold.
    """

    positives: Counts
    negatives: Counts
    found: Counts  # (clusters, K), positives with a prediction of at least the k-th highest
    false: Counts  # (clusters, K), negatives likewise
    false_above: Counts  # (clusters, K), negatives strictly above it
    right_positives: Counts
    right_negatives: Counts


def interval_of_pooled_classes(
    function: str,
    predictions: Sequence[ArrayLike],
    labels: Sequence[ArrayLike],
    clusters: ArrayLike,
    masks: Sequence[ArrayLike] | None = None,
    draws: int = DRAWS,
    threshold: float = 0.5,
) -> Interval:
    """Return a score of POOLED_CLASSES over all particles with its bootstrap interval.

    The same as `interval_of_statistic` of that score: NaN where a class is empty. Arguments as
    `interval_of_pooled_pearson`; `threshold` as `balanced_accuracy`.
    """
    index = cluster_index(clusters, len(predictions))
    total = int(index.max()) + 1
    counts = _count(list(selected(predictions, labels, masks)), index, total, threshold)

    def of_weights(weights: Counts) -> NDArray[np.float64]:
        blocks = np.array_split(weights, -(-len(weights) // DRAWS_AT_ONCE))
        return np.concatenate([POOLED_CLASSES[function](counts, block) for block in blocks])

    return interval_of_weighted(of_weights, total, draws)


def _count(
    parts: Sequence[tuple[NDArray, NDArray]],
    index: NDArray[np.int64],
    total: int,
    threshold: float,
) -> ClassCounts:
    pairs = [finite_pair(prediction, binary("labels", label)) for prediction, label in parts]
    if any(prediction.ndim != 1 for prediction, _ in pairs):
        raise ValueError("predictions have leading dimensions: give one condition")
    by_cluster = [
        [np.concatenate([pairs[i][side] for i in np.flatnonzero(index == c)]) for side in (0, 1)]
        for c in range(total)
    ]
    positive = [prediction[label > 0] for prediction, label in by_cluster]
    negative = [prediction[label == 0] for prediction, label in by_cluster]
    levels = np.unique(np.concatenate(positive))[::-1]
    return ClassCounts(
        positives=np.array([len(values) for values in positive], float),
        negatives=np.array([len(values) for values in negative], float),
        found=_at_least(positive, levels),
        false=_at_least(negative, levels),
        false_above=_at_least(negative, levels, strictly=True),
        right_positives=np.array([(values > threshold).sum() for values in positive], float),
        right_negatives=np.array([(values <= threshold).sum() for values in negative], float),
    )


def _at_least(
    values: Sequence[NDArray[np.float64]], levels: NDArray[np.float64], strictly: bool = False
) -> Counts:
    """Return how many values of each cluster lie at or above each level: (clusters, levels)."""
    side: Literal["left", "right"] = "right" if strictly else "left"
    above = [len(v) - np.searchsorted(np.sort(v), levels, side) for v in values]
    return np.array(above, dtype=np.float64)


def _balanced_accuracy(counts: ClassCounts, weights: Counts) -> NDArray[np.float64]:
    """Return (TP / P + TN / N) / 2 of each draw, from weights (draws, clusters)."""
    shares = [
        _ratio(weights @ right, weights @ members)
        for right, members in (
            (counts.right_positives, counts.positives),
            (counts.right_negatives, counts.negatives),
        )
    ]
    return (shares[0] + shares[1]) / 2


def _roc_auc(counts: ClassCounts, weights: Counts) -> NDArray[np.float64]:
    """Return the share of pairs of a positive and a negative that are in order, ties one half."""
    at_level = np.diff(counts.found, axis=1, prepend=0)
    below = counts.negatives[:, None] - (counts.false + counts.false_above) / 2
    in_order = np.einsum("dc,ce,de->d", weights, at_level @ below.T, weights, optimize=True)
    return _ratio(in_order, (weights @ counts.positives) * (weights @ counts.negatives))


def _average_precision(counts: ClassCounts, weights: Counts) -> NDArray[np.float64]:
    """Return the sum over levels of recall gained times precision there."""
    found, false = weights @ counts.found, weights @ counts.false
    # No particle at or above a level: nothing is gained there either.
    precision = found / np.maximum(found + false, 1)
    gained = np.diff(found, axis=1, prepend=0)
    average = _ratio((gained * precision).sum(axis=1), weights @ counts.positives)
    return np.where(weights @ counts.negatives > 0, average, np.nan)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return part / np.where(whole > 0, whole, np.nan)


POOLED_CLASSES: dict[str, Callable[[ClassCounts, Counts], NDArray[np.float64]]] = {
    "balanced_accuracy": _balanced_accuracy,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
}
