"""The radial distribution function around the particles that are highest and lowest in the target.

Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), compare it for the stiffest and the
softest tenth of the atoms; a model has understood the structure where its own choice of the
extremes has the same surroundings as the true one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..structure.pair_distribution import distributions_in_spacings
from .fits import Explained, Fit, short, spread

SHARE = 0.1
# In mean distances of particles.
SMALLEST, LARGEST, WIDTH = 0.5, 4.0, 0.05


def extreme_surroundings(explained: Explained) -> list[dict[str, Any]]:
    """Return g(r) around the extreme particles of the test configurations, true and predicted.

    Over the particles that count for the primary metric, with neighbours of all species, at
    the first, the middle and the last condition. Pair targets have none, nor have labels,
    whose extremes are all alike.
    """
    if explained.target.per != "particle" or explained.target.label_of:
        return []
    return [_at_condition(explained, fit) for fit in spread(explained.fits)]


def _at_condition(explained: Explained, fit: Fit) -> dict[str, Any]:
    answers = explained.answers(fit)
    distances, around = distributions_in_spacings(
        [one.structure for one in answers], SMALLEST, LARGEST, WIDTH
    )
    curves = []
    for end in ("highest", "lowest"):
        for by in ("true", "predicted"):
            chosen = []
            for one, g in zip(answers, around, strict=True):
                values = one.target if by == "true" else one.prediction
                indices = extreme_particles(values[one.counted], end)
                chosen.append(g[one.counted][indices])
            mean = np.concatenate(chosen).mean(axis=0)
            curves.append({"end": end, "by": by, "values": [short(g) for g in mean]})
    return {
        "condition": dict(fit.condition),
        "unit": explained.length_unit,
        "share": SHARE,
        "distances": [short(r) for r in distances],
        "curves": curves,
    }


def extreme_particles(values: NDArray[np.float64], end: str, share: float = SHARE) -> NDArray:
    """Return the indices of the `highest` or `lowest` share of values (N,), one at least.

    Among equal values those of lower index are taken.
    """
    order = np.argsort(values if end == "lowest" else -values, kind="stable")
    return order[: max(1, round(share * len(values)))]
