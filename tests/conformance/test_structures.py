"""The structures of the conformance test look like a glass, and their targets follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.conformance import glassy_structure, make_examples
from glassbench.model import Structure
from glassbench.plugins.registry import load_task
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
    assert thermal.dynamics is None
    dynamics = make_examples(task, ("thermal", "dynamics"), particles=200).test[0].structure
    assert (dynamics.dynamics["vibrational_msd"] > 0).all()


@pytest.mark.parametrize(("symmetry", "dimension"), [("square", 2), ("shear_2d", 2), ("none", 3)])
def test_the_symmetry_of_the_task_decides_dimension_and_frame(symmetry, dimension):
    task = load_task("ka_propensity").model_copy(update={"symmetry": symmetry})
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


@pytest.mark.parametrize(("name", "dimension"), [("lj2d_plasticity", 2), ("cuzr_plasticity", 3)])
def test_loads_differ_between_structures_and_the_one_under_check_is_not_turned(name, dimension):
    examples = make_examples(load_task(name), particles=300)
    everything = (*examples.train, *examples.valid, *examples.test)
    frames = np.array([example.structure.frame for example in everything])
    assert np.allclose(frames @ frames.transpose(0, 2, 1), np.eye(dimension))
    assert len(np.unique(frames.round(6), axis=0)) == len(everything)
    assert np.array_equal(examples.test[0].structure.frame, np.eye(dimension))


def test_labels_come_with_balanced_sets():
    example = make_examples(load_task("lj2d_plasticity"), particles=300).train[0]
    labels = example.targets["rearranging"]
    assert set(np.unique(labels)) == {0, 1} and labels.sum() == 60
    assert labels[example.balanced].mean() == 0.5
    assert (example.targets["d2min"][labels > 0].min()) > example.targets["d2min"][
        labels == 0
    ].max()


def test_metals_are_as_large_as_metals():
    structure = make_examples(load_task("cuzr_stiffness")).train[0].structure
    assert structure.box.min() > 20
    pairs = neighbour_pairs(structure.positions, structure.box, 4.0)
    assert 2.2 < np.median(pairs.distances) < 3.6
