"""Networks on density maps see directions relative to the load, and nothing else turns them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from glassbench.model import Condition, Example, Run, Structure
from glassbench.training import DensityMapModel

CONDITION = Condition.of(strain=0.02)
EDGE, SITES = 64.0, 8


def frame(degrees):
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, sine], [-sine, cosine]])


def dumbbells(seed, load):
    """Pairs of particles on a wide lattice; positive if a pair lies along the elongation."""
    generator = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(SITES)] * 2), -1).reshape(-1, 2) * EDGE / SITES
    angle = generator.uniform(0, np.pi, len(grid))
    arms = 0.8 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    positions = np.concatenate([grid + arms, grid - arms]) + 4
    along = np.abs(arms @ load.T @ np.array([1.0, 1.0]))
    across = np.abs(arms @ load.T @ np.array([1.0, -1.0]))
    labels = np.tile(along > across, 2).astype(np.float32)
    species = np.zeros(len(positions), dtype=np.int8)
    structure = Structure(positions, species, np.full(2, EDGE), f"s{seed}", frame=load)
    return Example(structure, CONDITION, {"y": labels}, np.arange(len(labels)))


class Perceptron(DensityMapModel):
    def network(self, dimension):
        pixels = 2 * self.grid.pixels**dimension
        layers = [torch.nn.Linear(pixels, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)]
        return torch.nn.Sequential(torch.nn.Flatten(), *layers, torch.nn.Flatten(0))


def fitted(folder, train, valid, symmetry="shear_2d", score=None, **settings):
    defaults = {"epochs": 15, "batch_size": 32, "precision": "float32"}
    model = Perceptron(2.5, 0.5, **defaults | settings)
    run = Run(seed=1, target="y", symmetry=symmetry, folder=folder, score=score)
    model.fit(train, valid, run)
    return model


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    train = [dumbbells(k, frame(30 * k)) for k in range(4)]
    return fitted(tmp_path_factory.mktemp("fit"), train, [dumbbells(10, frame(75))])


def test_it_learns_a_label_that_depends_on_the_direction_of_the_load(classifier):
    test = dumbbells(20, frame(-50))
    guess = classifier.predict([test.structure], CONDITION)[0]["y"]
    assert ((guess > 0.5) == (test.targets["y"] > 0.5)).mean() > 0.85
    quarter = replace(test.structure, frame=frame(40))
    swapped = classifier.predict([quarter], CONDITION)[0]["y"]
    assert ((swapped > 0.5) == (test.targets["y"] < 0.5)).mean() > 0.85


def test_structure_and_load_turn_together(classifier):
    structure = dumbbells(21, frame(15)).structure
    quarter = frame(90)
    turned = replace(
        structure, positions=structure.positions @ quarter.T, frame=structure.frame @ quarter.T
    )
    before, after = (classifier.predict([s], CONDITION)[0]["y"] for s in (structure, turned))
    assert np.allclose(before, after, atol=1e-4)


def test_the_mirrors_of_the_load_change_nothing_when_averaged(classifier):
    structure = dumbbells(22, np.eye(2)).structure
    before = classifier.predict([structure], CONDITION)[0]["y"]
    for mirror in ([[0, 1], [1, 0]], [[0, -1], [-1, 0]], [[-1, 0], [0, -1]]):
        mirrored = replace(structure, positions=structure.positions @ np.array(mirror).T)
        assert np.allclose(before, classifier.predict([mirrored], CONDITION)[0]["y"], atol=1e-4)


def test_saved_weights_predict_the_same(classifier, tmp_path):
    structure = dumbbells(23, frame(10)).structure
    classifier.save(tmp_path)
    restored = Perceptron(2.5, 0.5)
    restored.load(tmp_path)
    before, after = (m.predict([structure], CONDITION)[0]["y"] for m in (classifier, restored))
    assert np.array_equal(before, after) and restored.parameters == classifier.parameters


def test_a_target_that_is_no_label_is_regressed_in_its_own_unit(tmp_path):
    examples = []
    for seed in range(4):
        example = dumbbells(seed, np.eye(2))
        examples.append(
            replace(example, targets={"y": 40 + 3 * example.targets["y"]}, balanced=None)
        )
    scores = []

    def score(predictions, valid):
        scores.append(-float(np.mean((predictions[0]["y"] - valid[0].targets["y"]) ** 2)))
        return scores[-1]

    model = fitted(tmp_path, examples[:3], examples[3:], score=score)
    guess = model.predict([examples[3].structure], CONDITION)[0]["y"]
    assert np.abs(guess - examples[3].targets["y"]).mean() < 1.2
    assert len(scores) == 15


def test_the_same_seed_gives_the_same_model(tmp_path):
    train, valid = [dumbbells(0, frame(0))], [dumbbells(1, frame(0))]
    first, second = (fitted(tmp_path / name, train, valid, epochs=2) for name in "ab")
    weights = first.module.state_dict(), second.module.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(
    ("precision", "dimension", "device", "expected"),
    [
        ("auto", 3, "cpu", "float32"),
        ("auto", 3, "cuda:0", "auto"),
        ("auto", 2, "cpu", "auto"),
        ("bfloat16", 3, "cpu", "bfloat16"),
    ],
)
def test_in_space_a_cpu_trains_in_float32_unless_told(precision, dimension, device, expected):
    model = Perceptron(cutoff=4.0, spacing=1.0, epochs=1, batch_size=8, precision=precision)
    model.dimension = dimension
    assert model._precision(device) == expected
