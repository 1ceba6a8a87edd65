"""The graph network of Bapst et al. with one logit for each particle."""

from __future__ import annotations

from torch import Tensor

from glassbench.training.first_weights import draw_as_sonnet
from glassbench.training.graph_network import GraphNetwork, Perceptron


class ParticleGraphNetwork(GraphNetwork):
    """Updates read the encoded ends of an edge; nodes alone are decoded.

    Bapst et al., Nat. Phys. 16, 448 (2020); every particle has an edge to itself.
    """

    edge_parts = (
        "edge", "encoded_edge", "receiver", "encoded_receiver", "sender", "encoded_sender",
    )  # fmt: skip
    node_parts = ("incoming", "node", "encoded_node")

    def __init__(self, width: int, recurrences: int, dimension: int, edge_features: str) -> None:
        super().__init__(width, recurrences, dimension, edge_features)
        self.node_decoder = Perceptron(width, width, outputs=1)
        draw_as_sonnet(self)

    def forward(self, species, vectors, sender, receiver, sender_order) -> Tensor:
        """Return the logits (N,); arguments as in `GraphNetwork.pass_messages`."""
        node, _, _ = self.pass_messages(species, vectors, sender, receiver, sender_order)
        return self.node_decoder(node).squeeze(1).to(vectors.dtype)
