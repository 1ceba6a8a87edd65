"""The pretraining of BOTAN keeps the units of the network's updates at work."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from glassbench.home.workspace import content_folder
from glassbench.model import Structure
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.training.graph_inputs import graph_inputs

FOLDER = content_folder("baselines") / "botan"
SILENT = 40


@pytest.fixture(scope="module")
def pretrain():
    found = importlib.util.spec_from_file_location("botan_pretrain", FOLDER / "pretrain.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_silent_units_are_woken_and_the_function_stays(pretrain):
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    side = 6.0
    structure = Structure(
        generator.uniform(0, side, (250, 3)),
        (generator.random(250) < 0.2).astype(np.int8),
        np.full(3, side),
        "made",
    )
    inputs = graph_inputs(structure, 2.0)
    card = load_model_card(FOLDER)
    network = load_model_class(card)(**card.hyperparameters).network(3)
    graph = [inputs[n] for n in ("species", "vectors", "sender", "receiver", "sender_order")]
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    sum(out.square().sum() for out in network(*graph)).backward()
    optimiser.step()
    with torch.no_grad():
        for update in (network.edge_update, network.node_update):
            update.fc1.bias[:SILENT] = -1e3
        before = network(*graph)
        woken = pretrain.wake_dormant_units(network, optimiser, inputs)
        after = network(*graph)
    assert woken >= 2 * SILENT
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other)
    for update in (network.edge_update, network.node_update):
        assert (update.fc1.bias[:SILENT] > -10).all()
        assert (optimiser.state[update.fc1.weight]["exp_avg"][:SILENT] == 0).all()
        assert (optimiser.state[update.fc2.weight]["exp_avg"][:, :SILENT] == 0).all()
    assert pretrain.wake_dormant_units(network, optimiser, inputs) == 0
