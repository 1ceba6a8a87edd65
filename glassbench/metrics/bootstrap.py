"""Confidence intervals and ranks from resampling independent samples, never particles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS, LEVEL = 10_000, 0.95
# The signs of six differences, without any assumption, can be significant at 5 %: 2^-5 = 1/32.
FEWEST_FOR_T = 6
# With fewer independent samples no interval is shown: its coverage would be far below 95 %.
FEWEST_FOR_INTERVAL = 5
PAIRS_AT_ONCE = 64


@dataclass(frozen=True)
class Interval:
    """A value, arrays (...), with the ends of its bootstrap interval; NaN stands for undefined.

    `clusters` is the number of independent samples. `undefined` counts configurations, or draws
    where the statistic is no mean over configurations.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    clusters: int
    undefined: NDArray[np.int64]


@dataclass(frozen=True)
class PairedDifference:
    """Mean of first minus second with its interval, and the p-value of no difference."""

    difference: Interval
    p_value: NDArray[np.float64]


def interval_of_mean(
    values: ArrayLike,
    clusters: ArrayLike,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
    expanded: bool = True,
) -> Interval:
    """Return the mean over configurations with its cluster-bootstrap percentile interval.

    Each draw takes as many clusters as there are, with replacement, and averages
    all their configurations; leading dimensions share the draws.

    One undefined configuration leaves mean and interval undefined (NaN), since dropping it would
    favour whoever fails; `undefined` counts them. With a single cluster the interval is undefined.
    With G clusters no draw leaves the range of the cluster means, so that the coverage stays below
    1 - 2^(1 - G): 0.5, 0.75, 0.875, 0.94 for two to five.

    Source: Davison & Hinkley, Bootstrap Methods and their Application (1997), ch. 2, 3.8.

    >>> from glassbench.metrics import interval_of_mean
    >>> interval = interval_of_mean([0.42, 0.45, 0.44, 0.47, 0.43], clusters=[0, 1, 2, 3, 4])
    >>> print(f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]")
    0.442 [0.422, 0.466]

    Parameters
    ----------
    values : array (..., configurations); NaN marks an undefined value
    clusters : array (configurations,), label of the independent parent sample
    draws, seed : number of resamples and their seed
    level : nominal coverage in (0, 1)
    expanded : widen the percentiles for few clusters, see `tail_share`
    """
    return _interval(values, _resample(values, clusters, draws, seed), level, expanded)


def paired_difference(
    first: ArrayLike, second: ArrayLike, clusters: ArrayLike, draws: int = DRAWS
) -> PairedDifference:
    """Return the mean of first - second over the same configurations, and whether it is real.

    Scores (..., configurations) of both models are resampled together. The two-sided p-value is
    the smallest 1 - level at which the interval of `interval_of_mean` leaves out zero. Where no
    draw reaches zero it is taken from the normal tail of the draws, widened in the same way, which
    is the t test. With fewer than `FEWEST_FOR_T` clusters G it never falls below 2^(1 - G), the
    least that their signs can show. It is 1 for equal scores, and NaN with a single cluster or an
    undefined configuration in either.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise ValueError(
            f"scores have the shapes {first.shape} and {second.shape}: a paired difference needs "
            "both models on the same configurations"
        )
    sample = _resample(first - second, clusters, draws, 0)
    return PairedDifference(_interval(first - second, sample, LEVEL), _p_value(sample))


def tail_share(level: float, clusters: int) -> float:
    """Return the share of draws to cut off each end of the expanded percentile interval.

    share = Phi(-sqrt(G / (G - 1)) t), t = upper (1 - level)/2 quantile of Student's t, G - 1

    With few clusters, of which there are two at least, the plain percentile interval is too
    narrow, twice: the bootstrap variance lacks the factor G/(G - 1), and its tails are normal.
    This share gives the t interval for normal data, and tends to (1 - level)/2.
    Source: Hesterberg, Am. Stat. 69, 371 (2015), sec. 5.1 and 5.3.
    """
    from scipy.special import ndtr, stdtrit

    student = stdtrit(clusters - 1, (1 + level) / 2)
    return float(ndtr(-math.sqrt(clusters / (clusters - 1)) * student))


def widened_p_value(p_value: ArrayLike, clusters: int) -> NDArray[np.float64]:
    """Return the two-sided p-value that belongs to `tail_share`; NaN with a single cluster."""
    from scipy.special import ndtri, stdtr

    p_value = np.asarray(p_value, dtype=np.float64)
    if clusters == 1:
        return np.full(p_value.shape, np.nan)[()]
    normal = ndtri(p_value / 2)
    return 2 * stdtr(clusters - 1, math.sqrt((clusters - 1) / clusters) * normal)


def _p_value(sample: _Resampled) -> NDArray[np.float64]:
    """Return the two-sided p-value of a mean by its draws, as `paired_difference` says."""
    from scipy.special import ndtr

    mean, deviations, clusters = sample.mean, sample.deviations, sample.clusters
    draws = deviations.shape[-1]
    below = (deviations <= -mean[..., None]).sum(axis=-1)
    above = (deviations >= -mean[..., None]).sum(axis=-1)
    fewer = np.minimum(below, above)
    p_value = widened_p_value(np.minimum(1.0, 2 * (1 + fewer) / (draws + 1)), clusters)
    # So many standard errors from zero that no draw reaches it.
    error = sample.error
    distance = np.abs(mean) / np.where(error > 0, error, np.nan)
    tail = np.where(error > 0, widened_p_value(2 * ndtr(-distance), clusters), 1.0)
    p_value = np.where(fewer == 0, np.minimum(p_value, tail), p_value)
    # Equal differences throughout have no spread that would tell more than their signs do.
    signs_alone = (clusters < FEWEST_FOR_T) | (error == 0)
    p_value = np.where(signs_alone, np.maximum(p_value, 2.0 ** (1 - clusters)), p_value)
    return np.where(np.isnan(mean), np.nan, p_value)[()]


def cluster_index(clusters: ArrayLike, configurations: int) -> NDArray[np.int64]:
    """Return the number, from 0, of each configuration's cluster, or refuse labels that misfit."""
    clusters = np.asarray(clusters)
    if clusters.shape != (configurations,) or configurations == 0:
        raise ValueError(
            f"{configurations} configurations and cluster labels of shape {clusters.shape} do "
            "not fit: give one label for each configuration, and one configuration at least"
        )
    return np.unique(clusters, return_inverse=True)[1].reshape(-1)


