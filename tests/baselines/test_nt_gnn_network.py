"""The network of Bapst et al. equals its equations and scores what its authors published."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from glassbench.model import Condition, Example, Run, Structure
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.plugins.task_modules import find_reader
from glassbench.structure import neighbour_pairs

ROOT = Path(__file__).resolve().parents[2]


def shared_file(name):
    for folder in (ROOT / "shared", ROOT.parent / "shared"):
        if (folder / "data" / "glassy_dynamics" / name).is_file():
            return folder / "data" / "glassy_dynamics" / name
    pytest.skip(f"shared/data/glassy_dynamics/{name} is not beside the project")


def load_network_module():
    path = ROOT / "baselines" / "nt_gnn" / "network.py"
    specification = importlib.util.spec_from_file_location("nt_gnn_network", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


nt_gnn = load_network_module()


def graph(positions, species, box, dtype=torch.float64):
    """Return the network's inputs, with an edge of length zero for every particle."""
    pairs = neighbour_pairs(positions, box, 2.0, self_edges=True)
    return (
        torch.as_tensor(species).to(dtype),
        torch.as_tensor(pairs.vectors).to(dtype),
        torch.as_tensor(pairs.senders, dtype=torch.int64),
        torch.as_tensor(pairs.receivers, dtype=torch.int64),
    )


def random_graph(particles=50):
    generator = np.random.default_rng(0)
    positions = generator.uniform(0, 5, (particles, 3))
    return graph(positions, generator.random(particles) < 0.2, np.full(3, 5.0))


def small_network():
    torch.manual_seed(0)
    return nt_gnn.NtGnn(width=16, recurrences=3).double()


def test_the_last_layer_reads_what_read_by_last_layer_returns():
    model, arguments = small_network(), random_graph()
    read = model.read_by_last_layer(*arguments)
    torch.testing.assert_close(model.node_decoder.fc3(read).squeeze(1), model(*arguments))


def dense(model, species, vectors, sender, receiver):
    """Evaluate the blocks as they stand, with concatenations."""
    node = first_node = model.node_encoder(species[:, None])
    edge = first_edge = model.edge_encoder(vectors)
    for _ in range(model.recurrences):
        both = torch.cat([node, first_node], 1)
        edge = model.edge_update(torch.cat([edge, first_edge, both[receiver], both[sender]], 1))
        incoming = torch.zeros_like(node).index_add(0, receiver, edge)
        node = model.node_update(torch.cat([incoming, node, first_node], 1))
    return model.node_decoder(node).squeeze(1)


def test_published_checkpoint_scores_the_published_correlation():
    model = nt_gnn.load_published(shared_file("t044_s09_weights.npz"))
    file = find_reader("bapst").load().read_bapst_file(shared_file("test_large.pickle"))
    with torch.inference_mode():
        predicted = model(*graph(file.positions, file.types, file.box, torch.float32)).numpy()
    large = file.types == 0
    score = np.corrcoef(predicted[large], file.targets[0][large])[0, 1]
    assert round(score, 2) == 0.93


def test_published_shapes():
    model = nt_gnn.NtGnn()
    assert model.edge_update.fc1.weight.shape == (64, 384)
    assert model.node_update.fc1.weight.shape == (64, 192)


def test_outputs_and_gradients_are_those_of_the_dense_evaluation():
    model, inputs = small_network(), random_graph()
    results = []
    for outputs in (model(*inputs), dense(model, *inputs)):
        model.zero_grad()
        (outputs - 0.3).square().sum().backward()
        results.append([outputs.detach(), *(p.grad for p in model.parameters())])
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


def test_a_particle_sees_itself():
    model, (species, vectors, sender, receiver) = small_network(), random_graph()
    others = sender != receiver
    without = model(species, vectors[others], sender[others], receiver[others])
    assert (model(species, vectors, sender, receiver) - without).abs().min() > 1e-6


def test_particles_may_be_numbered_in_any_order():
    model, generator = small_network(), np.random.default_rng(2)
    positions, species = generator.uniform(0, 5, (50, 3)), np.arange(50) % 5 == 0
    order, box = generator.permutation(50), np.full(3, 5.0)
    plain = model(*graph(positions, species, box))
    shuffled = model(*graph(positions[order], species[order], box))
    torch.testing.assert_close(shuffled, plain[order])


def test_a_checkpoint_without_a_variable_is_named(tmp_path):
    stem = nt_gnn.PUBLISHED_NAMES["edge_encoder"]
    np.savez(tmp_path / "weights.npz", **{f"{stem}|linear_0|w": np.zeros((3, 64), np.float32)})
    with pytest.raises(KeyError, match="node_model"):
        nt_gnn.load_published(tmp_path / "weights.npz")


def as_published(network, path):
    """Write a network's weights as those of the published checkpoint are written."""
    variables = {}
    for name, value in network.named_parameters():
        part, layer, kind = name.split(".")
        number = int(layer.removeprefix("fc")) - 1
        key = f"{nt_gnn.PUBLISHED_NAMES[part]}|linear_{number}|{kind[0]}"
        variables[key] = value.detach().t().numpy() if kind == "weight" else value.detach().numpy()
    np.savez(path, **variables)
    return path


