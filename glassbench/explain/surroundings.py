"""What surrounds a particle, as far as errors may depend on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model import Structure

SHELL_IN_SPACINGS = 2.0


def local_density(structure: Structure) -> NDArray[np.float64]:
    """Return the number density around each particle.

    n_i / v(R), n_i the particles within R of particle i and itself, v(R) the volume of the
    ball, R = 2 mean distances (V/N)^(1/d)

    Returns
    -------
    (N,), in the inverse volume unit of the system
    """
    radius = SHELL_IN_SPACINGS * mean_spacing(structure)
    tree = _tree(structure)
    inside = tree.query_ball_point(tree.data, radius, return_length=True)
    dimensions = len(structure.box)
    ball = np.pi * radius**2 if dimensions == 2 else 4 / 3 * np.pi * radius**3
    return inside / ball


def distance_to_correct(
    structure: Structure, error: NDArray[np.float64], tolerance: float
) -> NDArray[np.float64]:
    """Return how far the nearest correctly predicted particle lies.

    The distance tells how large the failing regions are.

    Parameters
    ----------
    error : (N,), absolute errors; NaN for particles that do not count
    tolerance : a particle is correct if its error is below it

    Returns
    -------
    (N,), length unit of the system; 0 for correct particles, NaN where there is none
    """
    from scipy.spatial import cKDTree

    correct = error < tolerance
    if not correct.any():
        return np.full(len(error), np.nan)
    positions = structure.positions % structure.box
    tree = cKDTree(positions[correct], boxsize=structure.box)
    return tree.query(positions)[0]


def mean_spacing(structure: Structure) -> float:
    """Return the mean distance (V/N)^(1/d), length unit of the system."""
    volume = float(np.prod(structure.box))
    return (volume / len(structure.positions)) ** (1 / len(structure.box))


def _tree(structure: Structure):
    from scipy.spatial import cKDTree

    return cKDTree(structure.positions % structure.box, boxsize=structure.box)
