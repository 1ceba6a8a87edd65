"""The graph of a structure names its edges, both orders of them, and its pairs."""

import numpy as np
import torch

from glassbench.model import Structure
from glassbench.training.graph_inputs import graph_inputs


def structure(pair_cutoff=1.5):
    positions = np.random.default_rng(0).uniform(0, 5, (60, 3))
    vectors = positions[None] - positions[:, None]
    distances = np.linalg.norm(vectors - 5 * np.round(vectors / 5), axis=-1)
    pairs = np.argwhere(np.triu(distances < pair_cutoff, 1))
    species = (np.arange(60) % 5 == 0).astype(np.int8)
    return Structure(positions, species, np.full(3, 5.0), "x", pairs=pairs), distances


def test_edges_stand_in_both_orders():
    inputs = graph_inputs(structure()[0], 2.0)
    assert (inputs["receiver"].diff() >= 0).all()
    assert (inputs["sender"][inputs["sender_order"]].diff() >= 0).all()
    assert (inputs["sender"] != inputs["receiver"]).all()


def test_each_pair_finds_its_two_edges():
    given, distances = structure()
    inputs = graph_inputs(given, 2.0)
    edges = inputs["pair_edges"]
    for column, (first, second) in enumerate([(0, 1), (1, 0)]):
        chosen = edges[:, column]
        np.testing.assert_array_equal(inputs["sender"][chosen], given.pairs[:, first])
        np.testing.assert_array_equal(inputs["receiver"][chosen], given.pairs[:, second])
    lengths = inputs["vectors"][edges].norm(dim=-1)
    expected = torch.as_tensor(distances[given.pairs[:, 0], given.pairs[:, 1]])
    torch.testing.assert_close(lengths[:, 0].double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(inputs["vectors"][edges[:, 0]], -inputs["vectors"][edges[:, 1]])


def test_pairs_beyond_the_cutoff_leave_the_graph_without_pair_edges():
    assert "pair_edges" not in graph_inputs(structure(pair_cutoff=2.0)[0], 1.5)


def test_self_edges_have_no_length():
    inputs = graph_inputs(structure()[0], 2.0, self_edges=True)
    own = inputs["sender"] == inputs["receiver"]
    assert own.sum() == 60
    assert (inputs["vectors"][own] == 0).all()
