"""BOTAN's network equals its equations, whatever the order of the work inside."""

import copy
import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from glassbench.structure import neighbour_pairs
from glassbench.training import edge_track

ROOT = Path(__file__).resolve().parents[2]
BOX = 5.0


def shared_file(name):
    for folder in (ROOT / "shared", ROOT.parent / "shared"):
        if (folder / "data" / "botan_small" / name).is_file():
            return folder / "data" / "botan_small" / name
    pytest.skip(f"shared/data/botan_small/{name} is not beside the project")


def load_network_module():
    path = ROOT / "baselines" / "botan" / "network.py"
    specification = importlib.util.spec_from_file_location("botan_network", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


botan = load_network_module()


def graph(seed=0, particles=50, dimension=3, dtype=torch.float64, positions=None, box=BOX):
    """Return species, vectors, sender and receiver of all edges below 2."""
    generator = np.random.default_rng(seed)
    if positions is None:
        positions = generator.uniform(0, box, (particles, dimension))
    pairs = neighbour_pairs(positions, np.full(positions.shape[1], box), 2.0)
    return (
        torch.as_tensor(generator.random(len(positions)) < 0.2).to(dtype),
        torch.as_tensor(pairs.vectors).to(dtype),
        torch.as_tensor(pairs.senders, dtype=torch.int64),
        torch.as_tensor(pairs.receivers, dtype=torch.int64),
    )


def network(seed=0, dtype=torch.float64, **sizes):
    torch.manual_seed(seed)
    return botan.Botan(**({"width": 16, "recurrences": 3} | sizes)).to(dtype)


def dense(model, species, vectors, sender, receiver):
    """Evaluate Eq. 1 to 6 as they stand, with concatenations."""
    node = first_node = model.node_encoder(species[:, None])
    edge = first_edge = model.edge_encoder(vectors)
    for _ in range(model.recurrences):
        edge = model.edge_update(torch.cat([node[sender], node[receiver], edge, first_edge], 1))
        incoming = torch.zeros_like(node).index_add(0, receiver, edge)
        node = model.node_update(torch.cat([node, first_node, incoming], 1))
    return model.decoder(node).squeeze(1), model.decoder(edge).squeeze(1)


def gradients(model, evaluate, inputs, node_weight=1.0, edge_weight=1.0):
    """Return the gradients of a loss by parameter, and by edge vector."""
    vectors = inputs[1].clone().requires_grad_()
    nodes, edges = evaluate(inputs[0], vectors, *inputs[2:])
    loss = 0.0
    if node_weight:
        loss = loss + node_weight * (nodes - 0.3).square().sum()
    if edge_weight:
        loss = loss + edge_weight * (edges * torch.arange(len(edges)).sin()).sum()
    model.zero_grad()
    loss.backward()
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return found | {"vectors": vectors.grad}


def assert_same_gradients(model, inputs, **weights):
    expected = gradients(model, lambda *given: dense(model, *given), inputs, **weights)
    found = gradients(model, model, inputs, **weights)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-11, msg=name)


def test_published_network_equals_a_dense_evaluation_on_a_published_configuration():
    model = botan.load_published(shared_file("initial_model/model1.pth"))
    path = shared_file("train/isoconfig_N4096T0.44_1_tc07.npz")
    with np.load(path, allow_pickle=False) as file:
        positions, types = file["initial_positions"], file["types"]
    _, vectors, sender, receiver = graph(positions=positions, box=(4096 / 1.2) ** (1 / 3))
    species = torch.as_tensor(types)
    assert len(sender) == 166_484
    # The network takes any edges: those among some of the particles are enough to compare.
    some = (sender < 512) & (receiver < 512)
    vectors, sender, receiver = vectors[some], sender[some], receiver[some]
    species = species[:512]
    with torch.inference_mode():
        single = model(species.float(), vectors.float(), sender, receiver)
        model.double()
        double = model(species.double(), vectors, sender, receiver)
        expected = dense(model, species.double(), vectors, sender, receiver)
    for ours, theirs in zip(double, expected):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
    for ours, theirs in zip(single, expected):
        assert (ours - theirs).norm() < 1e-5 * theirs.norm()


