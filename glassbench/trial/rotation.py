"""The rotation probe: predictions for test structures that are turned against their load.

In the plane of shear direction and plane normal a load looks the same after half a
turn, and is reversed after a quarter: a model that has learned the coupling of
structure and load gives to the particles that rearrange more at 0 and 180 degrees
than at 90 and 270 (Fan & Ma, Nat. Commun. 12, 1506 (2021), Fig. 4).

Only loads with labels are probed: the first load of every sample, then the second, as
far as `MOST_TURNED` predictions go, at quarter turns, and the first every 30 degrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..contract.checked import finite
from ..contract.task import Task
from ..datasets.view import View
from ..model import Condition, Predictions, Structure

QUARTERS = (0.0, 90.0, 180.0, 270.0)
# The largest number of turned structures for which a trial predicts.
MOST_TURNED = 64
FINE = tuple(float(angle) for angle in range(0, 360, 30))
CURVES = 5
FRAME_DECIMALS = 9
# Between the name of a configuration and its turn, in the file of predictions.
TURN = "|turned="


@dataclass(frozen=True)
class DrawnCurves:
    """Of some positives of the structure that is finely turned, `values` (particles, angles)."""

    configuration: str
    degrees: list[float]
    particles: list[int]
    values: list[list[float]]


@dataclass(frozen=True)
class RotationScores:
    """The probed structures with their parents; a structure without a positive has no value."""

    configurations: list[str]
    parents: list[str]
    by_configuration: list[float | None]
    curves: DrawnCurves


def anisotropy(degrees: Sequence[float], predictions: np.ndarray) -> float:
    """Return the mean over particles of P(0) + P(180) - P(90) - P(270); NaN where there are none.

    Parameters
    ----------
    degrees : (A,) counter-clockwise turns of the configuration against the load
    predictions : (A, M) for particles that rearrange
    """
    first, second, third, fourth = predictions[[degrees.index(angle) for angle in QUARTERS]]
    return float(np.mean(first + third - second - fourth)) if len(first) else float("nan")


def turned_against_load(structure: Structure, degrees: float) -> Structure:
    """Return the structure as the load sees it after it was turned counter-clockwise.

    Turning it by R in the plane of shear direction and plane normal, x' = R F r, is the
    same as to take R F for the frame F: positions and box stay, and nothing is cut.
    """
    if structure.frame is None:
        raise ValueError(
            f"configuration {structure.configuration} has no frame: it can be turned under a "
            "load alone"
        )
    quarter, rest = divmod(degrees, 90.0)
    # Exact at multiples of 90 degrees, where cos and sin of a float are not.
    cosine, sine = np.cos(np.deg2rad(rest)), np.sin(np.deg2rad(rest))
    for _ in range(int(quarter) % 4):
        cosine, sine = -sine, cosine
    rotation = np.eye(len(structure.frame))
    rotation[:2, :2] = [[cosine, -sine], [sine, cosine]]
    return replace(structure, frame=rotation @ structure.frame)


def turned_structures(view: View, condition: Condition) -> dict[str, Structure]:
    """Return the turned test structures at a condition, by configuration and turn.

    Turns that another load of the sample shows already are left out: the reverse of a
    load is the load turned by 90 degrees, so that only half of the quarter turns are new.
    """
    return _sources(view, condition)[0]


def _sources(
    view: View, condition: Condition
) -> tuple[dict[str, Structure], dict[str, dict[float, str]]]:
    """Return the turned structures that no test structure equals, by name, and where to look.

    The second gives, by configuration and angle, the name of the structure to predict for.
    """
    structures = [s for s in view.structures("test", condition) if s.frame is not None]
    known = {_seen(structure): structure.configuration for structure in structures}
    turned: dict[str, Structure] = {}
    told: dict[str, dict[float, str]] = {}
    for structure in _in_rounds(structures):
        new: dict[tuple, tuple[str, Structure]] = {}
        of: dict[float, str] = {}
        for angle in QUARTERS if told else FINE:
            seen = turned_against_load(structure, angle)
            of[angle] = known.get(_seen(seen), f"{structure.configuration}{TURN}{angle:g}")
            if _seen(seen) not in known:
                new[_seen(seen)] = (of[angle], seen)
        if len(turned) + len(new) > MOST_TURNED:
            continue
        turned.update(new.values())
        known.update((seen, name) for seen, (name, _) in new.items())
        told[structure.configuration] = of
    return turned, told


def _in_rounds(structures: Sequence[Structure]) -> list[Structure]:
    """Return the first load of every sample, then the second of every sample, and so on."""
    loads: dict[bytes, int] = {}
    rounds = []
    for structure in structures:
        sample, _ = _seen(structure)
        rounds.append(loads.get(sample, 0))
        loads[sample] = rounds[-1] + 1
    return [structures[k] for k in np.argsort(rounds, kind="stable")]


def _seen(structure: Structure) -> tuple[bytes, bytes]:
    """Return what tells structures apart: the positions, and the frame but for rounding."""
    assert structure.frame is not None
    frame = np.round(structure.frame, FRAME_DECIMALS) + 0.0  # no negative zero
    return hashlib.sha256(structure.positions.tobytes()).digest(), frame.tobytes()


def score_rotation(
    task: Task,
    view: View,
    condition: Condition,
    upright: Mapping[str, Predictions],
    turned: Mapping[str, Predictions],
) -> RotationScores:
    """Return the anisotropy of the predictions for the particles that rearrange, the positives.

    Predictions are given by configuration, `turned` as `turned_structures` names them.
    """
    predictions = {**upright, **turned}
    told = _sources(view, condition)[1]
    curves: list[tuple[str, list[float], np.ndarray, np.ndarray]] = []
    parents = []
    for example, parent in zip(
        view.examples("test", (condition,)), view.parents("test", condition), strict=True
    ):
        name = example.structure.configuration
        if name not in told:
            continue
        positive = np.flatnonzero(example.targets[task.target] > 0)
        values = np.array(
            [np.asarray(predictions[at][task.target])[positive] for at in told[name].values()]
        )
        curves.append((name, list(told[name]), positive, values))
        parents.append(parent)
    name, degrees, particles, values = max(curves, key=lambda curve: len(curve[1]))
    return RotationScores(
        configurations=[name for name, *_ in curves],
        parents=parents,
        by_configuration=[finite(anisotropy(turns, v)) for _, turns, _, v in curves],
        curves=DrawnCurves(
            configuration=name,
            degrees=degrees,
            particles=particles[:CURVES].tolist(),
            values=values[:, :CURVES].T.astype(float).tolist(),
        ),
    )
