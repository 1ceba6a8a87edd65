"""Particles with true and predicted values, packed small enough for a page."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Structure
from ..structure.pair_distribution import mean_spacing
from .fits import Explained, short, spread

MOST_PARTICLES = 6000
COVERED = (1.0, 99.0)


def make_maps(explained: Explained) -> dict[str, list[dict[str, Any]]]:
    """Return `maps` and `structures` of an explanation: the first test configuration each.

    The first, the middle and the last condition are drawn. Pair targets and
    systems beyond `MOST_PARTICLES` have none.
    """
    maps: list[dict[str, Any]] = []
    structures: dict[str, dict[str, Any]] = {}
    fits = spread(explained.fits) if explained.target.per == "particle" else []
    for fit in fits:
        answer = explained.answers(fit)[0]
        name = answer.structure.configuration
        if len(answer.structure.positions) > MOST_PARTICLES:
            continue
        if name not in structures:
            names = [explained.view.species_name(fit.condition, kind) for kind in (0, 1)]
            packed = pack_structure(answer.structure, explained.length_unit)
            structures[name] = packed | {"species_names": names}
        low, high = colour_limits(answer.target)
        both = np.append(answer.target, answer.prediction)
        maps.append(
            {
                "condition": dict(fit.condition),
                "configuration": name,
                "unit": explained.target.unit,
                "limits": [short(low), short(high)],
                "cut": [bool((both < low).any()), bool((both > high).any())],
                "structure": list(structures).index(name),
                "target": pack_values(answer.target, low, high),
                "prediction": pack_values(answer.prediction, low, high),
            }
        )
    return {"maps": maps, "structures": list(structures.values())}


def colour_limits(truth: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the colour scale: all but the extremes, or all where few differ."""
    low, high = np.percentile(truth, COVERED)
    # Labels of rare events are all but equal.
    return (low, high) if high > low else (truth.min(), truth.max())


def pack_structure(structure: Structure, unit: str) -> dict[str, Any]:
    """Return a structure with positions as 16-bit shares of the box, base64."""
    shares = (structure.positions % structure.box) / structure.box
    steps = np.floor(shares * 65536).clip(0, 65535).astype("<u2")
    return {
        "box": [float(f"{edge:.6g}") for edge in structure.box],
        "spacing": short(mean_spacing(structure)),
        "unit": unit,
        "species": _base64(structure.species.astype(np.uint8)),
        "positions": _base64(steps),
    }


def pack_values(values: NDArray[np.float64], low: float, high: float) -> str:
    """Return values as bytes from 0 at `low` to 255 at `high`, base64; those beyond are cut."""
    share = (values - low) / (high - low if high > low else 1.0)
    return _base64(np.rint(255 * share).clip(0, 255).astype(np.uint8))


def _base64(array: NDArray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