def test_pretrained_weights_are_used_as_they_are_without_epochs(tmp_path):
    torch.manual_seed(1)
    network = nt_gnn.NtGnn(16, 2)
    card = load_model_card("nt_gnn")
    given = {"width": 16, "recurrences": 2, "epochs": 0}
    given["pretrained"] = str(as_published(network, tmp_path / "weights.npz"))
    values = card.hyperparameters_for("ka_propensity", "published", given)
    model = load_model_class(card)(**values)
    (example,) = planted_examples(1)
    # A published file of one test configuration leaves nothing to train on.
    model.fit([], [], Run(0, "propensity", "cubic", tmp_path))
    (answer,) = model.predict([example.structure], example.condition)
    structure = example.structure
    inputs = graph(structure.positions, structure.species, structure.box, torch.float32)
    expected = network(*inputs).detach().numpy()
    np.testing.assert_allclose(answer["propensity"], expected, rtol=1e-4, atol=1e-6)
    assert answer["propensity"].std() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [({"pretrained": "nothing.npz"}, "pretrained is `nothing.npz`"), ({"width": 8}, "do not fit")],
)
def test_weights_that_cannot_be_taken_are_named(change, message, tmp_path):
    path = as_published(nt_gnn.NtGnn(16, 2), tmp_path / "weights.npz")
    card = load_model_card("nt_gnn")
    given = {"width": 16, "epochs": 0, "pretrained": str(path)} | change
    values = card.hyperparameters_for("ka_propensity", "published", given)
    model = load_model_class(card)(**values)
    with pytest.raises(ValueError, match=message):
        model.fit([], [], Run(0, "propensity", "cubic", tmp_path))


@pytest.mark.parametrize("kind", ["distance", "none"])
def test_edges_may_know_their_length_alone_or_nothing(kind):
    torch.manual_seed(0)
    model = nt_gnn.NtGnn(16, 3, 3, kind).double()
    species, vectors, sender, receiver = random_graph()
    known = vectors.norm(dim=1, keepdim=True) if kind == "distance" else torch.ones(len(sender), 1)
    expected = dense(model, species, known.double(), sender, receiver)
    torch.testing.assert_close(model(species, vectors, sender, receiver), expected)


def test_the_loss_counts_the_particles_of_a_balanced_set_where_there_is_one():
    card = load_model_card("nt_gnn")
    model = load_model_class(card)(**card.hyperparameters)
    model.target = "propensity"
    inputs = dict.fromkeys(("species", "vectors", "sender", "receiver", "sender_order"))
    outputs, truth = torch.tensor([1.0, 2.0, 4.0]), torch.zeros(3)
    targets = {"propensity": truth}
    assert model.loss(lambda *_: outputs, inputs, targets) == pytest.approx(7.0)
    targets["balanced"] = torch.tensor([0, 2])
    assert model.loss(lambda *_: outputs, inputs, targets) == pytest.approx(8.5)


def test_the_readout_of_a_fit_leaves_no_linear_error_in_training(tmp_path):
    card = load_model_card("nt_gnn")
    values = card.hyperparameters | {"width": 16, "recurrences": 2, "epochs": 1}
    values |= {"solve_readout": True, "augment": False, "learning_rate": 1e-4}
    model = load_model_class(card)(**values)
    examples = planted_examples(3)
    model.fit(examples, [], Run(seed=0, target="propensity", symmetry="cubic", folder=tmp_path))
    structures = [example.structure for example in examples]
    predicted = [p["propensity"] for p in model.predict(structures, examples[0].condition)]
    errors = [p - e.targets["propensity"] for p, e in zip(predicted, examples, strict=True)]
    assert abs(np.mean(errors)) < 1e-4
    assert (
        abs(np.mean([np.dot(e, p) / len(p) for e, p in zip(errors, predicted, strict=True)])) < 1e-4
    )


def test_a_standardised_network_predicts_in_the_unit_of_the_target(tmp_path):
    card = load_model_card("nt_gnn")
    values = card.hyperparameters | {"width": 16, "recurrences": 2, "epochs": 1}
    values |= {"standardise": True, "learning_rate": 1e-12}
    model = load_model_class(card)(**values)
    examples = planted_examples(3)
    model.fit(examples, [], Run(seed=0, target="propensity", symmetry="cubic", folder=tmp_path))
    truth = np.concatenate([example.targets["propensity"] for example in examples])
    assert float(model.module.mean) == pytest.approx(truth.mean(), rel=1e-5)
    off = torch.tensor(truth + truth.std(ddof=1))
    inputs = dict.fromkeys(("species", "vectors", "sender", "receiver", "sender_order"))
    loss = model.loss(lambda *_: off, inputs, {"propensity": torch.tensor(truth)})
    assert float(loss) == pytest.approx(1.0, rel=1e-4)
    model.save(tmp_path / "kept")
    again = load_model_class(card)(**values)
    again.load(tmp_path / "kept")
    asked = [examples[0].structure], examples[0].condition
    np.testing.assert_array_equal(
        again.predict(*asked)[0]["propensity"], model.predict(*asked)[0]["propensity"]
    )


def planted_examples(count):
    """Return small structures with a target that the species and the surroundings give."""
    generator = np.random.default_rng(1)
    condition = Condition.of(temperature=0.64, time=5.2)
    examples = []
    for number in range(count):
        positions = generator.uniform(0, 5, (80, 3))
        species = (generator.random(80) < 0.2).astype(np.int8)
        structure = Structure(positions, species, np.full(3, 5.0), f"planted{number}")
        values = 0.3 + 0.1 * species + 0.05 * generator.normal(size=80)
        examples.append(Example(structure, condition, {"propensity": values.astype(np.float32)}))
    return examples
