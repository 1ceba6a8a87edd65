"""Parts of a configuration keep every target once, and every neighbour of what they keep."""

import numpy as np
import pytest

from glassbench.model import Condition, Example, Structure
from glassbench.structure.neighbours import neighbour_pairs
from glassbench.training.cubes import cut_into_cubes


@pytest.fixture(scope="module")
def example():
    positions = np.random.default_rng(0).uniform(0, 9, (400, 3))
    box = np.full(3, 9.0)
    edges = neighbour_pairs(positions, box, 1.5).undirected()
    pairs = np.stack([edges.senders, edges.receivers], axis=1).astype(np.int64)
    structure = Structure(positions, np.zeros(400, np.int8), box, "whole", pairs=pairs)
    targets = {"particle": np.arange(400.0), "pair": np.arange(float(len(pairs)))}
    return Example(structure, Condition.of(time=1.0), targets)


def test_every_target_stands_in_one_part(example):
    parts = cut_into_cubes(example, 3, 2.0)
    assert len(parts) == 27
    for name, expected in example.targets.items():
        values = np.concatenate([part.targets[name] for part in parts])
        np.testing.assert_array_equal(np.sort(values[np.isfinite(values)]), expected)
    assert len({part.structure.configuration for part in parts}) == 27


def test_particles_of_a_cell_keep_their_neighbours(example):
    whole = neighbour_pairs(example.structure.positions, example.structure.box, 2.0)
    degree = np.bincount(whole.receivers, minlength=400)
    for part in cut_into_cubes(example, 3, 2.0):
        edges = neighbour_pairs(part.structure.positions, part.structure.box, 2.0)
        own = np.bincount(edges.receivers, minlength=len(part.structure.positions))
        core = np.isfinite(part.targets["particle"])
        named = part.targets["particle"][core].astype(int)
        np.testing.assert_array_equal(own[core], degree[named])


def test_pairs_name_the_same_particles_at_the_same_distance(example):
    s = example.structure
    for part in cut_into_cubes(example, 3, 2.0):
        p = part.structure
        chosen = s.pairs[part.targets["pair"].astype(int)]
        vectors = s.positions[chosen[:, 1]] - s.positions[chosen[:, 0]]
        vectors -= s.box * np.round(vectors / s.box)
        np.testing.assert_allclose(
            p.positions[p.pairs[:, 1]] - p.positions[p.pairs[:, 0]], vectors, atol=1e-12
        )


def test_a_part_that_would_meet_itself_is_refused(example):
    with pytest.raises(ValueError, match="does not fit the box"):
        cut_into_cubes(example, 2, 2.5)
