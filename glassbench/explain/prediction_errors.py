"""Errors of predictions: by configuration, by surroundings, and as counts in squares."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import pearson
from ..model import Example
from .fits import Explained, Fit
from .surroundings import distance_to_correct, local_density, mean_spacing

MOST_WORST = 5
GROUPS = 5
BINS = 32
TAIL = 0.1


def condition_errors(explained: Explained, fit: Fit) -> dict[str, Any]:
    """Return the entry of one condition: worst configurations, errors by surroundings, parity."""
    target = explained.task.target
    examples = explained.examples(fit)
    pairs = []
    for example in examples:
        chosen = explained.counted(example.structure)
        predicted = fit.predictions[example.structure.configuration][target]
        pairs.append((chosen, np.asarray(predicted, float), np.asarray(example.targets[target])))
    truth = np.concatenate([y[chosen] for chosen, _, y in pairs])
    guess = np.concatenate([x[chosen] for chosen, x, _ in pairs])
    name = partial(explained.view.species_name, fit.condition)
    on_particles = not explained.metric.on_pairs
    is_label = bool(explained.task.targets[target].label_of)
    return {
        "condition": dict(fit.condition),
        "unit": explained.task.targets[target].unit,
        "worst": _worst(explained, fit, examples, pairs),
        "errors": _by_surroundings(examples, pairs, is_label, name) if on_particles else [],
        "parity": parity(truth, guess),
    }


def parity(truth: NDArray, guess: NDArray) -> dict[str, Any] | None:
    """Return counts of particles in squares of true against predicted value.

    The axes leave out the outer 0.1 % of the truth at each end; None for a constant truth.
    """
    low, high = np.percentile(truth, [TAIL, 100 - TAIL])
    low, high = min(low, np.percentile(guess, TAIL)), max(high, np.percentile(guess, 100 - TAIL))
    if not high > low:
        return None
    counts = np.histogram2d(truth, guess, bins=BINS, range=[[low, high]] * 2)[0].astype(int)
    filled = np.argwhere(counts)
    return {
        "low": short(low),
        "high": short(high),
        "bins": BINS,
        "counts": [[int(i), int(j), int(counts[i, j])] for i, j in filled],
    }


def _worst(explained: Explained, fit: Fit, examples: Sequence[Example], pairs) -> list[dict]:
    """Return the configurations with the lowest scores, with what may explain them."""
    entry = next(e for e in explained.record["conditions"] if e["condition"] == dict(fit.condition))
    score = entry["scores"][explained.metric.name]
    seed = next(s for s in score["seeds"] if s["seed"] == explained.seed)
    values = dict(zip(entry["configurations"], seed["by_configuration"]))
    rows = []
    for example, (chosen, x, y) in zip(examples, pairs, strict=True):
        name = example.structure.configuration
        rows.append(
            {
                "configuration": name,
                "value": values.get(name),
                "target_mean": short(y[chosen].mean()),
                "target_spread": short(y[chosen].std()),
                "bias": short((x - y)[chosen].mean()),
            }
        )
    sign = 1 if explained.metric.higher_is_better else -1
    worst_first = sorted(
        rows, key=lambda r: (r["value"] is None, sign * (r["value"] or 0), r["configuration"])
    )
    return worst_first[:MOST_WORST]


def _by_surroundings(
    examples: Sequence[Example], pairs, is_label: bool, species_name: Callable[[int], str]
) -> list[dict[str, Any]]:
    """Return errors by species (all of them), density and distance to correct particles.

    A particle is correct if its class is right, or, where the target is no label, if its error
    is below half of the standard deviation of the target.
    """
    species = np.concatenate([e.structure.species for e in examples])
    guess = np.concatenate([x for _, x, _ in pairs])
    truth = np.concatenate([y for _, _, y in pairs])
    counted = np.concatenate([chosen for chosen, _, _ in pairs])
    density = np.concatenate([local_density(e.structure) for e in examples])
    distance = []
    for example, (chosen, x, y) in zip(examples, pairs, strict=True):
        error = np.where(chosen, np.abs(x - y), np.nan)
        tolerance = 0.5 if is_label else 0.5 * y[chosen].std()
        away = distance_to_correct(example.structure, error, tolerance)
        distance.append(away / mean_spacing(example.structure))
    away = np.concatenate(distance)
    kinds = [
        _group(species_name(kind), guess, truth, species == kind)
        for kind in np.unique(species).tolist()
    ]
    tables = [
        {"by": "species (all particles)", "unit": "", "groups": kinds},
        {
            "by": "local number density, relative to the mean",
            "unit": "",
            "groups": _quantile_groups(density / density.mean(), guess, truth, counted),
        },
        {
            "by": "distance to the nearest correctly predicted particle, in mean distances",
            "unit": "",
            "groups": _distance_groups(away, guess, truth, counted),
        },
    ]
    return [table for table in tables if table["groups"]]


def _quantile_groups(values, guess, truth, counted) -> list[dict[str, Any]]:
    """Return groups of equal size along a property; equal values stay together."""
    edges = np.unique(np.quantile(values[counted], np.linspace(0, 1, GROUPS + 1)))
    groups = []
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        last = k == len(edges) - 2
        inside = counted & (values >= low) & ((values <= high) if last else (values < high))
        if inside.any():
            groups.append(_group(f"{low:.3g} to {high:.3g}", guess, truth, inside))
    return groups


def _distance_groups(away, guess, truth, counted) -> list[dict[str, Any]]:
    edges = (0.0, 1e-9, 1.0, 1.5, 2.0, np.inf)
    labels = ("itself correct", "up to 1", "1 to 1.5", "1.5 to 2", "beyond 2")
    groups = []
    for label, low, high in zip(labels, edges[:-1], edges[1:], strict=True):
        inside = counted & (away >= low) & (away < high)
        if inside.any():
            groups.append(_group(label, guess, truth, inside))
    return groups


def _group(label: str, guess, truth, inside) -> dict[str, Any]:
    x, y = guess[inside], truth[inside]
    correlation = float(pearson(x, y)) if len(x) > 2 else np.nan
    return {
        "label": label,
        "particles": int(inside.sum()),
        "mean_absolute_error": short(np.abs(x - y).mean()),
        "bias": short((x - y).mean()),
        "pearson": short(correlation) if np.isfinite(correlation) else None,
    }


def short(value: float) -> float:
    """Return a value with four significant digits."""
    return float(f"{float(value):.4g}")
