"""Neighbour pairs are those of the O(N^2) definition, whatever the box and the input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassbench.structure import neighbour_pairs, neighbourhood_blocks, pair_blocks


def assert_same_edges(pairs, expected):
    assert np.array_equal(pairs.senders, expected.senders)
    assert np.array_equal(pairs.receivers, expected.receivers)
    assert np.allclose(pairs.vectors, expected.vectors, rtol=0, atol=1e-12)


@st.composite
def configurations(draw):
    """Uniform or clustered points, from sparse to dense, in boxes of 2 to 30 cutoffs."""
    dimension = draw(st.sampled_from([2, 3]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    cutoff = draw(st.floats(0.3, 3.0))
    edges = st.one_of(st.just(2.0), st.integers(2, 8).map(float), st.floats(2.0, 30.0))
    box = cutoff * np.array([draw(edges) for _ in range(dimension)])
    positions = generator.random((draw(st.integers(0, 150)), dimension)) * box
    if draw(st.booleans()):
        positions = positions * 0.2 + 0.9 * box
    return positions, box, cutoff


@given(configurations())
@settings(max_examples=150, deadline=None)
def test_edges_are_those_of_all_pairs(pairs_by_definition, configuration):
    positions, box, cutoff = configuration
    pairs = neighbour_pairs(positions, box, cutoff)
    assert_same_edges(pairs, pairs_by_definition(positions, box, cutoff))
    assert (pairs.distances < cutoff).all()


@given(
    st.lists(st.tuples(*[st.integers(0, 32)] * 3), min_size=2, max_size=60, unique=True),
    st.integers(1, 16),
)
@settings(max_examples=100, deadline=None)
def test_distances_equal_to_the_cutoff_are_outside(pairs_by_definition, points, cutoff):
    """Coordinates in quarters are exact in binary: many pairs lie exactly at the cutoff."""
    positions, box = np.array(points) / 4, np.array([8.0, 10.0, 8.25])
    pairs = neighbour_pairs(positions, box, cutoff / 4)
    assert_same_edges(pairs, pairs_by_definition(positions, box, cutoff / 4))


@pytest.mark.parametrize("cutoff", [1.1, 2.2, 1.1 * np.sqrt(2), 3.3])
def test_a_lattice_whose_spacing_rounds_has_the_edges_of_the_definition(
    pairs_by_definition, cutoff
):
    grid = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    positions, box = grid * 1.1, np.full(3, 6.6)
    pairs = neighbour_pairs(positions, box, cutoff)
    assert_same_edges(pairs, pairs_by_definition(positions, box, cutoff))


def test_a_pair_across_a_corner_has_the_short_vector():
    positions = np.array([[0.1, 0.2, 0.3], [9.9, 7.9, 5.9]])
    pairs = neighbour_pairs(positions, np.array([10.0, 8.0, 6.0]), 1.0)
    assert pairs.senders.tolist() == [1, 0] and pairs.receivers.tolist() == [0, 1]
    assert np.allclose(pairs.vectors, [[0.2, 0.3, 0.4], [-0.2, -0.3, -0.4]])


def test_a_cubic_lattice_has_6_18_and_26_neighbours():
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    for cutoff, count in ((1.01, 6), (1.42, 18), (1.74, 26)):
        pairs = neighbour_pairs(grid, np.full(3, 5.0), cutoff)
        assert (np.diff(pairs.offsets) == count).all()


def test_every_edge_has_its_reverse_and_offsets_hold_the_edges_of_each_receiver(glass):
    pairs = neighbour_pairs(glass.positions, glass.box, 2.0)
    assert np.array_equal(pairs.receivers, np.repeat(np.arange(300), np.diff(pairs.offsets)))
    key = pairs.receivers.astype(int) * 300 + pairs.senders
    assert (np.diff(key) > 0).all()
    reverse = np.searchsorted(key, pairs.senders.astype(int) * 300 + pairs.receivers)
    assert np.array_equal(pairs.vectors[reverse], -pairs.vectors)


def test_undirected_pairs_are_the_edges_from_the_lower_index(glass):
    pairs = neighbour_pairs(glass.positions, glass.box, 2.0)
    once = pairs.undirected()
    assert 2 * len(once) == len(pairs) and (once.senders < once.receivers).all()
    assert np.array_equal(once.receivers, np.repeat(np.arange(300), np.diff(once.offsets)))
    step = glass.positions[once.receivers] - glass.positions[once.senders] - once.vectors
    assert np.allclose(step / glass.box, np.rint(step / glass.box), atol=1e-12)


def test_self_edges_come_in_their_place_with_length_zero(glass):
    plain = neighbour_pairs(glass.positions, glass.box, 1.5)
    pairs = neighbour_pairs(glass.positions, glass.box, 1.5, self_edges=True)
    own = pairs.senders == pairs.receivers
    assert own.sum() == 300 and (pairs.distances[own] == 0).all()
    assert (np.diff(pairs.receivers.astype(int) * 300 + pairs.senders) > 0).all()
    assert np.array_equal(pairs.vectors[~own], plain.vectors)
    assert len(pairs.undirected()) == len(plain.undirected())


def test_lengths_are_unchanged_by_the_symmetries_of_the_box(glass, moved):
    before = neighbour_pairs(glass.positions, glass.box, 2.5)
    after = neighbour_pairs(moved.positions, moved.box, 2.5)
    assert np.array_equal(before.senders, after.senders)
    assert np.allclose(before.distances, after.distances, atol=1e-12)


def test_permuted_particles_have_permuted_edges(glass):
    order = np.random.default_rng(3).permutation(300)
    before = neighbour_pairs(glass.positions, glass.box, 2.5)
    after = neighbour_pairs(glass.positions[order], glass.box, 2.5)
    renamed = set(zip(order[after.senders], order[after.receivers], strict=True))
    assert renamed == set(zip(before.senders, before.receivers, strict=True))


def test_a_replicated_box_has_the_same_neighbourhoods(glass):
    before = neighbour_pairs(glass.positions, glass.box, 2.5)
    images = np.array([[i, j, 0] for i in range(2) for j in range(3)]) * glass.box
    positions = (glass.positions[None] + images[:, None]).reshape(-1, 3)
    after = neighbour_pairs(positions, glass.box * [2, 3, 1], 2.5)
    assert len(after) == 6 * len(before)
    assert np.array_equal(np.diff(after.offsets), np.tile(np.diff(before.offsets), 6))


def test_a_cluster_turned_in_a_large_box_keeps_its_distances():
    generator = np.random.default_rng(5)
    cluster = generator.normal(size=(60, 3))
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    before = neighbour_pairs(cluster, np.full(3, 500.0), 1.5)
    after = neighbour_pairs(cluster @ rotation, np.full(3, 500.0), 1.5)
    assert np.array_equal(before.senders, after.senders)
    assert np.allclose(before.vectors @ rotation, after.vectors, atol=1e-12)


def test_single_precision_input_is_computed_in_double(glass, pairs_by_definition):
    single = glass.positions.astype(np.float32)
    pairs = neighbour_pairs(single, glass.box, 2.0)
    assert pairs.vectors.dtype == np.float64
    assert_same_edges(pairs, pairs_by_definition(single.astype(np.float64), glass.box, 2.0))


def test_no_particle_and_one_particle_have_no_neighbours():
    for count in (0, 1):
        pairs = neighbour_pairs(np.zeros((count, 3)), np.full(3, 4.0), 2.0)
        assert len(pairs) == 0 and pairs.vectors.shape == (0, 3) and pairs.particles == count


def test_particles_at_the_same_place_are_neighbours_at_distance_zero():
    pairs = neighbour_pairs(np.full((3, 2), 1.0), np.full(2, 4.0), 1.0)
    assert len(pairs) == 6 and (pairs.distances == 0).all()


@pytest.mark.parametrize(
    ("positions", "box", "cutoff", "message"),
    [
        (np.zeros((4, 3)), [3.2, 9.0, 9.0], 2.0, "box edge 3.2 is shorter than twice the cutoff"),
        (np.zeros((4, 4)), [9.0] * 4, 2.0, r"shape \(4, 4\)"),
        (np.zeros(12), [9.0] * 3, 2.0, r"shape \(12,\)"),
        (np.zeros((4, 3)), 9.0, 2.0, r"box has the shape \(\)"),
        (np.zeros((4, 3)), [9.0, 9.0], 2.0, r"box has the shape \(2,\)"),
        (np.zeros((4, 3)), [9.0, 9.0, np.inf], 2.0, "must be finite"),
        (np.zeros((4, 3)), [9.0, 9.0, 0.0], 2.0, "greater than 0"),
        (np.array([[0, 0], [np.nan, 1]]), [9.0, 9.0], 2.0, "position of particle 1 is"),
        (np.array([[0, 0], [np.inf, 1]]), [9.0, 9.0], 2.0, "position of particle 1 is"),
        (np.zeros((4, 3)), [9.0] * 3, 0.0, "cutoff 0.0 must be"),
        (np.zeros((4, 3)), [9.0] * 3, np.nan, "cutoff nan must be"),
    ],
)
def test_what_has_no_neighbourhood_is_refused(positions, box, cutoff, message):
    with pytest.raises(ValueError, match=message):
        neighbour_pairs(positions, np.asarray(box), cutoff)


@pytest.mark.parametrize("size", [1, 100, 10**6])
def test_blocks_hold_every_pair_once(glass, size):
    blocks = list(pair_blocks(glass.positions, glass.box, 2.5, pairs_per_block=size))
    assert all(len(block.first) >= size for block in blocks[:-1])
    found = np.sort(
        np.concatenate([np.sort([b.first, b.second], axis=0) for b in blocks], axis=1), axis=0
    )
    once = neighbour_pairs(glass.positions, glass.box, 2.5).undirected()
    order = np.lexsort(found[[0, 1]])
    assert np.array_equal(found[0][order], once.senders)
    assert np.array_equal(found[1][order], once.receivers)


def test_neighbourhoods_come_whole(glass):
    pairs = neighbour_pairs(glass.positions, glass.box, 2.5)
    seen = np.zeros(300, dtype=int)
    for block in neighbourhood_blocks(glass.positions, glass.box, 2.5):
        for particle in np.unique(block.first):
            seen[particle] += 1
            place = np.flatnonzero(block.first == particle)
            assert (np.diff(place) == 1).all()
            edges = slice(pairs.offsets[particle], pairs.offsets[particle + 1])
            order = np.argsort(block.second[place])
            assert np.array_equal(block.second[place][order], pairs.senders[edges])
            assert np.allclose(block.vectors.T[place][order], -pairs.vectors[edges])
    assert (seen == 1).all()
