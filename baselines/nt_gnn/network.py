"""The network of Bapst et al.: displacements of particles from the graph of their neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from glassbench.training.first_weights import draw_as_sonnet
from glassbench.training.graph_network import GraphNetwork, Perceptron

PUBLISHED_NAMES = {
    "node_encoder": "Graph|graph_independent|node_model|mlp",
    "edge_encoder": "Graph|graph_independent|edge_model|mlp",
    "edge_update": "Graph|graph_network|edge_block|mlp",
    "node_update": "Graph|graph_network|node_block|mlp",
    "node_decoder": "Graph|graph_independent_1|node_model|mlp",
}


class NtGnn(GraphNetwork):
    """The graph network of Bapst et al., Nat. Phys. 16, 448 (2020), which targets nodes.

    Its updates also read the encoded ends of an edge, every particle has an edge to
    itself, of length zero, and nodes alone are decoded. What the decoder gives is multiplied
    by `deviation` and added to `mean`, 1 and 0 unless set.
    """

    edge_parts = (
        "edge", "encoded_edge", "receiver", "encoded_receiver", "sender", "encoded_sender",
    )  # fmt: skip
    node_parts = ("incoming", "node", "encoded_node")

    def __init__(
        self,
        width: int = 64,
        recurrences: int = 7,
        dimension: int = 3,
        edge_features: str = "vector",
    ) -> None:
        super().__init__(width, recurrences, dimension, edge_features)
        self.node_decoder = Perceptron(width, width, outputs=1)
        self.register_buffer("mean", torch.tensor(0.0))
        self.register_buffer("deviation", torch.tensor(1.0))
        draw_as_sonnet(self)

    def forward(
        self,
        species: Tensor,
        vectors: Tensor,
        sender: Tensor,
        receiver: Tensor,
        sender_order: Tensor | None = None,
    ) -> Tensor:
        """Return the outputs of the nodes (N,).

        Arguments as in `GraphNetwork.pass_messages`; edges are sorted by receiver and
        include those from a particle to itself.
        """
        node, _, _ = self.pass_messages(species, vectors, sender, receiver, sender_order)
        decoded = self.node_decoder(node).squeeze(1).to(vectors.dtype)
        return self.mean + self.deviation * decoded

    def read_by_last_layer(self, *graph: Tensor) -> Tensor:
        """Return what the decoder's last layer reads of the nodes (N, width).

        Arguments as in `forward`.
        """
        node, _, _ = self.pass_messages(*graph)
        return self.node_decoder.fc2(self.node_decoder.fc1(node).relu()).relu()


def load_published(path: str | Path) -> NtGnn:
    """Return a network with the weights of the published TensorFlow checkpoint.

    `path` names an `.npz` of the checkpoint's variables, with `|` for `/` in their names.
    The decoder of edges, which no output reads, is left out. Raises KeyError where a
    variable is missing and RuntimeError where a shape does not fit.
    """
    with np.load(path, allow_pickle=False) as file:
        first = file[PUBLISHED_NAMES["edge_encoder"] + "|linear_0|w"]
        network = NtGnn(width=first.shape[1], dimension=first.shape[0])
        weights = {}
        for name, _ in network.named_parameters():
            part, layer, kind = name.split(".")
            theirs = f"{PUBLISHED_NAMES[part]}|linear_{int(layer.removeprefix('fc')) - 1}|"
            values = torch.from_numpy(file[theirs + ("w" if kind == "weight" else "b")])
            weights[name] = values.t() if kind == "weight" else values
    network.load_state_dict(weights, strict=False)
    return network
