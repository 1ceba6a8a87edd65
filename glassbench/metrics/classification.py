"""Which particles will rearrange: ranks, overlaps and classes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import binary, finite_pair
from .correlation import midranks


def c_rank(prediction: ArrayLike, d2min: ArrayLike, fraction: float = 0.005) -> NDArray[np.float64]:
    """Return the cumulative rank correlation of the most rearranged particles.

    C_rank = 2 <CDF(prediction_i)>_top - 1, CDF = (mid-rank - 1/2) / N

    The mean runs over the k = ceil(fraction N) particles of highest D2min;
    particles that tie for the last places share them in equal weights. A
    perfect prediction gives 1 - k/N, the reverse one k/N - 1, chance 0.

    Returns an array (...); NaN where prediction or D2min is constant, which includes one particle,
    where there is no particle, and where all particles are on top.

    Source: Richard et al., Phys. Rev. Materials 4, 113609 (2020); Fan & Ma, Nat. Commun. 12, 1506
    (2021), where the maximum of f = 0.5 % is 0.995.

    >>> import numpy as np
    >>> from glassbench.metrics import c_rank
    >>> d2min = np.arange(1000.0)
    >>> print(c_rank(d2min, d2min).round(3), c_rank(np.ones(1000), d2min))
    0.995 nan

    Parameters
    ----------
    prediction : array (..., N), larger means likelier to rearrange
    d2min : array (..., N), non-affine squared displacement, squared length
    fraction : top fraction f, in (0, 1)
    """
    prediction, d2min = finite_pair(prediction, d2min)
    prediction, d2min = np.broadcast_arrays(prediction, d2min)
    weights = top_weights(d2min, fraction)
    total = prediction.shape[-1]
    if total == 0:
        return np.full(prediction.shape[:-1], np.nan)[()]
    cumulative = (midranks(prediction) - 0.5) / total
    mean = np.sum(weights * cumulative, axis=-1) / top_count(total, fraction)
    return np.where(_constant(prediction), np.nan, 2 * mean - 1)[()]


def overlap_ratio(
    prediction: ArrayLike, d2min: ArrayLike, fraction: float = 0.005
) -> NDArray[np.float64]:
    """Return the share of the most rearranged particles that the prediction also ranks on top.

    |top f predicted and top f true| / |top f true|

    Ties for the last places of either top share them in equal weights (the
    expectation over random order). Arguments and errors as `c_rank`.

    Returns an array (...) in [0, 1]; NaN as in `c_rank`.
    """
    prediction, d2min = finite_pair(prediction, d2min)
    first, second = top_weights(prediction, fraction), top_weights(d2min, fraction)
    shared = np.sum(first * second, axis=-1)
    if prediction.shape[-1] == 0:
        return np.full(shared.shape, math.nan)[()]
    return (shared / top_count(prediction.shape[-1], fraction))[()]


def top_count(total: int, fraction: float) -> int:
    """Return the least number of particles that makes up the fraction of the total."""
    if not 0 < fraction < 1:
        raise ValueError(f"fraction {fraction} is not between 0 and 1: give a share such as 0.005")
    return math.ceil(round(fraction * total, 9))


def top_weights(values: ArrayLike, fraction: float) -> NDArray[np.float64]:
    """Return the weight, from 0 to 1, with which each particle belongs to the top fraction.

    Weights sum to `top_count`; NaN throughout where all values are equal or
    all particles are on top, since then no particle stands out.
    """
    values = np.asarray(values, dtype=np.float64)
    total = values.shape[-1]
    count = top_count(total, fraction)
    if total == 0:
        return np.empty(values.shape)
    threshold = np.partition(values, total - count, axis=-1)[..., [total - count]]
    above, tied = values > threshold, values == threshold
    places = count - above.sum(axis=-1, keepdims=True)
    weights = above + tied * places / tied.sum(axis=-1, keepdims=True)
    return np.where(_constant(values)[..., None] | (count == total), np.nan, weights)


def balanced_accuracy(
    prediction: ArrayLike, labels: ArrayLike, threshold: float = 0.5
) -> NDArray[np.float64]:
    """Return the mean of the shares of positives and of negatives that are told rightly.

    (TP / P + TN / N) / 2, which is the plain accuracy on a balanced set

    Returns an array (...) in [0, 1], chance 0.5; NaN where a class is empty.

    >>> from glassbench.metrics import balanced_accuracy
    >>> print(balanced_accuracy([0.9, 0.4, 0.6, 0.1, 0.2], [1, 1, 0, 0, 0]).round(3))
    0.583

    Parameters
    ----------
    prediction : array (..., N), class probability or score; above `threshold` means positive
    labels : array (..., N) of 0 and 1
    """
    prediction, labels = finite_pair(prediction, binary("labels", labels))
    positive, guess = labels > 0, prediction > threshold
    return ((_share(guess, positive) + _share(~guess, ~positive)) / 2)[()]


def roc_auc(prediction: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return the probability that a random positive is ranked above a random negative.

    Ties count one half, so that a constant prediction is at chance, 0.5.
    Arguments, undefined cases (an empty class is NaN) and errors as `balanced_accuracy`.

    >>> from glassbench.metrics import roc_auc
    >>> print(roc_auc([0.9, 0.4, 0.6, 0.1], [1, 1, 0, 0]))
    0.75
    """
    prediction, labels = finite_pair(prediction, binary("labels", labels))
    prediction, labels = np.broadcast_arrays(prediction, labels)
    if labels.shape[-1] == 0:
        return np.full(labels.shape[:-1], np.nan)[()]
    positives = labels.sum(axis=-1)
    pairs = positives * (labels.shape[-1] - positives)
    above = np.sum(midranks(prediction) * labels, axis=-1) - positives * (positives + 1) / 2
    return (above / np.where(pairs > 0, pairs, np.nan))[()]


def average_precision(prediction: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return the average precision, the area under the precision-recall steps.

    AP = sum_n (R_n - R_{n-1}) P_n over the distinct values of the prediction, from the highest

    Arguments and errors as `balanced_accuracy`. A constant prediction gives the
    share of positives; an empty class, of either kind, gives NaN.
    """
    prediction, labels = finite_pair(prediction, binary("labels", labels))
    prediction, labels = np.broadcast_arrays(prediction, labels)
    result = np.empty(labels.shape[:-1])
    for index in np.ndindex(result.shape):
        result[index] = _average_precision(prediction[index], labels[index])
    return result[()]


def _average_precision(prediction: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    positives = labels.sum()
    if positives in (0, len(labels)):
        return math.nan
    order = np.argsort(-prediction, kind="stable")
    prediction, labels = prediction[order], labels[order]
    last_of_value = np.flatnonzero(np.append(np.diff(prediction) != 0, True))
    found = np.cumsum(labels)[last_of_value]
    precision = found / (last_of_value + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / positives)


def _share(guess: NDArray[np.bool_], members: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of the members that are guessed; NaN where there are none."""
    count = members.sum(axis=-1)
    return (guess & members).sum(axis=-1) / np.where(count > 0, count, np.nan)


def _constant(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (values == values[..., :1]).all(axis=-1)
