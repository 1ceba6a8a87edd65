"""Surroundings of particles against sums over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.explain.prediction_errors import distance_to_correct, local_density
from glassbench.model import Structure
from glassbench.structure.pair_distribution import mean_spacing


def structure_of(dimensions: int, particles: int = 80) -> Structure:
    generator = np.random.default_rng(dimensions)
    box = np.array([4.0, 5.0, 6.0])[:dimensions]
    positions = generator.uniform(-1, 2, (particles, dimensions)) * box
    return Structure(positions, np.zeros(particles, np.int8), box)


def distances(structure: Structure) -> np.ndarray:
    vectors = structure.positions[:, None] - structure.positions[None]
    vectors -= structure.box * np.round(vectors / structure.box)
    return np.linalg.norm(vectors, axis=-1)


@pytest.mark.parametrize(("dimensions", "ball"), [(2, np.pi), (3, 4 / 3 * np.pi)])
def test_local_density_counts_all_within_two_mean_distances(dimensions, ball):
    structure = structure_of(dimensions)
    spacing = (np.prod(structure.box) / 80) ** (1 / dimensions)
    assert mean_spacing(structure) == pytest.approx(spacing)
    radius = 2 * spacing
    expected = (distances(structure) <= radius).sum(axis=1) / (ball * radius**dimensions)
    assert local_density(structure) == pytest.approx(expected)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_nearest_correct_particle_is_found_through_the_boundary(dimensions):
    structure = structure_of(dimensions)
    error = np.random.default_rng(5).uniform(0, 1, 80)
    error[:5] = np.nan
    correct = np.flatnonzero(error < 0.2)
    expected = distances(structure)[:, correct].min(axis=1)
    assert distance_to_correct(structure, error, 0.2) == pytest.approx(expected, abs=1e-9)


def test_without_a_correct_particle_there_is_no_distance():
    structure = structure_of(3)
    assert np.isnan(distance_to_correct(structure, np.ones(80), 0.1)).all()
