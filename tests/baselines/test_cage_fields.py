"""Fields of the cages: averages and invariants against sums over all pairs."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from glassbench.conformance import glassy_structure
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.structure import coarse_grained, minimum_image

LENGTH, CUTOFF = 1.2, 3.0


@pytest.fixture(scope="module")
def package():
    return load_model_class(load_model_card("cage_fields")).__module__.rpartition(".")[0]


@pytest.fixture(scope="module")
def structure():
    return glassy_structure(300, reads=("thermal", "inherent", "cage"), with_pairs=False)


def weights_and_directions(structure):
    positions, box = structure.cage_positions, structure.box
    vectors = minimum_image(positions[None] - positions[:, None], box)
    distances = np.linalg.norm(vectors, axis=2)
    weights = np.where(distances < CUTOFF, np.exp(-distances / LENGTH), 0.0)
    return weights, vectors / np.maximum(distances, 1e-9)[:, :, None]


def test_a_scalar_is_averaged_over_all_and_over_each_species(structure):
    field = np.random.default_rng(0).normal(3.0, 1.0, (300, 1))
    around = coarse_grained(
        field, structure.cage_positions, structure.species, structure.box, [LENGTH], CUTOFF, [0]
    )
    weights, _ = weights_and_directions(structure)
    for group, chosen in enumerate((weights > -1, structure.species == 0, structure.species == 1)):
        chosen_weights = weights * chosen
        total = chosen_weights.sum(axis=1)
        centred = field[:, 0] - field.mean()
        average = chosen_weights @ centred / np.maximum(total, 1e-6)
        variance = chosen_weights @ centred**2 / np.maximum(total, 1e-6) - average**2
        expected = np.stack([total, average, variance], axis=1)
        found = around[:, 3 * group : 3 * group + 3]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_field_that_points_outward_has_a_positive_flux_and_no_mean(package, structure):
    module = importlib.import_module(f"{package}.vector_fields")
    uniform = np.tile([0.3, -0.1, 0.2], (300, 1))
    numbers = module.vector_invariants(
        [uniform], structure.cage_positions, structure.box, [LENGTH], CUTOFF
    )
    size, mean, product, difference, flux, divergence, along, spread = numbers.T
    np.testing.assert_allclose(size, np.linalg.norm(uniform[0]))
    np.testing.assert_allclose(mean, size)
    np.testing.assert_allclose(product, size**2)
    np.testing.assert_allclose(flux, along, atol=1e-12)
    for zero in (difference, divergence, spread):
        np.testing.assert_allclose(zero, 0, atol=1e-7)


def test_the_invariants_are_sums_over_neighbours(package, structure):
    module = importlib.import_module(f"{package}.vector_fields")
    first, second = np.random.default_rng(1).normal(size=(2, 300, 3))
    numbers = module.vector_invariants(
        [first, second], structure.cage_positions, structure.box, [LENGTH], CUTOFF
    )
    weights, directions = weights_and_directions(structure)
    weights /= weights.sum(axis=1, keepdims=True)
    differences = first[None] - first[:, None]
    divergence = (weights * (differences * directions).sum(axis=2)).sum(axis=1)
    cross = (weights @ first * second).sum(axis=1)
    present = [np.allclose(column, divergence) for column in numbers.T]
    assert sum(present) == 1
    assert sum(np.allclose(column, cross) for column in numbers.T) == 1


def test_cages_that_a_dataset_lacks_are_left_out(package, structure):
    card = load_model_card("cage_fields")
    smaller = {"groups": ["scalars", "vectors"], "scalar_cutoff": 3.0, "vector_cutoff": 3.0}
    model = load_model_class(card)(**{**card.hyperparameters, **smaller})
    fewer = replace(structure, narrow_cage_positions=None, wide_cage_positions=None)
    assert model.descriptors(fewer).shape[1] < model.descriptors(structure).shape[1]


def test_a_group_that_is_not_known_is_refused():
    card = load_model_card("cage_fields")
    with pytest.raises(ValueError, match="groups .*thermal_order"):
        load_model_class(card)(**{**card.hyperparameters, "groups": ["order"]})
    with pytest.raises(ValueError, match="cages .* must be cage"):
        load_model_class(card)(**{**card.hyperparameters, "cages": ["wide_cage"]})
