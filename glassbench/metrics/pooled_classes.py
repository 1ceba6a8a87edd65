"""Cluster-bootstrap intervals of pooled classification scores, from counts within each cluster.

A draw takes every cluster some number of times. What a score needs are counts of
particles, which add up over clusters: so each draw costs a few products of small
matrices, and no pass over the particles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import binary, finite_pair, selected
from .bootstrap import DRAWS, Interval, cluster_counts, cluster_index
from .pooled_interval import interval_of_draws

DRAWS_AT_ONCE = 500
Counts = NDArray[np.float64]


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
    seed: int = 0,
    level: float = 0.95,
    threshold: float = 0.5,
) -> Interval:
    """Return a score of POOLED_CLASSES over all particles with its bootstrap interval.

    The same as `interval_of_statistic` of that score: NaN where a class is empty. Arguments as
    `interval_of_pooled_pearson`; `threshold` as `balanced_accuracy`.
    """
    index = cluster_index(clusters, len(predictions))
    total = int(index.max()) + 1
    counts = _count(list(selected(predictions, labels, masks)), index, total, threshold)
    score = POOLED_CLASSES[function]
    value = float(score(counts, np.ones((1, total)))[0])
    if total == 1 or np.isnan(value):
        return interval_of_draws(value, np.full(draws, np.nan), total, level)
    weights = cluster_counts(total, draws, seed).astype(np.float64)
    blocks = np.array_split(weights, -(-draws // DRAWS_AT_ONCE))
    sampled = np.concatenate([score(counts, block) for block in blocks])
    return interval_of_draws(value, sampled, total, level)


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
