"""What surrounds particles, as far as errors may depend on it, and g(r) around the extremes.

Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), compare g(r) around the stiffest and the
softest tenth of the atoms; a model has understood the structure where its own choice of the
extremes has the same surroundings as the true one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Structure
from ..structure.pair_distribution import distributions_in_spacings, mean_spacing
from .fits import Explained, Fit, short, spread

# In mean distances of particles.
SHELL = 2.0
SMALLEST, LARGEST, WIDTH = 0.5, 4.0, 0.05
SHARE = 0.1  # of the particles, at either extreme


def local_density(structure: Structure) -> NDArray[np.float64]:
    """Return the number density n_i / v(R) around each particle, (N,), per volume.

    n_i are the particles within R of particle i and itself, v(R) is the volume of the ball,
    R = 2 mean distances (V/N)^(1/d).
    """
    from scipy.spatial import cKDTree

    radius = SHELL * mean_spacing(structure)
    positions = structure.positions % structure.box
    tree = cKDTree(positions, boxsize=structure.box)
    inside = tree.query_ball_point(positions, radius, return_length=True)
    ball = np.pi * radius**2 if len(structure.box) == 2 else 4 / 3 * np.pi * radius**3
    return inside / ball


def distance_to_correct(
    structure: Structure, error: NDArray[np.float64], tolerance: float
) -> NDArray[np.float64]:
    """Return how far (N,) the nearest correctly predicted particle lies, in units of the system.

    It is 0 for correct particles, those whose absolute `error` (N,) is below the tolerance, and NaN
    where there is none. The error is NaN for particles that do not count.
    """
    from scipy.spatial import cKDTree

    correct = error < tolerance
    if not correct.any():
        return np.full(len(error), np.nan)
    positions = structure.positions % structure.box
    tree = cKDTree(positions[correct], boxsize=structure.box)
    return tree.query(positions)[0]


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