@pytest.mark.parametrize("rows", [1, 7, 10_000])
def test_gradients_are_those_of_the_dense_evaluation_however_the_edges_are_cut(rows, monkeypatch):
    monkeypatch.setattr(edge_track, "CPU_BLOCK_BYTES", rows * 16 * 8)
    model, inputs = network(), graph(particles=12)
    assert len(inputs[2]) % 7
    assert_same_gradients(model, inputs)


def test_gradients_of_nodes_alone_and_of_edges_alone():
    model, inputs = network(), graph()
    assert_same_gradients(model, inputs, edge_weight=0.0)
    assert_same_gradients(model, inputs, node_weight=0.0)


def test_two_dimensions_and_one_recurrence():
    model = network(dimension=2, recurrences=1)
    assert_same_gradients(model, graph(dimension=2))


def test_memory_that_is_used_again_carries_nothing_over():
    model = network()
    for seed, particles in ((1, 50), (2, 20), (3, 70)):
        assert_same_gradients(model, graph(seed, particles))


def test_two_forward_passes_may_precede_their_backward_passes():
    model, first, second = network(), graph(1), graph(2)
    losses = [sum(output.square().sum() for output in model(*given)) for given in (first, second)]
    found = torch.autograd.grad(losses[0] + losses[1], list(model.parameters()))
    total = sum(
        output.square().sum() for given in (first, second) for output in dense(model, *given)
    )
    expected = torch.autograd.grad(total, list(model.parameters()))
    for ours, theirs in zip(found, expected):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


def test_a_second_backward_pass_is_refused():
    nodes, _ = network()(*graph())
    nodes.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="run the forward pass anew"):
        nodes.sum().backward()


def test_inference_gives_the_outputs_of_training():
    model, inputs = network(dtype=torch.float32), graph(dtype=torch.float32)
    trained = model(*inputs)
    with torch.inference_mode():
        for ours, theirs in zip(model(*inputs), trained):
            assert torch.equal(ours, theirs)


def test_the_same_step_twice_is_the_same_to_the_last_bit():
    model, inputs = network(dtype=torch.float32), graph(dtype=torch.float32)
    first, second = (gradients(model, model, inputs) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_particles_may_be_numbered_in_any_order():
    model = network()
    positions = np.random.default_rng(0).uniform(0, BOX, (50, 3))
    order = np.random.default_rng(1).permutation(50)
    species, *edges = graph(positions=positions)
    _, *shuffled = graph(positions=positions[order])
    nodes, changes = model(species, *edges)
    shuffled_nodes, shuffled_changes = model(species[order], *shuffled)
    torch.testing.assert_close(shuffled_nodes, nodes[order])
    by_ends = dict(zip(zip(edges[1].tolist(), edges[2].tolist()), changes.tolist()))
    expected = [by_ends[order[i], order[j]] for i, j in zip(*(e.tolist() for e in shuffled[1:]))]
    np.testing.assert_allclose(shuffled_changes.detach(), expected, rtol=1e-9)


def test_a_translation_through_the_periodic_box_changes_nothing():
    model = network()
    positions = np.random.default_rng(0).uniform(0, BOX, (50, 3))
    before = model(*graph(positions=positions))
    after = model(*graph(positions=(positions + [1.7, -2.9, 11.3]) % BOX))
    for ours, theirs in zip(after, before):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_a_gas_without_edges():
    model = network()
    none = torch.zeros(0, dtype=torch.int64)
    inputs = (torch.tensor([0.0, 1.0, 0.0]).double(), torch.zeros(0, 3).double(), none, none)
    nodes, edges = model(*inputs)
    assert edges.shape == (0,)
    torch.testing.assert_close(nodes, dense(model, *inputs)[0])
    assert_same_gradients(model, inputs)


def test_bfloat16_stays_close():
    model, inputs = network(dtype=torch.float32), graph(dtype=torch.float32)
    exact = gradients(model, model, inputs)
    outputs = torch.cat(model(*inputs))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = torch.cat(model(*inputs))
        rough = gradients(model, model, inputs)
    assert low.dtype == torch.float32
    assert 0 < (low - outputs).norm() < 0.02 * outputs.norm()
    for name, value in exact.items():
        assert (rough[name] - value).norm() < 0.1 * value.norm(), name


def test_edges_in_another_order_are_refused():
    species, vectors, sender, receiver = graph()
    with pytest.raises(ValueError, match="not sorted by receiver"):
        network()(species, vectors, receiver, sender)


def test_edges_to_nodes_that_are_not_there_are_refused():
    species, vectors, sender, receiver = graph()
    with pytest.raises(ValueError, match="there are 10 nodes"):
        network()(species[:10], vectors, sender, receiver)


def test_vectors_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"takes \(\d+, 3\)"):
        network()(*graph(dimension=2))


