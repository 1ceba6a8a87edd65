"""The radial distribution function around the particles that are highest and lowest in the target.

Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), compare it for the stiffest and the
softest tenth of the atoms; a model has understood the structure where its own choice of the
extremes has the same surroundings as the true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Example, Structure
from ..structure.pair_distribution import particle_pair_distribution
from .fits import Explained, Fit
from .maps import length_unit, spread
from .prediction_errors import short
from .surroundings import mean_spacing

SHARE = 0.1
# In mean distances of particles.
SMALLEST, LARGEST, WIDTH = 0.5, 4.0, 0.05


def extreme_surroundings(explained: Explained) -> list[dict[str, Any]]:
    """Return g(r) around the extreme particles of the test configurations, true and predicted.

    Over the particles that count for the primary metric, with neighbours of all species, at
    the first, the middle and the last condition. Pair targets have none, nor have labels,
    whose extremes are all alike.
    """
    target = explained.task.targets[explained.task.target]
    if target.per != "particle" or target.label_of:
        return []
    return [_at_condition(explained, fit) for fit in spread(explained.fits)]


def _at_condition(explained: Explained, fit: Fit) -> dict[str, Any]:
    target = explained.task.target
    examples = explained.examples(fit)
    distances, around = _distributions(examples)
    counted = [explained.counted(one.structure) for one in examples]
    around = [g[chosen] for g, chosen in zip(around, counted, strict=True)]
    fields: dict[str, list[NDArray]] = {"true": [], "predicted": []}
    for one, chosen in zip(examples, counted, strict=True):
        predicted = fit.predictions[one.structure.configuration][target]
        fields["true"].append(np.asarray(one.targets[target], float)[chosen])
        fields["predicted"].append(np.asarray(predicted, float)[chosen])
    return {
        "condition": dict(fit.condition),
        "unit": length_unit(explained),
        "share": SHARE,
        "distances": [short(r) for r in distances],
        "curves": [
            {"end": end, "by": by, "values": [short(g) for g in _mean(values, around, end)]}
            for end in ("highest", "lowest")
            for by, values in fields.items()
        ],
    }


def extreme_particles(values: NDArray[np.float64], end: str, share: float = SHARE) -> NDArray:
    """Return the indices of the `highest` or `lowest` share of values (N,), one at least.

    Among equal values those of lower index are taken.
    """
    order = np.argsort(values if end == "lowest" else -values, kind="stable")
    return order[: max(1, round(share * len(values)))]


def _mean(values: Sequence[NDArray], around: Sequence[NDArray], end: str) -> NDArray:
    chosen = [g[extreme_particles(one, end)] for one, g in zip(values, around, strict=True)]
    return np.concatenate(chosen).mean(axis=0)


def _distributions(examples: Sequence[Example]) -> tuple[NDArray, list[NDArray]]:
    """Return the middles of the bins, and g_i(r) (N, bins) of each configuration."""
    structures = [example.structure for example in examples]
    spacing = mean_spacing(structures[0])
    bins = int((_reach(structures) / spacing - SMALLEST) / WIDTH + 1e-9)
    edges = spacing * (SMALLEST + WIDTH * np.arange(bins + 1))
    around = [
        particle_pair_distribution(one.positions, one.box, edges[0], edges[-1], bins)
        for one in structures
    ]
    return (edges[1:] + edges[:-1]) / 2, around


def _reach(structures: Sequence[Structure]) -> float:
    """Return how far the surroundings are looked at: as far as the smallest box allows."""
    smallest = min(float(one.box.min()) for one in structures)
    return min(LARGEST * mean_spacing(structures[0]), smallest / 2)
