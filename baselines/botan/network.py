"""The network of BOTAN: displacements of particles and changes of pair distances at once."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from glassbench.training.graph_network import GraphNetwork, Perceptron

PUBLISHED_NAMES = {
    "network.edge_model.mlp.": "edge_update.",
    "network.node_model.mlp.": "node_update.",
}


class Botan(GraphNetwork):
    """The bond-targeting network of Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 1 to 6.

    With encoders EN and updates MLP, all of two rectified layers of `width` units,

        h_e ← MLP_e([h_u, h_v, h_e, h_e⁰]),    h_v ← MLP_n([h_v, h_v⁰, Σ_{e → v} h_e])

    for the edge e from u to v, `recurrences` times; one decoder serves nodes and edges.
    """

    edge_parts = ("sender", "receiver", "edge", "encoded_edge")
    node_parts = ("node", "encoded_node", "incoming")

    def __init__(
        self,
        width: int = 64,
        recurrences: int = 7,
        dimension: int = 3,
        edge_features: str = "vector",
    ) -> None:
        super().__init__(width, recurrences, dimension, edge_features)
        self.decoder = Perceptron(width, width, outputs=1)

    def forward(
        self,
        species: Tensor,
        vectors: Tensor,
        sender: Tensor,
        receiver: Tensor,
        sender_order: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the outputs of the nodes (N,) and of the directed edges (E,).

        Arguments as in `GraphNetwork.pass_messages`; edges are sorted by receiver.
        """
        node, track, token = self.pass_messages(species, vectors, sender, receiver, sender_order)
        node_output = self.decoder(node).squeeze(1).to(vectors.dtype)
        return node_output, self.decode_edges(self.decoder, track, token).squeeze(1)

    def read_by_last_layer(self, *graph: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the decoder's last layer reads: (N, width) of nodes, (E, width) of edges.

        Arguments as in `forward`.
        """
        node, track, token = self.pass_messages(*graph)
        hidden = Perceptron(self.width, self.width, outputs=self.width).to(graph[1])
        hidden.fc1, hidden.fc2 = self.decoder.fc1, self.decoder.fc2
        torch.nn.init.eye_(hidden.fc3.weight)
        torch.nn.init.zeros_(hidden.fc3.bias)
        return hidden(node), self.decode_edges(hidden, track, token)


def load_published(path: str | Path) -> Botan:
    """Return a network with published weights (pyg_botan's `initial_model/model1.pth` and such).

    Nothing in the file is executed. Raises RuntimeError where its names or shapes do not fit.
    """
    weights = torch.load(path, map_location="cpu", weights_only=True)
    first = weights["edge_encoder.fc1.weight"]
    network = Botan(width=first.shape[0], dimension=first.shape[1])
    network.load_state_dict({_our_name(name): value for name, value in weights.items()})
    return network


def _our_name(name: str) -> str:
    for theirs, ours in PUBLISHED_NAMES.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name
