"""A structure is a graph of PyTorch Geometric, and several are one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from glassbench.model import Condition, Example, Run, Structure
from glassbench.structure import neighbour_pairs
from glassbench.training import TorchModel, graph_data
from glassbench.training.graph_data import batched, turned


def structure(seed: int = 0, particles: int = 40, edge: float = 4.0) -> Structure:
    generator = np.random.default_rng(seed)
    positions = generator.uniform(0, edge, (particles, 3))
    species = (np.arange(particles) % 5 == 0).astype(np.int8)
    return Structure(positions, species, np.full(3, edge), f"c{seed}")


def test_edges_are_those_of_the_periodic_box():
    given = structure()
    pairs = neighbour_pairs(given.positions, given.box, 1.5)
    graph = graph_data(given, 1.5)
    assert graph.validate()
    assert np.array_equal(graph.edge_index.numpy(), np.stack([pairs.senders, pairs.receivers]))
    np.testing.assert_allclose(graph.edge_attr[:, :3].numpy(), pairs.vectors, atol=1e-6)
    np.testing.assert_allclose(graph.edge_attr[:, 3].numpy(), pairs.distances, atol=1e-6)
    assert graph.num_nodes == 40 and graph.box.tolist() == [[4.0, 4.0, 4.0]]
    assert graph.species.tolist() == given.species.tolist()


def test_under_load_the_vectors_stand_in_its_frame():
    given, axes = structure(), np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    plain, loaded = graph_data(given, 1.5), graph_data(replace(given, frame=axes), 1.5)
    np.testing.assert_array_equal(loaded.edge_attr[:, :3], plain.edge_attr[:, [1, 2, 0]])


def test_a_graph_turns_and_its_lengths_stay():
    graph = graph_data(structure(), 1.5)
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    other = turned(graph, mirror)
    assert torch.equal(other.edge_attr[:, 0], -graph.edge_attr[:, 0])
    assert torch.equal(other.edge_attr[:, 1:], graph.edge_attr[:, 1:])
    assert not torch.equal(graph.edge_attr, other.edge_attr)


def test_graphs_of_a_batch_stay_apart_and_balanced_sets_find_their_particles():
    graphs = [graph_data(structure(seed, 20 + seed), 1.5) for seed in range(3)]
    targets = [{"x": torch.arange(20.0 + k), "balanced": torch.tensor([k, 5])} for k in range(3)]
    batch, joined = batched(graphs, targets)
    assert batch.num_graphs == 3 and batch.box.shape == (3, 3)
    sender, receiver = batch.edge_index
    assert torch.equal(batch.batch[sender], batch.batch[receiver])
    assert joined["x"][joined["balanced"]].tolist() == [0, 5, 1, 5, 2, 5]


class Neighbours(TorchModel):
    """Learns a line on the number of neighbours; notes how many graphs came at once."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.together: set[int] = set()

    def network(self, dimension: int) -> torch.nn.Module:
        return torch.nn.Linear(1, 1)

    def encode(self, structure: Structure):
        return graph_data(structure, 1.5)

    def loss(self, forward, inputs, targets):
        self.together.add(inputs.num_graphs)
        return torch.nn.functional.mse_loss(self.outputs(forward, inputs)["x"], targets["x"])

    def outputs(self, forward, inputs):
        counts = torch.bincount(inputs.edge_index[1], minlength=inputs.num_nodes)
        return {"x": forward(counts[:, None] / 10.0)[:, 0]}


def examples_of(structures: Sequence[Structure]) -> list[Example]:
    counts = [np.diff(neighbour_pairs(s.positions, s.box, 1.5).offsets) / 10.0 for s in structures]
    condition = Condition.of(time=1.0)
    return [Example(s, condition, {"x": 2 * c - 1}) for s, c in zip(structures, counts)]


@pytest.mark.parametrize(("batch_size", "together"), [(1, {1}), (2, {1, 2})])
def test_a_model_of_graphs_trains_on_batches(tmp_path, batch_size, together):
    train = examples_of([structure(seed) for seed in range(5)])
    model = Neighbours(epochs=150, learning_rate=0.1, batch_size=batch_size, precision="float32")
    model.fit(train, (), Run(seed=0, target="x", symmetry="cubic", folder=tmp_path))
    assert model.together == together
    test = structure(9, 50)
    (predicted,) = model.predict([test], Condition.of(time=1.0))
    np.testing.assert_allclose(predicted["x"], examples_of([test])[0].targets["x"], atol=0.05)
    again = Neighbours()
    model.save(tmp_path / "fitted")
    again.load(tmp_path / "fitted")
    assert np.array_equal(again.predict([test], Condition.of(time=1.0))[0]["x"], predicted["x"])
