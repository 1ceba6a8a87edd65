"""Matrices drawn from the symmetry group of a task, to turn training examples."""

from __future__ import annotations

import numpy as np

from ..structure.symmetry_groups import symmetry_matrices as symmetry_matrices


def draw_matrix(symmetry: str, dimension: int, generator: np.random.Generator) -> np.ndarray:
    """Return one matrix (d, d) float32 of the group, each with equal probability."""
    matrices = symmetry_matrices(symmetry, dimension)
    return matrices[generator.integers(len(matrices))]
