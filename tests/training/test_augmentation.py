"""The symmetry groups are groups, and hold what the tasks declare."""

import numpy as np
import pytest

from glassbench.training.augmentation import draw_matrix, symmetry_matrices

CASES = [
    ("none", 3, 1),
    ("square", 2, 8),
    ("cubic", 3, 48),
    ("shear_2d", 2, 4),
    ("shear_3d", 3, 8),
]


@pytest.mark.parametrize(("symmetry", "dimension", "order"), CASES)
def test_the_matrices_form_a_group_of_orthogonal_matrices(symmetry, dimension, order):
    matrices = symmetry_matrices(symmetry, dimension)
    assert matrices.shape == (order, dimension, dimension)
    elements = {matrix.tobytes() for matrix in matrices}
    assert len(elements) == order
    for a in matrices:
        np.testing.assert_array_equal(a @ a.T, np.eye(dimension))
        for b in matrices:
            assert (a @ b + 0.0).astype(np.float32).tobytes() in {
                (m + 0.0).tobytes() for m in matrices
            }


@pytest.mark.parametrize(("symmetry", "dimension"), [("shear_2d", 2), ("shear_3d", 3)])
def test_the_mirrors_under_load_leave_the_symmetric_shear_unchanged(symmetry, dimension):
    shear = np.zeros((dimension, dimension))
    shear[0, 1] = shear[1, 0] = 1
    for matrix in symmetry_matrices(symmetry, dimension):
        np.testing.assert_array_equal(matrix @ shear @ matrix.T, shear)


def test_every_element_is_drawn():
    generator = np.random.default_rng(0)
    drawn = {draw_matrix("cubic", 3, generator).tobytes() for _ in range(1000)}
    assert len(drawn) == 48


def test_a_group_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match="3 dimensions, the structure has 2"):
        symmetry_matrices("cubic", 2)