def test_a_copy_has_the_weights_and_none_of_the_memory():
    model, inputs = network(), graph()
    sum(output.sum() for output in model(*inputs)).backward()
    assert model._idle
    assert len(pickle.dumps(model._idle)) < 200
    assert torch.equal(copy.deepcopy(model)(*inputs)[0], model(*inputs)[0])


def test_published_names_are_read_and_a_pickle_with_code_is_not(tmp_path):
    model = network(width=8, recurrences=7, dtype=torch.float32)
    theirs = {
        name.replace("edge_update", "network.edge_model.mlp").replace(
            "node_update", "network.node_model.mlp"
        ): value
        for name, value in model.state_dict().items()
    }
    torch.save(theirs, tmp_path / "model.pth")
    inputs = graph(dtype=torch.float32)
    assert torch.equal(botan.load_published(tmp_path / "model.pth")(*inputs)[0], model(*inputs)[0])
    torch.save(theirs | {"code": Path.cwd}, tmp_path / "code.pth")
    with pytest.raises(pickle.UnpicklingError):
        botan.load_published(tmp_path / "code.pth")


def test_last_layer_reads_what_it_is_said_to_read():
    model, inputs = network(), graph()
    nodes, edges = model.read_by_last_layer(*inputs)
    for features, outputs in zip((nodes, edges), model(*inputs), strict=True):
        torch.testing.assert_close(model.decoder.fc3(features).squeeze(1), outputs)


def test_edges_that_know_their_length_alone_make_the_outputs_unchanged_by_rotations():
    species, vectors, sender, receiver = graph()
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    outputs = {
        kind: [
            network(edge_features=kind)(species, values, sender, receiver)[0]
            for values in (vectors, vectors @ turn, 2 * vectors)
        ]
        for kind in ("vector", "distance", "none")
    }
    assert not torch.allclose(*outputs["vector"][:2])
    torch.testing.assert_close(*outputs["distance"][:2])
    assert not torch.allclose(outputs["distance"][0], outputs["distance"][2])
    torch.testing.assert_close(outputs["none"][0], outputs["none"][2])


def test_edges_that_know_vector_and_length_read_a_length_without_a_unit():
    species, vectors, sender, receiver = graph()
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    model = network(edge_features="vector_and_length")
    first, turned = (model(species, v, sender, receiver)[0] for v in (vectors, vectors @ turn))
    assert not torch.allclose(first, turned)
    with torch.no_grad():
        model.edge_encoder.fc1.weight[:, :3] = 0
    by_length = [
        model(species, values, sender, receiver)[0]
        for values in (vectors, vectors @ turn, 2 * vectors, vectors * torch.rand(len(vectors), 1))
    ]
    torch.testing.assert_close(by_length[0], by_length[1])
    torch.testing.assert_close(by_length[0], by_length[2])
    assert not torch.allclose(by_length[0], by_length[3])


def test_edge_features_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="`angle`: give vector, distance, vector_and_length, none"):
        network(edge_features="angle")
