"""The rotation probe of a trial: test structures turned against their load, and what comes of it.

Only loads on which labels stand are probed: the first structure of each of the first
test samples at quarter turns, and the first of all every 30 degrees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .model import Condition, Predictions, Structure
from .rotation_probe import QUARTERS, RotationCurve, turned_against_load
from .task import Task

if TYPE_CHECKING:
    from .datasets.view import View

SAMPLES = 8
FINE = tuple(float(angle) for angle in range(0, 360, 30))
CURVES = 5
# Between the name of a configuration and its turn, in the file of predictions.
TURN = "|turned="


def is_probed(task: Task) -> bool:
    """Return whether the task has labels that depend on a load."""
    return task.symmetry.startswith("shear") and bool(task.targets[task.target].label_of)


def turned_structures(view: View, condition: Condition) -> dict[str, Structure]:
    """Return the turned test structures at a condition, by configuration and turn."""
    found: dict[str, Structure] = {}
    parents: set[str] = set()
    structures, of = view.structures("test", condition), view.parents("test", condition)
    for structure, parent in zip(structures, of, strict=True):
        if parent in parents or len(parents) == SAMPLES or structure.frame is None:
            continue
        for angle in FINE if not parents else QUARTERS:
            name = f"{structure.configuration}{TURN}{angle:g}"
            found[name] = turned_against_load(structure, angle)
        parents.add(parent)
    return found


def score_rotation(
    task: Task, view: View, condition: Condition, predictions: Mapping[str, Predictions]
) -> dict[str, Any]:
    """Return the anisotropy of the predictions for the particles that rearrange.

    Parameters
    ----------
    predictions : by configuration and turn, as `turned_structures` names them

    Returns
    -------
    `configurations`, `parents` : probed structures
    `by_configuration` : the mean over positives of P(0) + P(180) - P(90) - P(270) in each,
        None where there is no positive
    `curves` : `configuration`, `degrees` (A,), `particles` and `values` (particles, A) of
        some positives of the first structure that has any finely turned
    """
    turns: dict[str, dict[float, np.ndarray]] = {}
    for name, answer in predictions.items():
        configuration, _, angle = name.partition(TURN)
        turns.setdefault(configuration, {})[float(angle)] = np.asarray(answer[task.target])
    probed = [
        (example, parent)
        for example, parent in zip(
            view.examples("test", (condition,)), view.parents("test", condition), strict=True
        )
        if example.structure.configuration in turns
    ]
    curves = []
    for example, _ in probed:
        by_angle = turns[example.structure.configuration]
        positive = np.flatnonzero(example.targets[task.target] > 0)
        values = np.array([by_angle[angle][positive] for angle in by_angle])
        name = example.structure.configuration
        curves.append(RotationCurve(name, tuple(by_angle), positive, values))
    fine = max(curves, key=lambda curve: len(curve.degrees))
    return {
        "configurations": [curve.configuration for curve in curves],
        "parents": [parent for _, parent in probed],
        "by_configuration": [_defined(curve.anisotropy) for curve in curves],
        "curves": {
            "configuration": fine.configuration,
            "degrees": list(fine.degrees),
            "particles": fine.particles[:CURVES].tolist(),
            "values": fine.predictions[:, :CURVES].T.astype(float).tolist(),
        },
    }


def rotation_entry(results: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the record's entry of the probe, averaged over seeds, with its interval.

    Structures without a positive are left out, for there is nothing to turn.
    """
    from .metrics import interval_of_mean

    if not results:
        return None
    first = results[0]
    kept = [k for k, value in enumerate(first["by_configuration"]) if value is not None]
    values = [float(np.mean([result["by_configuration"][k] for result in results])) for k in kept]
    interval = None
    if values:
        found = interval_of_mean(values, [first["parents"][k] for k in kept])
        ends = [float(found.low), float(found.high)]
        interval = ends if all(map(math.isfinite, ends)) else None
    return {
        "value": float(np.mean(values)) if values else None,
        "interval": interval,
        "configurations": [first["configurations"][k] for k in kept],
        "by_configuration": values,
        "curves": dict(first["curves"]),
    }


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
