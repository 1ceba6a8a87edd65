"""Bragg peaks: the long-range order that a glass must not have."""

from __future__ import annotations

import numpy as np


def strongest_bragg_peak(
    positions: np.ndarray, box: np.ndarray, longest_wavenumber: float
) -> float:
    """Return the largest S(k) / N = |sum_j exp(i k . r_j)|^2 / N^2 over k > 0 of the box.

    A perfect crystal has 1, a glass a few times 1 / N. Every component of k is at most
    `longest_wavenumber`, 1 / length.
    """
    box = np.asarray(box, dtype=np.float64)
    counts = np.floor(longest_wavenumber * box / (2 * np.pi)).astype(int)
    if counts.min() < 1:
        raise ValueError(
            f"longest wavenumber {longest_wavenumber} is below 2 pi / {box.min()}, the shortest "
            "of the box: give a larger one"
        )
    waves = [
        np.exp(2j * np.pi * np.outer(np.arange(-count, count + 1), positions[:, axis] / edge))
        for axis, (count, edge) in enumerate(zip(counts, box, strict=True))
    ]
    strongest = 0.0
    # Half of the k vectors are enough: S(-k) = S(k).
    for index, first in enumerate(waves[0][counts[0] :]):
        amplitude = first * waves[1]
        if len(waves) == 3:
            amplitude = amplitude @ waves[2].T
        else:
            amplitude = amplitude.sum(axis=1)
        power = np.abs(amplitude) ** 2
        if index == 0:
            power[tuple(counts[1:])] = 0.0
        strongest = max(strongest, float(power.max()))
    return strongest / len(positions) ** 2
