"""Collective fluctuations of a field on the particles: its spread, chi_4, S_4(q) and length xi_4.

Fields y_i of configurations c with N_c particles at r_i and mean m_c. A field is known by two
measurements with independent noise, such as averages over the two halves of an ensemble: every
square below is then the product of both, to which their noise adds nothing on average. A
prediction, which has no noise, is the same array twice.

Each function takes `fields`, a pair of arrays (N_c,) for each configuration, and `structures`,
positions (N_c, d) and box (d,) of each, and returns a statistic of weighted configurations:
weights (draws, configurations) in, values (draws,) out, NaN where undefined. So one pass over the
particles serves every draw of a bootstrap.

Sources: Lacevic, Starr, Schroder & Glotzer, J. Chem. Phys. 119, 7372 (2003) for chi_4 and S_4;
Jung et al., Roadmap on machine learning glassy dynamics, arXiv:2311.14752, asks for them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import finite_pair, selected
from .bootstrap import DRAWS, Interval, cluster_index
from .pooled_interval import interval_of_weighted

Fields = Sequence[tuple[ArrayLike, ArrayLike]]
Structures = Sequence[tuple[ArrayLike, ArrayLike]]
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# Lengths that are tried, in units of half the shortest edge of the box.
TRIED = np.linspace(0.0, 1.0, 301)


def spread(fields: Fields, structures: Structures) -> Statistic:
    """Return the standard deviation within a configuration, sqrt(< (y_i - m_c)^2 >).

    In the unit of the field; undefined where halves do not agree at all.
    """
    variances = np.array([np.mean(_deviation(a) * _deviation(b)) for a, b in _pairs(fields)])

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        variance = weights @ variances / weights.sum(axis=1)
        return np.sqrt(np.where(variance >= 0, variance, math.nan))

    return statistic


def chi4(fields: Fields, structures: Structures) -> Statistic:
    """Return the variance of the mean over configurations, N var_c(m_c), in the squared unit.

    With few configurations it is a variance of few numbers: that of six has a relative standard
    error of 63 %. Undefined with one.
    """
    first, second = np.array([(a.mean(), b.mean()) for a, b in _pairs(fields)]).T
    number = np.array([len(a) for a, _ in _pairs(fields)], dtype=np.float64)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = weights.sum(axis=1)
        number_c, both, a, b = (
            weights @ x / total for x in (number, first * second, first, second)
        )
        unbiased = np.divide(total, total - 1, out=np.full(len(total), math.nan), where=total > 1)
        return number_c * (both - a * b) * unbiased

    return statistic


def s4(fields: Fields, structures: Structures, largest_q: float) -> Statistic:
    """Return the mean of S_4(q) over all wave vectors with 0 < |q| <= largest_q.

    S_4(q) = |W(q)|^2 / N, W(q) = sum_i (y_i - m_c) exp(-i q.r_i), in the squared unit of the field:
    an estimate of chi_4 from several waves of each configuration. Undefined where the box has none.
    """
    power = np.array(
        [np.mean(p) if len(p) else math.nan for p, _ in _spectra(fields, structures, largest_q)]
    )
    return lambda weights: weights @ power / weights.sum(axis=1)


def xi4(fields: Fields, structures: Structures, largest_q: float) -> Statistic:
    """Return the length of G_4(r) ~ exp(-r / xi_4), by maximum likelihood from S_4(q).

    S_4(q) = S_4(0) (1 + (q xi)^2)^(-(d + 1) / 2), the transform of the exponential in d dimensions,
    over 0 < |q| <= largest_q. Each |W(q)|^2 is drawn from an exponential distribution, so that xi
    minimises sum_q ln S_4(q) + |W(q)|^2 / (N S_4(q)) (Whittle, Ark. Mat. 2, 423 (1953)).
    In the unit of the positions; 0 for a field without correlations, undefined for one that varies
    nowhere and where the correlations reach half the shortest edge of the box.
    """
    spectra = _spectra(fields, structures, largest_q)
    half = min(float(np.min(np.asarray(box))) / 2 for _, box in structures)
    power_of = (np.asarray(structures[0][1]).size + 1) / 2
    lengths = half * TRIED
    # (configurations, lengths): |W|^2/N in units of the shape, and the logarithm of the shape.
    shapes = [1 + np.multiply.outer(lengths, q) ** 2 for _, q in spectra]
    scaled = np.array(
        [(shape**power_of) @ p for shape, (p, _) in zip(shapes, spectra, strict=True)]
    )
    decay = np.array([power_of * np.log(shape).sum(axis=1) for shape in shapes])
    waves = np.array([len(p) for p, _ in spectra], dtype=np.float64)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        amplitude = weights @ scaled
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = (weights @ waves)[:, None] * np.log(amplitude) - weights @ decay
        cost = np.where(amplitude > 0, cost, np.inf)
        best = np.argmin(cost, axis=1)
        values = lengths[best] + (lengths[1] - lengths[0]) * _vertex(cost, best)
        defined = np.isfinite(cost[np.arange(len(best)), best]) & (best < len(lengths) - 1)
        return np.where(defined, values, math.nan)

    return statistic


COLLECTIVE: dict[str, Callable[..., Statistic]] = {
    "spread": spread,
    "chi4": chi4,
    "s4": s4,
    "xi4": xi4,
}


def collective_interval(
    function: Callable[..., Statistic],
    predictions: Sequence[ArrayLike] | None,
    truths: Fields,
    structures: Structures,
    clusters: ArrayLike,
    masks: Sequence[ArrayLike] | None = None,
    draws: int = DRAWS,
) -> tuple[Interval, NDArray[np.float64]]:
    """Return a statistic of the prediction over that of the truth, and by configuration.

    Without predictions it is the statistic of the truth itself. The interval is that of a
    bootstrap over clusters, which draws prediction and truth together; undefined where the truth
    is not above zero: a field without correlations has no length to compare with.

    Parameters
    ----------
    function : of COLLECTIVE, with its options
    predictions : arrays (N_c,), one for each configuration
    truths : two measurements (N_c,) of each, see the module
    structures : positions (N_c, d) and box (d,) of each
    clusters, draws : as `interval_of_statistic`
    masks : boolean (N_c,), the particles that count
    """
    masks = [np.ones(len(np.asarray(a)), bool) for a, _ in truths] if masks is None else masks
    truths = list(selected([a for a, _ in truths], [b for _, b in truths], masks))
    places = [
        (np.asarray(positions)[np.asarray(mask)], box)
        for (positions, box), mask in zip(structures, masks, strict=True)
    ]
    statistic = partial(function, structures=places)
    of_truth = statistic(truths)
    of_prediction = None
    if predictions is not None:
        guesses = [guess for guess, _ in selected(predictions, predictions, masks)]
        of_prediction = statistic([(guess, guess) for guess in guesses])

    def ratio(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        # Predictions may be so large that their squares overflow: then nothing is defined.
        with np.errstate(over="ignore", invalid="ignore"):
            true = of_truth(weights)
            if of_prediction is None:
                return true
            return of_prediction(weights) / np.where(true > 0, true, math.nan)

    index = cluster_index(clusters, len(truths))
    interval = interval_of_weighted(lambda w: ratio(w[:, index]), int(index.max()) + 1, draws)
    return interval, ratio(np.eye(len(truths)))


def _pairs(fields: Fields) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [finite_pair(first, second) for first, second in fields]


def _deviation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = values - values[:1]
    return shifted - shifted.mean()


def _spectra(
    fields: Fields, structures: Structures, largest_q: float
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return |W(q)|^2 / N and |q| of every wave of each configuration, one of q and -q."""
    return [
        _spectrum(a, b, np.asarray(positions, np.float64), np.asarray(box, np.float64), largest_q)
        for (a, b), (positions, box) in zip(_pairs(fields), structures, strict=True)
    ]


