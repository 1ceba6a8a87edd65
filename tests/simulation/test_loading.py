"""Loads are proper frames, distinct, and keep the volume; cells reach LAMMPS by a rotation."""

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.simulation.quasistatic_shear import triclinic_form

loadings_2d = load_generator(load_task("lj2d_plasticity")).loadings.loadings_2d
loadings_3d = load_generator(load_task("cuzr_plasticity")).loadings.loadings_3d
ALL = [*loadings_2d(), *loadings_3d()]


@pytest.mark.parametrize("loading", ALL, ids=lambda loading: loading.name)
def test_frames_are_rotations_and_volume_is_kept(loading):
    dimension = len(loading.frame)
    np.testing.assert_allclose(loading.frame @ loading.frame.T, np.eye(dimension), atol=1e-15)
    assert np.linalg.det(loading.frame) == pytest.approx(1)
    assert np.linalg.det(loading.gradient(0.1)) == pytest.approx(1)
    np.testing.assert_allclose(loading.gradient(0.0), np.eye(dimension), atol=1e-15)


@pytest.mark.parametrize("loadings", [loadings_2d(), loadings_3d()], ids=["2d", "3d"])
def test_no_two_loads_are_the_same(loadings):
    gradients = np.array([loading.gradient(0.1) for loading in loadings])
    apart = np.abs(gradients[:, None] - gradients[None]).max(axis=(2, 3))
    assert apart[~np.eye(len(loadings), dtype=bool)].min() > 0.01
    assert (
        len({loading.name for loading in loadings})
        == len(loadings)
        == {2: 4, 3: 24}[gradients.shape[1]]
    )


@pytest.mark.parametrize("loading", ALL, ids=lambda loading: loading.name)
def test_the_small_strain_is_a_shear_in_the_frame(loading):
    strain = 1e-6
    gradient = loading.frame @ loading.gradient(strain) @ loading.frame.T
    small = (gradient + gradient.T) / 2 - np.eye(len(gradient))
    expected = np.zeros_like(small)
    expected[0, 1] = expected[1, 0] = strain / 2
    np.testing.assert_allclose(small, expected, atol=1e-11)


def test_the_four_loads_of_two_dimensions_are_those_of_the_paper():
    loads = {loading.name: loading.gradient(1e-6) - np.eye(2) for loading in loadings_2d()}
    strain = {name: (value + value.T) / 2 / 1e-6 for name, value in loads.items()}
    shear, stretch = np.array([[0, 0.5], [0.5, 0]]), np.diag([0.5, -0.5])
    for name, expected in (("simple", shear), ("pure", stretch)):
        np.testing.assert_allclose(strain[f"{name}_positive"], expected, atol=1e-5)
        np.testing.assert_allclose(strain[f"{name}_negative"], -expected, atol=1e-5)


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_cell_is_a_rotation_of_an_upper_triangular_one(dimension):
    generator = np.random.default_rng(dimension)
    cell = np.diag(generator.uniform(5, 9, dimension)) + generator.normal(
        size=(dimension, dimension)
    )
    rotation, upper = triclinic_form(cell)
    np.testing.assert_allclose(rotation @ upper, cell, atol=1e-13)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(dimension), atol=1e-14)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert (np.diag(upper) > 0).all() and np.abs(np.tril(upper, -1)).max() < 1e-13
