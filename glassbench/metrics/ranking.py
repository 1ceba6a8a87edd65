"""Ranks of models: how many others are significantly better, with Holm's correction."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import DRAWS, paired_p_value

PAIRS_AT_ONCE = 64


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
    seed: int = 0,
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
    draws, seed : as `interval_of_mean`
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
    different = _different(table, clusters, significance, draws, seed)
    ranked = []
    for i, name in enumerate(placed):
        better = tuple(placed[j] for j in range(i) if different[j, i])
        lowest = len(placed) - int(different[i, i + 1 :].sum())
        ranked.append(RankedModel(name, 1 + len(better), means[name], better, lowest))
    rest = [RankedModel(n, None, means[n], (), None) for n in scores if np.isnan(means[n])]
    return (*ranked, *rest)


def _different(
    scores: NDArray[np.float64], clusters: ArrayLike, significance: float, draws: int, seed: int
) -> NDArray[np.bool_]:
    """Return where two models differ significantly: symmetric (models, models)."""
    different = np.zeros((len(scores), len(scores)), bool)
    pairs = np.array(list(itertools.combinations(range(len(scores)), 2)), dtype=int)
    if len(pairs):
        i, j = pairs.T
        # In blocks whose draws fit in the cache; every block takes the same draws.
        blocks = np.array_split(np.arange(len(pairs)), -(-len(pairs) // PAIRS_AT_ONCE))
        p_values = np.concatenate(
            [paired_p_value(scores[i[b]], scores[j[b]], clusters, draws, seed) for b in blocks]
        )
        different[i, j] = different[j, i] = holm(p_values) < significance
    return different
