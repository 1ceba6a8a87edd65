"""Averages over trajectories, held against closed forms and their symmetries."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.pairs import pair_distances, undirected_pairs
from glassbench.simulation.generator import generator_of

GENERATOR = generator_of("ka_propensity")
average_trajectories = GENERATOR.isoconfigurational.average_trajectories
ensemble_arrays = GENERATOR.isoconfigurational.ensemble_arrays

BOX = np.array([5.0, 5.0, 5.0])


@pytest.fixture
def ensemble():
    generator = np.random.default_rng(3)
    start = generator.uniform(0, 5, (50, 3))
    trajectories = start + generator.normal(0, 0.3, (8, 50, 3))
    return start, trajectories, undirected_pairs(start, BOX, 2.0)


def test_averages_are_those_of_the_equations(ensemble):
    start, trajectories, pairs = ensemble
    found = average_trajectories(start, trajectories, BOX, pairs)
    displacement = np.linalg.norm(trajectories - start, axis=2)
    change = np.stack([pair_distances(x, pairs, BOX) for x in trajectories])
    change -= pair_distances(start, pairs, BOX)
    assert np.allclose(found.mean["propensity"], displacement.mean(axis=0), rtol=1e-13)
    assert np.allclose(found.mean["pair_distance_change"], change.mean(axis=0), atol=1e-13)
    first = found.mean["propensity"] + found.half_difference["propensity"]
    second = found.mean["propensity"] - found.half_difference["propensity"]
    assert np.allclose(first, displacement[:4].mean(axis=0), rtol=1e-13)
    assert np.allclose(second, displacement[4:].mean(axis=0), rtol=1e-13)
    half = found.mean["pair_distance_change"] + found.half_difference["pair_distance_change"]
    assert np.allclose(half, change[:4].mean(axis=0), atol=1e-13)


def test_a_rigid_translation_moves_every_particle_and_changes_no_pair(ensemble):
    start, _, pairs = ensemble
    shift = np.array([7.0, -3.0, 0.5])
    found = average_trajectories(start, np.stack([start + shift] * 2), BOX, pairs)
    assert np.allclose(found.mean["propensity"], np.linalg.norm(shift))
    assert np.allclose(found.mean["pair_distance_change"], 0, atol=1e-12)


def test_displacement_is_not_wrapped_and_pair_distance_is(ensemble):
    start, _, pairs = ensemble
    images = start.copy()
    images[::2] += BOX
    found = average_trajectories(start, np.stack([images] * 2), BOX, pairs)
    assert np.allclose(found.mean["propensity"][::2], np.linalg.norm(BOX))
    assert np.allclose(found.mean["propensity"][1::2], 0)
    assert np.allclose(found.mean["pair_distance_change"], 0, atol=1e-12)


def test_a_uniform_dilation_stretches_each_pair_by_its_length():
    start = np.array([[1.0, 1, 1], [2, 1, 1], [1, 2.5, 1]])
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    found = average_trajectories(start, np.stack([start * 1.1] * 2), BOX, pairs)
    assert np.allclose(found.mean["pair_distance_change"], 0.1 * pair_distances(start, pairs, BOX))


@pytest.mark.parametrize("given", [7, 0])
def test_a_wrong_number_of_trajectories_is_refused(ensemble, given):
    start, trajectories, pairs = ensemble
    with pytest.raises(DatasetError, match="trajectories"):
        average_trajectories(start, trajectories[:given], BOX, pairs)


def test_half_the_difference_measures_the_noise_of_the_mean():
    generator = np.random.default_rng(1)
    start = np.zeros((20000, 3))
    trajectories = start + np.abs(generator.normal(5, 0.4, (8, 20000, 1))) * [1, 0, 0]
    found = average_trajectories(start, trajectories, np.full(3, 100.0))
    noise = np.sqrt(np.square(found.half_difference["propensity"]).mean())
    assert noise == pytest.approx(0.4 / np.sqrt(8), rel=0.02)


def test_arrays_of_a_configuration_leave_missing_times_empty(ensemble):
    start, trajectories, pairs = ensemble
    species = np.arange(50) % 2
    arrays = ensemble_arrays(start, species, BOX, [(1, trajectories)], 3)
    assert np.array_equal(arrays["pairs"], pairs)
    assert arrays["trajectory_count"].tolist() == [0, 8, 0]
    assert np.isnan(arrays["propensity"][[0, 2]]).all()
    assert np.isfinite(arrays["propensity"][1]).all()
    close = arrays["pairs"][arrays["close_pair_index"]]
    assert (species[close] == 0).all()
    assert (pair_distances(start, close, BOX) < 1.35).all()


def test_observables_are_averaged_over_trajectories(ensemble):
    start, trajectories, _ = ensemble
    motion = GENERATOR.local_motion
    observable = motion.neighbour_relative_motion(start, BOX)
    arrays = ensemble_arrays(
        start, np.zeros(50, np.int8), BOX, [(1, trajectories)], 2, observables=[observable]
    )
    neighbours = motion.NeighbourRelative(start, BOX)
    each = np.array([neighbours(x - start) for x in trajectories])
    for column, name in enumerate(("relative_displacement", "non_affine_displacement")):
        assert np.isnan(arrays[name][0]).all()
        assert np.allclose(arrays[name][1], each[:, column].mean(axis=0))
        first = arrays[name][1] + arrays[f"{name}_half_difference"][1]
        assert np.allclose(first, each[:4, column].mean(axis=0))
    without = ensemble_arrays(start, np.zeros(50, np.int8), BOX, [(1, trajectories)], 2)
    assert "relative_displacement" not in without
