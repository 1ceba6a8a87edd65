"""The radial distribution function around each single particle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..model import Structure
from .neighbours import pair_blocks
from .periodic_box import checked_positions


def particle_pair_distribution(
    positions: np.ndarray,
    box: np.ndarray,
    smallest: float = 2.0,
    largest: float = 10.0,
    bins: int = 40,
) -> np.ndarray:
    """Return the radial distribution function (N, bins) of every particle, over all species.

    g_i(r) = 1 / (4 pi r^2 rho dr) sum_(j != i) [r - dr / 2 <= r_ij < r + dr / 2]

    with rho = N / V and r the middle of one of the bins of width dr from `smallest` to `largest`;
    in two dimensions the shell is 2 pi r dr. The average over particles is the usual g(r). A
    particle without neighbours has zeros.

    Source: Peng, Yang, Wang, Extreme Mech. Lett. 48, 101446 (2021), Eq. 2: 40 bins from 2 to 10 Å.

    >>> import numpy as np
    >>> from glassbench.structure import particle_pair_distribution
    >>> positions = np.random.default_rng(0).uniform(0, 20, (4000, 3))  # an ideal gas
    >>> g = particle_pair_distribution(positions, np.full(3, 20.0), smallest=2.0, largest=10.0)
    >>> print(g.shape, g.mean().round(2))
    (4000, 40) 1.0
    """
    positions, box = checked_positions(positions, box)
    edges = distribution_edges(smallest, largest, bins)
    size = len(positions) * bins
    counts = np.zeros(size)
    # A block much smaller than the result would spend its time on adding zeros.
    for block in pair_blocks(positions, box, largest, pairs_per_block=max(2**20, size)):
        bin_of_pair = np.searchsorted(edges, block.distances, side="right") - 1
        inside = (bin_of_pair >= 0) & (bin_of_pair < bins)
        for centre in (block.first, block.second):
            place = centre[inside].astype(np.int64) * bins + bin_of_pair[inside]
            counts += np.bincount(place, minlength=size)
    middles, width = (edges[1:] + edges[:-1]) / 2, (largest - smallest) / bins
    shells = 2 * np.pi * middles * width
    if len(box) == 3:
        shells *= 2 * middles
    return counts.reshape(len(positions), bins) / (shells * len(positions) / np.prod(box))


def distributions_in_spacings(
    structures: Sequence[Structure], smallest: float, largest: float, width: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the middles of bins, and g_i(r) (N, bins) of each structure.

    The bins are in mean distances of the first structure, and end where its smallest box edge
    allows.
    """
    spacing = mean_spacing(structures[0])
    reach = min(largest * spacing, min(float(one.box.min()) for one in structures) / 2)
    bins = int((reach / spacing - smallest) / width + 1e-9)
    edges = spacing * (smallest + width * np.arange(bins + 1))
    around = [
        particle_pair_distribution(one.positions, one.box, edges[0], edges[-1], bins)
        for one in structures
    ]
    return (edges[1:] + edges[:-1]) / 2, around


def mean_spacing(structure: Structure) -> float:
    """Return the mean distance (V / N)^(1/d) of particles, unit of the positions."""
    volume = float(np.prod(structure.box))
    return (volume / len(structure.positions)) ** (1 / len(structure.box))


def distribution_edges(smallest: float, largest: float, bins: int) -> np.ndarray:
    """Return the edges (bins + 1,) of bins of equal width."""
    if not (0 <= smallest < largest < np.inf):
        raise ValueError(
            f"bins from {smallest} to {largest}: distances must increase, from 0 or more"
        )
    if int(bins) != bins or bins < 1:
        raise ValueError(f"{bins} bins: give an integer of 1 or more")
    return np.linspace(smallest, largest, int(bins) + 1)


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
