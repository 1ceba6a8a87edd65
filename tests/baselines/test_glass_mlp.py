"""GlassMLP's loss sees how a field varies and how it is correlated in space."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from glassbench.plugins.registry import load_model_card, load_model_class


@pytest.fixture(scope="module")
def network_module():
    package = load_model_class(load_model_card("glass_mlp")).__module__.rpartition(".")[0]
    return importlib.import_module(f"{package}.network")


def test_statistics_of_a_field_on_a_ring(network_module):
    angle = torch.arange(64) * (2 * np.pi / 64)
    field, after = 3 + torch.cos(angle), (torch.arange(64) + 1) % 64
    variance, product = network_module.field_statistics(field, torch.arange(64), after)
    assert variance.item() == pytest.approx(0.5, rel=1e-5)
    assert product.item() == pytest.approx(0.5 * np.cos(2 * np.pi / 64), rel=1e-5)


def test_each_species_has_a_network_and_a_scale_of_its_own(network_module):
    torch.manual_seed(0)
    features, species = torch.randn(200, 5), torch.arange(200) % 2
    target = torch.where(species == 1, 10 + 2 * features[:, 0], features[:, 0])
    network = network_module.GlassMlp(features=5, bottleneck=2, width=4)
    network.standardise(features, target, species)
    reduced = network.reduced(target, species)
    for kind in (0, 1):
        assert reduced[species == kind].mean().abs() < 1e-5
        assert reduced[species == kind].std() == pytest.approx(1, rel=1e-4)
    given = network.predict(features, species)
    assert given.shape == (200,)
    assert (given[species == 1].mean() - 10).abs() < 3
    assert given[species == 0].mean().abs() < 2


def test_a_loss_of_variance_is_what_the_weights_punish():
    model_class, card = load_model_class(load_model_card("glass_mlp")), load_model_card("glass_mlp")
    values = {**card.hyperparameters, "variance_weight": 2.0, "correlation_weight": 0.0}
    model = model_class(**values)
    model.target = "propensity"
    model.module = model.network(3)
    species = torch.zeros(50, dtype=torch.int64)
    wanted = torch.linspace(-1, 1, 50)
    model.module.target_centre.zero_()
    inputs = {
        "features": torch.zeros(50, 1),
        "species": species,
        "first": torch.tensor([0]),
        "second": torch.tensor([1]),
    }
    flat = model.loss(lambda *_: torch.zeros(50), inputs, {"propensity": wanted})
    variance = (wanted**2).mean()
    assert flat.item() == pytest.approx((variance + 2 * variance**2).item(), rel=1e-5)
    exact = model.loss(lambda *_: wanted, inputs, {"propensity": wanted})
    assert exact.item() == pytest.approx(0, abs=1e-12)
