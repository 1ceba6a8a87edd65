"""A periodic box folds positions into itself and refuses what has no meaning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glassbench.structure.periodic_box import check_cutoff, checked_species, minimum_image, wrap

coordinates = st.floats(-1e4, 1e4, allow_nan=False, width=64)


@given(arrays(np.float64, (5, 2), elements=coordinates), st.floats(0.1, 100), st.floats(0.1, 100))
def test_wrapped_positions_lie_inside_and_differ_by_whole_edges(positions, width, height):
    box = np.array([width, height])
    wrapped = wrap(positions, box)
    assert (wrapped >= 0).all() and (wrapped < box).all()
    moved = (positions - wrapped) / box
    assert np.allclose(moved, np.rint(moved), atol=1e-9 * (1 + np.abs(moved)))


def test_coordinates_that_round_to_the_edge_wrap_to_zero():
    wrapped = wrap(np.array([[-1e-20, 3.0], [3.0, -3.0]]), np.array([3.0, 3.0]))
    assert np.array_equal(wrapped, np.zeros((2, 2)))


def test_the_minimum_image_is_the_shortest_of_all_images():
    generator = np.random.default_rng(0)
    box = np.array([3.0, 5.0, 4.0])
    vectors = (generator.random((50, 3)) - 0.5) * 4 * box
    images = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    lengths = np.linalg.norm(vectors[:, None] + images * box, axis=-1)
    assert np.allclose(np.linalg.norm(minimum_image(vectors, box), axis=1), lengths.min(axis=1))


def test_a_box_shorter_than_twice_the_cutoff_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"box edge 3\.2 is shorter than twice the cutoff 2: repl"):
        check_cutoff(2.0, np.array([9.0, 3.2]))
    assert check_cutoff(1.6, np.array([9.0, 3.2])) == 1.6


@pytest.mark.parametrize(
    ("species", "message"),
    [
        (np.zeros(3, int), r"shape \(3,\): give \(4,\)"),
        (np.zeros(4), "float64: give integers"),
        (np.array([0, 1, 2, 0]), "from 0 to 2, outside 0 to 1"),
        (np.array([0, -1, 1, 0]), "from -1 to 1, outside 0 to 1"),
    ],
)
def test_species_that_name_no_species_are_refused(species, message):
    with pytest.raises(ValueError, match=message):
        checked_species(species, 4, 2)
