"""Symmetry groups of the tasks, as matrices that turn neighbour vectors."""

from __future__ import annotations

from functools import cache
from itertools import permutations, product

import numpy as np


@cache
def symmetry_matrices(symmetry: str, dimension: int) -> np.ndarray:
    """Return the orthogonal matrices (G, d, d) float32 that leave a scalar target unchanged.

    - `none`: the identity.
    - `square`, `cubic`: the 8 or 48 signed permutations of the axes.
    - `shear_2d`, `shear_3d`: the mirrors that leave a shear along x with plane
      normal y unchanged: identity, (x, y) -> (y, x), (-y, -x), (-x, -y), in three
      dimensions those with z -> z and z -> -z.
    """
    expected = {"square": 2, "cubic": 3, "shear_2d": 2, "shear_3d": 3}
    if symmetry == "none":
        return np.eye(dimension, dtype=np.float32)[None]
    if symmetry not in expected:
        raise ValueError(f"symmetry `{symmetry}` is not one of none, {', '.join(expected)}")
    if expected[symmetry] != dimension:
        raise ValueError(
            f"symmetry `{symmetry}` belongs to {expected[symmetry]} dimensions, "
            f"the structure has {dimension}"
        )
    if symmetry in ("square", "cubic"):
        return _signed_permutations(dimension)
    swap, identity = np.array([[0, 1], [1, 0]]), np.eye(2)
    in_plane = np.array([identity, swap, -swap, -identity])
    if dimension == 2:
        return in_plane.astype(np.float32)
    matrices = np.zeros((8, 3, 3), dtype=np.float32)
    matrices[:, :2, :2] = np.tile(in_plane, (2, 1, 1))
    matrices[:4, 2, 2], matrices[4:, 2, 2] = 1, -1
    return matrices


def _signed_permutations(dimension: int) -> np.ndarray:
    matrices = []
    for order in permutations(range(dimension)):
        for signs in product((1, -1), repeat=dimension):
            matrix = np.zeros((dimension, dimension), dtype=np.float32)
            matrix[np.arange(dimension), order] = signs
            matrices.append(matrix)
    return np.array(matrices)
