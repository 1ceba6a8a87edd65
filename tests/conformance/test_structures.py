"""The structures of the conformance test look like a glass, and their targets follow from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassbench.conformance import glassy_structure, make_examples
from glassbench.model import Structure
from glassbench.registry import load_task
from glassbench.structure import neighbour_pairs


@pytest.mark.parametrize(("particles", "dimension", "neighbours"), [(400, 3, 13), (400, 2, 6)])
def test_particles_are_dense_and_do_not_overlap(particles, dimension, neighbours):
    structure = glassy_structure(particles, dimension, seed=3)
    assert particles / np.prod(structure.box) == pytest.approx(1.2)
    pairs = neighbour_pairs(structure.positions, structure.box, 1.4)
    assert pairs.distances.min() > 0.6
    assert len(pairs) / particles == pytest.approx(neighbours, abs=1.5)
    assert (structure.positions >= 0).all() and (structure.positions < structure.box).all()


def test_a_seed_gives_one_structure():
    first, second, third = (glassy_structure(200, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.positions, second.positions)
    assert not np.array_equal(first.positions, third.positions)


def test_tiers_that_are_not_read_are_not_given():
    task = load_task("ka_propensity")
    thermal = make_examples(task, particles=200).test[0].structure
    assert thermal.inherent_positions is None and thermal.cage_positions is None
    inherent = make_examples(task, ("thermal", "inherent"), particles=200).test[0].structure
    assert inherent.inherent_positions.shape == inherent.positions.shape
    with pytest.raises(ValueError, match="short-time dynamics"):
        make_examples(task, ("thermal", "dynamics"))


@pytest.mark.parametrize(("symmetry", "dimension"), [("square", 2), ("shear_2d", 2), ("none", 3)])
def test_the_symmetry_of_the_task_decides_dimension_and_frame(symmetry, dimension):
    task = replace(load_task("ka_propensity"), symmetry=symmetry)
    structure: Structure = make_examples(task, particles=200).train[0].structure
    assert structure.positions.shape == (200, dimension)
    assert (structure.frame is not None) == symmetry.startswith("shear")


def test_targets_tell_crowded_particles_from_free_ones():
    example = make_examples(load_task("ka_propensity"), particles=400).train[0]
    structure, target = example.structure, example.targets["propensity"]
    number = np.diff(neighbour_pairs(structure.positions, structure.box, 1.3).offsets)
    of_a = structure.species == 0
    assert np.corrcoef(number[of_a], target[of_a])[0, 1] < -0.3
    assert example.targets["pair_distance_change"].shape == (len(structure.pairs),)
    assert (structure.pairs[:, 0] < structure.pairs[:, 1]).all()