def _spectrum(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    positions: NDArray[np.float64],
    box: NDArray[np.float64],
    largest_q: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    highest = [math.floor(largest_q * edge / (2 * math.pi)) for edge in box]
    numbers = itertools.product(*(range(-most, most + 1) for most in highest))
    half_space = [n for n in numbers if n > (0,) * len(box)]
    waves = 2 * math.pi * np.array(half_space, np.float64).reshape(-1, len(box)) / box
    lengths = np.linalg.norm(waves, axis=1)
    waves, lengths = waves[lengths <= largest_q], lengths[lengths <= largest_q]
    phases = np.exp(-1j * (positions @ waves.T))
    one, other = _deviation(first) @ phases, _deviation(second) @ phases
    return (one * other.conj()).real / len(first), lengths


def _vertex(cost: NDArray[np.float64], best: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return where, in steps from the best point, the parabola through its neighbours is lowest."""
    rows, last = np.arange(len(best)), cost.shape[1] - 1
    inside = (best > 0) & (best < last)
    before, at, after = (cost[rows, np.clip(best + k, 0, last)] for k in (-1, 0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        step = 0.5 * (before - after) / (before - 2 * at + after)
    return np.where(inside & np.isfinite(step), np.clip(step, -0.5, 0.5), 0.0)
