"""R_i and D_i against a direct evaluation of their definition, and what they do not see."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.structure.non_affine import non_affine_squared_displacement

NeighbourRelative = load_generator(load_task("ka_propensity")).local_motion.NeighbourRelative
BOX = np.array([6.0, 6.5, 7.0])


@pytest.fixture
def moved():
    generator = np.random.default_rng(2)
    start = generator.uniform(0, 1, (150, 3)) * BOX
    return start, generator.normal(0, 0.3, start.shape)


def direct(start, displacement, cutoff=1.6):
    """Evaluate the definition particle by particle, the strain by numpy's least squares."""
    found = []
    for i in range(len(start)):
        vectors = start - start[i]
        vectors -= BOX * np.rint(vectors / BOX)
        near = np.flatnonzero(np.linalg.norm(vectors, axis=1) < cutoff)
        near = near[near != i]
        relative = displacement[near] - displacement[i]
        strain = np.linalg.lstsq(vectors[near], relative, rcond=None)[0]
        rest = displacement[near] - vectors[near] @ strain
        own = np.linalg.norm(displacement[i] - rest.mean(axis=0))
        found.append([own, np.sqrt(((rest - displacement[i]) ** 2).sum(axis=1).mean())])
    return np.array(found).T


def test_both_are_those_of_the_definition(moved):
    start, displacement = moved
    found = NeighbourRelative(start, BOX)(displacement)
    assert np.allclose(found, direct(start, displacement), atol=1e-9)
    assert (found[1] >= found[0] - 1e-12).all()


def test_the_square_is_the_mean_of_the_non_affine_squared_displacement(moved):
    start, displacement = moved
    neighbours = NeighbourRelative(start, BOX)
    total = non_affine_squared_displacement(start, start + displacement, BOX, 1.6)
    assert np.allclose(neighbours(displacement)[1] ** 2 * neighbours.count, total, atol=1e-9)


def test_a_translation_changes_neither(moved):
    start, displacement = moved
    neighbours = NeighbourRelative(start, BOX)
    assert np.allclose(neighbours(displacement), neighbours(displacement + [3.0, -1.0, 0.5]))


def test_only_the_particle_that_jumps_and_its_neighbours_see_the_jump(moved):
    start, _ = moved
    displacement = np.zeros_like(start)
    displacement[7] = [0.4, 0, 0]
    relative, rest = NeighbourRelative(start, BOX)(displacement)
    vectors = start - start[7]
    far = np.linalg.norm(vectors - BOX * np.rint(vectors / BOX), axis=1) >= 1.6
    assert relative[7] > 0.05 and np.abs(relative[far]).max() < 1e-12
    assert np.abs(rest[far]).max() < 1e-12


def test_particles_without_neighbours_have_zeros_and_wrong_shapes_are_refused():
    neighbours = NeighbourRelative(np.array([[1.0, 1, 1], [4, 4, 4]]), BOX)
    assert not np.any(neighbours(np.ones((2, 3))))
    with pytest.raises(ValueError, match=r"shape \(3, 3\), the positions \(2, 3\)"):
        neighbours(np.ones((3, 3)))
