"""The undirected pairs within a cutoff, held against their definition and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassbench.contract.errors import DatasetError
from glassbench.datasets.pairs import close_pair_index, pair_distances, undirected_pairs

BOX = np.array([4.0, 5.0, 6.0])


def by_definition(positions, box, cutoff):
    images = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * box
    wrapped = np.mod(positions, box)
    return {
        (i, j)
        for i in range(len(positions))
        for j in range(i + 1, len(positions))
        if np.linalg.norm(wrapped[j] - wrapped[i] + images, axis=1).min() < cutoff
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 2.0))
def test_pairs_are_those_of_the_definition_sorted(seed, cutoff):
    positions = np.random.default_rng(seed).uniform(-3, 9, (40, 3))
    pairs = undirected_pairs(positions, BOX, cutoff)
    assert set(map(tuple, pairs)) == by_definition(positions, BOX, cutoff)
    assert np.array_equal(pairs, pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_distances_do_not_see_translations_and_periodic_images(seed):
    generator = np.random.default_rng(seed)
    positions = generator.uniform(0, 4, (30, 3))
    pairs = undirected_pairs(positions, BOX, 2.0)
    moved = positions + generator.normal(size=3) + BOX * generator.integers(-2, 3, (30, 3))
    assert np.allclose(
        pair_distances(moved, pairs, BOX), pair_distances(positions, pairs, BOX), atol=1e-12
    )


def test_two_dimensions():
    positions = np.array([[0.1, 0.1], [3.9, 3.9], [2.0, 2.0]])
    box = np.array([4.0, 4.0])
    pairs = undirected_pairs(positions, box, 1.0)
    assert pairs.tolist() == [[0, 1]]
    assert np.allclose(pair_distances(positions, pairs, box), np.hypot(0.2, 0.2))


def test_a_box_shorter_than_twice_the_cutoff_is_refused():
    with pytest.raises(DatasetError, match=r"box edge 3\.9 is shorter than twice"):
        undirected_pairs(np.zeros((2, 3)), np.array([3.9, 5, 5]), 2.0)


def test_close_pairs_are_of_type_a_and_near():
    species = np.array([0, 0, 1, 0])
    pairs = np.array([[0, 1], [0, 2], [0, 3], [1, 3]])
    distances = np.array([1.0, 1.0, 1.4, 1.34])
    assert close_pair_index(pairs, distances, species, 1.35).tolist() == [0, 3]
