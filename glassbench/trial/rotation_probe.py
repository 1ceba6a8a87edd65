"""What a model predicts for one configuration as it turns against the load.

In the plane of shear direction and plane normal a load looks the same after half a
turn, and is reversed after a quarter: a model that has learned the coupling of
structure and load gives to the particles that rearrange more at 0 and 180 degrees
than at 90 and 270 (Fan & Ma, Nat. Commun. 12, 1506 (2021), Fig. 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..model import Structure

QUARTERS = (0.0, 90.0, 180.0, 270.0)
Predict = Callable[[Sequence[Structure]], Sequence[np.ndarray]]


@dataclass(frozen=True)
class RotationCurve:
    """Predictions for the particles of one configuration that rearrange, at several angles.

    Attributes
    ----------
    degrees : (A,) counter-clockwise turns of the configuration against the load
    particles : (M,) indices of the particles
    predictions : (A, M)
    """

    configuration: str
    degrees: tuple[float, ...]
    particles: np.ndarray
    predictions: np.ndarray

    @property
    def anisotropy(self) -> float:
        """Mean over the particles of P(0) + P(180) - P(90) - P(270); NaN where there are none."""
        places = [self.degrees.index(angle) for angle in QUARTERS]
        first, second, third, fourth = self.predictions[places]
        if not len(self.particles):
            return float("nan")
        return float(np.mean(first + third - second - fourth))


def turned_against_load(structure: Structure, degrees: float) -> Structure:
    """Return the structure as the load sees it after it was turned counter-clockwise.

    Turning it by R in the plane of shear direction and plane normal, x' = R F r, is the
    same as to take R F for the frame F: positions and box stay, and nothing is cut.

    Raises
    ------
    ValueError
        If the structure has no frame.
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


def probe_rotation(
    predict: Predict,
    structure: Structure,
    particles: np.ndarray,
    degrees: Sequence[float] = QUARTERS,
) -> RotationCurve:
    """Return what a model predicts for some particles of a structure as it turns.

    Parameters
    ----------
    predict : from structures to the prediction (N,) of each
    particles : (M,) indices, such as of the true positives
    degrees : angles; those of QUARTERS must be among them

    Raises
    ------
    ValueError
        If the structure has no frame, or an angle of QUARTERS is missing.
    """
    angles = tuple(float(angle) for angle in degrees)
    missing = [angle for angle in QUARTERS if angle not in angles]
    if missing:
        raise ValueError(f"the angles {angles} lack {missing[0]:g} degrees: add it")
    turned = [turned_against_load(structure, angle) for angle in angles]
    predictions = np.array([np.asarray(values)[particles] for values in predict(turned)])
    return RotationCurve(structure.configuration, angles, np.asarray(particles), predictions)