@lru_cache(maxsize=8)
def cluster_counts(clusters: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return how often each cluster is drawn: (draws, clusters), rows summing to `clusters`.

    The same draws serve every comparison on the same clusters, so that they are kept, read-only.
    """
    if draws < 1:
        raise ValueError(f"draws {draws} is below one: give a number of resamples such as {DRAWS}")
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    counts.setflags(write=False)
    return counts


def percentiles(
    sampled: NDArray[np.float64], clusters: int, level: float, expanded: bool = True
) -> NDArray[np.float64]:
    """Return the lower and the upper end (2, ...) of sampled statistics (..., draws)."""
    if not 0 < level < 1:
        raise ValueError(f"level {level} is not between 0 and 1: give a coverage such as 0.95")
    if clusters == 1:
        return np.full((2, *sampled.shape[:-1]), np.nan)
    share = tail_share(level, clusters) if expanded else (1 - level) / 2
    return np.quantile(sampled, [share, 1 - share], axis=-1)


@dataclass(frozen=True)
class _Resampled:
    """Mean (...) of a sample, deviations of the draws from it, and their standard deviation."""

    mean: NDArray[np.float64]
    deviations: NDArray[np.float64]  # (..., draws)
    error: NDArray[np.float64]
    clusters: int


def _resample(values: ArrayLike, clusters: ArrayLike, draws: int, seed: int) -> _Resampled:
    values = np.asarray(values, np.float64)
    if values.ndim == 0:
        raise ValueError("values is a single number: give an array over configurations")
    index = cluster_index(clusters, values.shape[-1])
    if np.isinf(values).any():
        raise ValueError(f"{int(np.isinf(values).sum())} of {values.size} values are infinite")
    membership = (index[:, None] == np.arange(index.max() + 1)).astype(np.float64)
    mean = values[..., 0] + (values - values[..., :1]).mean(axis=-1)
    sums = (values - mean[..., None]) @ membership
    shares, covariance = _cluster_shares(tuple(membership.sum(axis=0)), draws, seed)
    # The variance of a weighted sum, without a pass over the draws.
    variance = ((sums @ covariance) * sums).sum(axis=-1)
    error = np.sqrt(np.maximum(variance, 0.0))
    return _Resampled(mean, sums @ shares, error, membership.shape[1])


@lru_cache(maxsize=8)
def _cluster_shares(
    sizes: tuple[float, ...], draws: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return counts of clusters over configurations of their draw (G, draws), and covariance."""
    counts = cluster_counts(len(sizes), draws, seed).astype(np.float64)
    shares = np.ascontiguousarray((counts / (counts @ np.array(sizes))[:, None]).T)
    covariance = np.atleast_2d(np.cov(shares, bias=True))
    for array in (shares, covariance):
        array.setflags(write=False)
    return shares, covariance


def _interval(
    values: ArrayLike, sample: _Resampled, level: float, expanded: bool = True
) -> Interval:
    mean = sample.mean
    low, high = percentiles(sample.deviations, sample.clusters, level, expanded)
    undefined = np.isnan(values).sum(axis=-1)
    return Interval(mean[()], (mean + low)[()], (mean + high)[()], sample.clusters, undefined)


@dataclass(frozen=True)
class RankedModel:
    """A model's place on a board: its rank, None where its mean score over configurations is NaN.

    `better` names the models that are significantly better, best first; `lowest` is the number of
    models less those that are significantly worse, so that the rank lies in [rank, lowest].
    """

    name: str
    rank: int | None
    mean: float
    better: tuple[str, ...]
    lowest: int | None


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values (tests,) adjusted for the number of tests, step down, in the order given.

    p'_(i) = max over j <= i of min(1, (m - j + 1) p_(j)), p_(1) <= ... <= p_(m)

    Rejecting where p' is below a bound keeps the chance of any false rejection below that bound,
    whatever the dependence between tests. NaN, an undefined test, stays NaN and is not counted
    in m. Source: Holm, Scand. J. Statist. 6, 65 (1979).
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    if p_values.ndim != 1:
        raise ValueError(f"p-values have the shape {p_values.shape}: give one dimension of tests")
    outside = p_values[(p_values < 0) | (p_values > 1)]
    if outside.size:
        raise ValueError(f"p-value {outside[0]} lies outside [0, 1]")
    defined = np.flatnonzero(~np.isnan(p_values))
    order = defined[np.argsort(p_values[defined], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(p_values.shape, np.nan)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, factors * p_values[order]))
    return adjusted


def rank_groups(
    values: Mapping[str, ArrayLike],
    clusters: ArrayLike,
    significance: float = 0.05,
    draws: int = DRAWS,
    higher_is_better: bool = True,
) -> tuple[RankedModel, ...]:
    """Return the models from best to worst, each with its rank.

    rank = 1 + number of significantly better models

    All pairs are compared by `paired_difference` and corrected by `holm`. A model with widely
    scattered scores may have a smaller rank than one of higher mean: fewer models are known
    to be better than it. Models with an undefined score come last, without a rank, and are
    compared with none. With a single cluster no difference can be shown, and all share rank 1.

    Parameters
    ----------
    values : by model name, scores (configurations,) on the same configurations
    clusters : array (configurations,), label of the independent parent sample
    significance : bound on the chance of any false difference, in (0, 1)
    draws : as `interval_of_mean`
    higher_is_better : false for errors
    """
    if not 0 < significance < 1:
        raise ValueError(f"significance {significance} is not between 0 and 1: 0.05 is usual")
    scores = {name: np.asarray(score, np.float64) for name, score in values.items()}
    shapes = {name: score.shape for name, score in scores.items()}
    wrong = {name: shape for name, shape in shapes.items() if shape != np.shape(clusters)}
    if wrong:
        raise ValueError(
            f"scores of the shapes {wrong} do not fit {np.shape(clusters)} cluster labels: "
            "models are compared on the same configurations"
        )
    means = {name: float(score.mean()) for name, score in scores.items()}
    sign = -1 if higher_is_better else 1
    placed = sorted((n for n in scores if not np.isnan(means[n])), key=lambda n: sign * means[n])
    table = np.array([scores[n] for n in placed])
    different = _different(table, clusters, significance, draws)
    ranked = []
    for i, name in enumerate(placed):
        better = tuple(placed[j] for j in range(i) if different[j, i])
        lowest = len(placed) - int(different[i, i + 1 :].sum())
        ranked.append(RankedModel(name, 1 + len(better), means[name], better, lowest))
    rest = [RankedModel(n, None, means[n], (), None) for n in scores if np.isnan(means[n])]
    return (*ranked, *rest)


def _different(
    scores: NDArray[np.float64], clusters: ArrayLike, significance: float, draws: int
) -> NDArray[np.bool_]:
    """Return where two models differ significantly: symmetric (models, models)."""
    different = np.zeros((len(scores), len(scores)), bool)
    pairs = np.array(list(itertools.combinations(range(len(scores)), 2)), dtype=int)
    if len(pairs):
        i, j = pairs.T
        # In blocks whose draws fit in the cache; every block takes the same draws.
        blocks = np.array_split(scores[i] - scores[j], -(-len(pairs) // PAIRS_AT_ONCE))
        p_values = np.concatenate([_p_value(_resample(b, clusters, draws, 0)) for b in blocks])
        different[i, j] = different[j, i] = holm(p_values) < significance
    return different
