"""The response to a load: that of a small glass sheared and minimised, and that of a crystal."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from glassbench.model import Structure
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.potentials import interaction
from glassbench.structure import neighbour_pairs

LENNARD_JONES = interaction("lennard_jones_2d")
MODEL = load_model_class(load_model_card("load_response"))
response = importlib.import_module(MODEL.__module__.rpartition(".")[0] + ".response")
CAGES, SOFTENING, STRAIN_RADIUS = (2.0,), 2.5, 2.5


def minimised(positions, species, box, strain=0.0):
    """Return the positions of least energy; under simple shear along x, before the shear."""
    shear = np.eye(2)
    shear[1, 0] = strain

    def energy_and_slope(x):
        pairs = neighbour_pairs(x.reshape(-1, 2), box, 2.7).undirected()
        ends = species, pairs.senders, pairs.receivers, pairs.vectors @ shear
        return LENNARD_JONES.energies(*ends).sum(), -(LENNARD_JONES.forces(*ends) @ shear.T).ravel()

    options = {"gtol": 1e-9, "ftol": 1e-16, "maxiter": 5000, "maxfun": 10000}
    found = minimize(
        energy_and_slope, positions.ravel(), jac=True, method="L-BFGS-B", options=options
    )
    return found.x.reshape(-1, 2)


@pytest.fixture(scope="module")
def glass():
    generator = np.random.default_rng(3)
    box = np.full(2, 8.0)
    grid = np.stack(np.meshgrid(*2 * [np.arange(8.0)]), -1).reshape(-1, 2) + 0.5
    species = (np.arange(64) % 9 % 2).astype(np.int8)
    start = grid + generator.normal(scale=0.15, size=grid.shape)
    return Structure(minimised(start, species, box), species, box, frame=np.eye(2))


def measures(structure):
    unloaded = response.unloaded_response(structure, LENNARD_JONES, CAGES, SOFTENING)
    return response.response_measures(unloaded, structure, LENNARD_JONES, STRAIN_RADIUS)


def test_the_response_is_that_of_a_sheared_and_minimised_glass(glass):
    unloaded = response.unloaded_response(glass, LENNARD_JONES, CAGES)
    strain = 1e-4
    moved = minimised(glass.positions, glass.species, glass.box, strain)
    moved -= minimised(glass.positions, glass.species, glass.box, -strain)
    # A simple shear is half a turn more than the symmetric strain, which moves no particle.
    expected = moved / (2 * strain)
    expected -= expected.mean(axis=0)
    found = unloaded.displacements[:, :, 1]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


def test_turning_the_load_is_turning_the_glass_the_other_way(glass):
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = replace(glass, positions=(glass.positions @ turn.T) % 8.0)
    both = measures(replace(turned, frame=glass.frame @ turn.T))
    load_alone = measures(replace(glass, frame=glass.frame @ turn))
    for name, values in measures(glass).items():
        np.testing.assert_allclose(both[name], values, atol=1e-6, err_msg=name)
    for name, values in measures(turned).items():
        np.testing.assert_allclose(load_alone[name], values, atol=1e-6, err_msg=name)


def test_the_opposite_load_reverses_what_changes_and_nothing_else(glass):
    forth, back = measures(glass), measures(replace(glass, frame=np.diag([1.0, -1.0])))
    odd = [name for name in forth if name.startswith("change.")] + [
        "cage.along_0",
        "softening.change",
    ]
    for name, values in forth.items():
        sign = -1 if name in odd else 1
        np.testing.assert_allclose(back[name], sign * values, atol=1e-6, err_msg=name)
        assert np.ptp(values) > 0.1


def test_a_crystal_follows_its_load():
    spacing = np.array([1.0, np.sqrt(3) / 2]) * 1.1
    cell = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
    positions = (cell + np.stack([cell[:, 1] % 2 / 2, np.zeros(64)], 1)) * spacing
    crystal = Structure(positions, np.zeros(64, np.int8), 8 * spacing, frame=np.eye(2))
    unloaded = response.unloaded_response(crystal, LENNARD_JONES, CAGES)
    np.testing.assert_allclose(unloaded.displacements, 0, atol=1e-8)
    pairs = neighbour_pairs(positions, crystal.box, 2.0)
    strain = response.load_strain(crystal.frame)
    local, residual = response.local_strain(pairs, pairs.vectors @ strain)
    np.testing.assert_allclose(local, np.tile(strain, (64, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(residual, 0, atol=1e-12)


def test_a_structure_without_a_load_is_refused(glass):
    card = load_model_card("load_response")
    model = MODEL(**card.hyperparameters_for("lj2d_plasticity", "mini", {}))
    with pytest.raises(ValueError, match="has no frame"):
        model.under_load(replace(glass, frame=None))
