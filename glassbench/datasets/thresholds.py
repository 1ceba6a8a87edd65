"""The value above which a particle is among the top fraction of a whole split."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

FRACTIONS = (0.005, 0.01, 0.02, 0.05)


def top_thresholds(
    samples: Iterable[np.ndarray],
    strains: int,
    most: int,
    fractions: tuple[float, ...] = FRACTIONS,
) -> np.ndarray:
    """Return the thresholds (fraction, strain) float64 of values pooled over all samples.

    With M values at a strain the threshold is the (k + 1)-th largest, k = ceil(f M), so
    that k values lie above it, fewer where values tie.

    Parameters
    ----------
    samples : arrays (strain, N), read once, one at a time
    strains : number of strains
    most : as many values at a strain as can come; only the top of them stays in memory
    fractions : in (0, 1)

    Raises
    ------
    ValueError
        If there is no sample.
    """
    needed = _count(max(fractions), most) + 1
    kept: list[list[np.ndarray]] = [[] for _ in range(strains)]
    total = 0
    for values in samples:
        total += values.shape[1]
        for strain, row in enumerate(values):
            kept[strain].append(row)
            if sum(map(len, kept[strain])) > 2 * needed:
                kept[strain] = [_largest(np.concatenate(kept[strain]), needed)]
    if not total:
        raise ValueError("there is no sample to take a threshold from")
    thresholds = np.empty((len(fractions), strains))
    for strain, parts in enumerate(kept):
        descending = np.sort(np.concatenate(parts))[::-1]
        for row, fraction in enumerate(fractions):
            thresholds[row, strain] = descending[min(_count(fraction, total), len(descending) - 1)]
    return thresholds


def _count(fraction: float, total: int) -> int:
    return math.ceil(round(fraction * total, 9))


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    return np.partition(values, len(values) - count)[len(values) - count :]
