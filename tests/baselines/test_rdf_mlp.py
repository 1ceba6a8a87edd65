"""The network on radial distribution functions learns what they tell, and chooses its shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from glassbench.conformance import make_examples
from glassbench.model import Run
from glassbench.plugins.registry import load_model_card, load_model_class, load_task
from glassbench.structure import particle_pair_distribution

CARD = load_model_card("rdf_mlp")


def make(**overrides):
    return load_model_class(CARD)(**CARD.hyperparameters_for("cuzr_stiffness", "mini", overrides))


@pytest.fixture(scope="module")
def examples():
    """Return structures whose stiffness is a sum over bins of their distribution."""
    found = make_examples(load_task("cuzr_stiffness"), particles=800)

    def told(example):
        structure = example.structure
        distribution = particle_pair_distribution(structure.positions, structure.box)
        stiffness = 0.8 + 0.05 * distribution[:, 3:8].sum(axis=1)
        return replace(example, targets={"stiffness": stiffness})

    return tuple(tuple(map(told, split)) for split in (found.train, found.valid, found.test))


def fitted(examples, tmp_path, **overrides):
    model = make(**overrides)
    run = Run(0, "stiffness", "cubic", tmp_path, score=correlation)
    model.fit(examples[0], examples[1], run)
    return model


def correlation(predictions, truths):
    pairs = zip(predictions, truths, strict=True)
    return np.mean([np.corrcoef(p["stiffness"], t.targets["stiffness"])[0, 1] for p, t in pairs])


def test_the_network_of_the_paper_has_40_inputs_and_200_units():
    model = make()
    module = load_model_class(CARD).__module__
    network = __import__("sys").modules[module].RdfNetwork(40, *model.shape)
    assert sum(p.numel() for p in network.parameters()) == 40 * 200 + 200 + 200 + 1
    assert [type(step).__name__ for step in network.network] == ["Linear", "ReLU", "Linear"]


def test_it_learns_what_the_distribution_tells(examples, tmp_path):
    model = fitted(examples, tmp_path, epochs="25", batch_atoms="200")
    predictions = model.predict([e.structure for e in examples[2]], None)
    assert correlation(predictions, examples[2]) > 0.95
    model.save(tmp_path / "saved")
    again = make(epochs="25")
    again.load(tmp_path / "saved")
    (first,), (second,) = (m.predict([examples[2][0].structure], None) for m in (model, again))
    assert np.array_equal(first["stiffness"], second["stiffness"])


def test_folds_choose_among_the_shapes_that_are_tried(examples, tmp_path):
    model = fitted(
        examples, tmp_path, epochs="3", folds="2", layers_tried="1", widths_tried="1,100"
    )
    assert model.shape == (1, 100)
    network = model.module.network
    assert network[0].out_features == 100


def test_features_and_target_are_standardised_and_constant_ones_are_let_be():
    module = __import__("sys").modules[load_model_class(CARD).__module__]
    network = module.RdfNetwork(3, 1, 4)
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(50, 3, generator=generator) * torch.tensor([1.0, 10.0, 0.0]) + 5
    network.standardise(features, torch.randn(50, generator=generator) * 3 + 2)
    seen = (features - network.mean) * network.scale
    assert torch.allclose(seen.mean(dim=0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(seen.std(dim=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"), [({"width": "0"}, "width 0 is below 1"), ({"folds": "1"}, "folds 1")]
)
def test_wrong_settings_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        make(**words)
