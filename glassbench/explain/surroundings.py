"""What surrounds a particle, as far as errors may depend on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model import Structure
from ..structure.pair_distribution import mean_spacing

SHELL_IN_SPACINGS = 2.0


def local_density(structure: Structure) -> NDArray[np.float64]:
    """Return the number density n_i / v(R) around each particle, (N,), per volume.

    n_i are the particles within R of particle i and itself, v(R) is the volume of the ball,
    R = 2 mean distances (V/N)^(1/d).
    """
    from scipy.spatial import cKDTree

    radius = SHELL_IN_SPACINGS * mean_spacing(structure)
    positions = structure.positions % structure.box
    tree = cKDTree(positions, boxsize=structure.box)
    inside = tree.query_ball_point(positions, radius, return_length=True)
    ball = np.pi * radius**2 if len(structure.box) == 2 else 4 / 3 * np.pi * radius**3
    return inside / ball


def distance_to_correct(
    structure: Structure, error: NDArray[np.float64], tolerance: float
) -> NDArray[np.float64]:
    """Return how far the nearest correctly predicted particle lies: how large failing regions are.

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
