"""Particles with true and predicted values, packed small enough for a page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract.units import UNITS
from ..model import Structure
from .fits import Explained, Fit
from .prediction_errors import short
from .surroundings import mean_spacing

MOST_MAPS = 3
MOST_PARTICLES = 6000
COVERED = (1.0, 99.0)


def make_maps(explained: Explained) -> dict[str, list[dict[str, Any]]]:
    """Return `maps` and `structures` of an explanation: the first test configuration each.

    The first, the middle and the last condition are drawn. Pair targets and
    systems beyond `MOST_PARTICLES` have none.
    """
    target = explained.task.target
    maps: list[dict[str, Any]] = []
    structures: list[dict[str, Any]] = []
    index: dict[str, int] = {}
    if explained.task.targets[target].per != "particle":
        return {"maps": [], "structures": []}
    for fit in spread(explained.fits):
        example = explained.view.examples("test", (fit.condition,))[0]
        structure = example.structure
        if len(structure.positions) > MOST_PARTICLES:
            continue
        truth = np.asarray(example.targets[target], float)
        guess = np.asarray(fit.predictions[structure.configuration][target], float)
        if structure.configuration not in index:
            index[structure.configuration] = len(structures)
            names = [explained.view.species_name(fit.condition, kind) for kind in (0, 1)]
            structures.append(
                pack_structure(structure, length_unit(explained)) | {"species_names": names}
            )
        low, high = colour_limits(truth)
        both = np.append(truth, guess)
        maps.append(
            {
                "condition": dict(fit.condition),
                "configuration": structure.configuration,
                "unit": explained.task.targets[target].unit,
                "limits": [short(low), short(high)],
                "cut": [bool((both < low).any()), bool((both > high).any())],
                "structure": index[structure.configuration],
                "target": pack_values(truth, low, high),
                "prediction": pack_values(guess, low, high),
            }
        )
    return {"maps": maps, "structures": structures}


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


def spread(fits: Sequence[Fit]) -> list[Fit]:
    """Return up to three fits: the first, the middle, the last."""
    if len(fits) <= MOST_MAPS:
        return list(fits)
    return [fits[0], fits[len(fits) // 2], fits[-1]]


def length_unit(explained: Explained) -> str:
    """Return the unit of lengths of the dataset, empty where its system of units is unknown."""
    system = str(explained.view.dataset.attributes.get("units_system", ""))
    return UNITS.get(system, {}).get("length", "")


def _base64(array: NDArray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
