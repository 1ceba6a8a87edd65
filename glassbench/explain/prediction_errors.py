"""Errors of predictions: by configuration, by surroundings, and as counts in squares.

Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), compare g(r) around the stiffest and the
softest tenth of the atoms; a model has understood the structure where its own choice of the
extremes has the same surroundings as the true one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..metrics import pearson
from ..model import Structure
from ..structure.pair_distribution import distributions_in_spacings, mean_spacing
from . import schema
from .fits import Answer, Explained, Fit, short, spread

MOST_WORST = 5
GROUPS = 5
BINS = 32
TAIL = 0.1
AWAY = (0.0, 1e-9, 1.0, 1.5, 2.0, np.inf)
AWAY_WORDS = ("itself correct", "up to 1", "1 to 1.5", "1.5 to 2", "beyond 2")
SHELL = 2.0  # in mean distances of particles, as the next
SMALLEST, LARGEST, WIDTH = 0.5, 4.0, 0.05
SHARE = 0.1  # of the particles, at either extreme
# A name, and the mask of the particles of a group.
Groups = list[tuple[str, NDArray[np.bool_]]]


def condition_errors(explained: Explained, fit: Fit) -> schema.ConditionErrors:
    """Return the entry of one condition: worst configurations, errors by surroundings, parity."""
    answers = explained.answers(fit)
    truth = np.concatenate([one.target[one.counted] for one in answers])
    guess = np.concatenate([one.prediction[one.counted] for one in answers])
    name = partial(explained.view.species_name, fit.condition)
    is_label = bool(explained.target.label_of)
    on_particles = not explained.metric.on_pairs
    return schema.ConditionErrors(
        condition=dict(fit.condition),
        unit=explained.target.unit,
        worst=_worst(explained, fit, answers),
        errors=_by_surroundings(answers, is_label, name) if on_particles else [],
        parity=parity(truth, guess),
    )


def parity(truth: NDArray, guess: NDArray) -> schema.Parity | None:
    """Return counts of particles in squares of true against predicted value.

    The axes leave out the outer 0.1 % of the truth at each end; None for a constant truth.
    """
    low, high = np.percentile(truth, [TAIL, 100 - TAIL])
    low, high = min(low, np.percentile(guess, TAIL)), max(high, np.percentile(guess, 100 - TAIL))
    if not high > low:
        return None
    counts = np.histogram2d(truth, guess, bins=BINS, range=[[low, high]] * 2)[0].astype(int)
    filled = np.argwhere(counts)
    return schema.Parity(
        low=short(low),
        high=short(high),
        bins=BINS,
        counts=[[int(i), int(j), int(counts[i, j])] for i, j in filled],
    )


def _worst(
    explained: Explained, fit: Fit, answers: Sequence[Answer]
) -> list[schema.WorstConfiguration]:
    entry = next(e for e in explained.record["conditions"] if e["condition"] == dict(fit.condition))
    score = entry["scores"][explained.metric.name]
    seed = next(s for s in score["seeds"] if s["seed"] == explained.seed)
    values = dict(zip(entry["configurations"], seed["by_configuration"]))
    rows = []
    for one in answers:
        truth, error = one.target[one.counted], (one.prediction - one.target)[one.counted]
        rows.append(
            schema.WorstConfiguration(
                configuration=one.structure.configuration,
                value=values.get(one.structure.configuration),
                target_mean=short(truth.mean()),
                target_spread=short(truth.std()),
                bias=short(error.mean()),
            )
        )
    sign = 1 if explained.metric.higher_is_better else -1
    worst_first = sorted(
        rows, key=lambda row: (row.value is None, sign * (row.value or 0), row.configuration)
    )
    return worst_first[:MOST_WORST]


def _by_surroundings(
    answers: Sequence[Answer], is_label: bool, species_name: Callable[[int], str]
) -> list[schema.ErrorTable]:
    """Return errors by species (all of them), density and distance to correct particles.

    A particle is correct if its class is right, or, where the target is no label, if its error
    is below half of the standard deviation of the target.
    """
    species = np.concatenate([one.structure.species for one in answers])
    guess = np.concatenate([one.prediction for one in answers])
    truth = np.concatenate([one.target for one in answers])
    counted = np.concatenate([one.counted for one in answers])
    density = np.concatenate([local_density(one.structure) for one in answers])
    steps = []
    for one in answers:
        error = np.where(one.counted, np.abs(one.prediction - one.target), np.nan)
        tolerance = 0.5 if is_label else 0.5 * one.target[one.counted].std()
        distance = distance_to_correct(one.structure, error, tolerance)
        steps.append(distance / mean_spacing(one.structure))
    away = np.concatenate(steps)
    relative = density / density.mean()
    edges = np.unique(np.quantile(relative[counted], np.linspace(0, 1, GROUPS + 1)))
    by_density = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
    edges[-1:] = np.nextafter(edges[-1:], np.inf)  # the largest value belongs to the last group
    tables: dict[str, Groups] = {
        "species (all particles)": [
            (species_name(kind), species == kind) for kind in np.unique(species).tolist()
        ],
        "local number density, relative to the mean": _ranges(by_density, edges, relative, counted),
        "distance to the nearest correctly predicted particle, in mean distances": _ranges(
            AWAY_WORDS, AWAY, away, counted
        ),
    }
    return [
        schema.ErrorTable(by=by, unit="", groups=[_group(n, guess[m], truth[m]) for n, m in groups])
        for by, groups in tables.items()
        if groups
    ]


def _ranges(
    names: Sequence[str], edges: Iterable[float], values: NDArray, counted: NDArray[np.bool_]
) -> Groups:
    """Return the particles with values from one edge to below the next; empty groups are left out.

    Equal values stay together.
    """
    groups = []
    for name, (low, high) in zip(names, itertools.pairwise(edges), strict=True):
        inside = counted & (values >= low) & (values < high)
        if inside.any():
            groups.append((name, inside))
    return groups


def _group(label: str, x: NDArray, y: NDArray) -> schema.ErrorGroup:
    correlation = float(pearson(x, y)) if len(x) > 2 else np.nan
    return schema.ErrorGroup(
        label=label,
        particles=len(x),
        mean_absolute_error=short(np.abs(x - y).mean()),
        bias=short((x - y).mean()),
        pearson=short(correlation) if np.isfinite(correlation) else None,
    )


def local_density(structure: Structure) -> NDArray[np.float64]:
    """Return the number density n_i / v(R) around each particle, (N,), per volume.

    n_i are the particles within R of particle i and itself, v(R) is the volume of the ball,
    R = 2 mean distances (V/N)^(1/d).
    """
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
    correct = error < tolerance
    if not correct.any():
        return np.full(len(error), np.nan)
    positions = structure.positions % structure.box
    tree = cKDTree(positions[correct], boxsize=structure.box)
    return tree.query(positions)[0]


def extreme_surroundings(explained: Explained) -> list[schema.ExtremeSurroundings]:
    """Return g(r) around the extreme particles of the test configurations, true and predicted.

    Over the particles that count for the primary metric, with neighbours of all species, at
    the first, the middle and the last condition. Pair targets have none, nor have labels,
    whose extremes are all alike.
    """
    if explained.target.per != "particle" or explained.target.label_of:
        return []
    return [_at_condition(explained, fit) for fit in spread(explained.fits)]


def _at_condition(explained: Explained, fit: Fit) -> schema.ExtremeSurroundings:
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
            curves.append(schema.DistributionCurve(end=end, by=by, values=[short(g) for g in mean]))
    return schema.ExtremeSurroundings(
        condition=dict(fit.condition),
        unit=explained.length_unit,
        share=SHARE,
        distances=[short(r) for r in distances],
        curves=curves,
    )


def extreme_particles(values: NDArray[np.float64], end: str, share: float = SHARE) -> NDArray:
    """Return the indices of the `highest` or `lowest` share of values (N,), one at least.

    Among equal values those of lower index are taken.
    """
    order = np.argsort(values if end == "lowest" else -values, kind="stable")
    return order[: max(1, round(share * len(values)))]
