"""The graph network of Bapst et al. with one logit for each particle."""

from __future__ import annotations

from torch import Tensor, nn

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
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                _draw_weights(layer)

    def forward(self, species, vectors, sender, receiver, sender_order) -> Tensor:
        """Return the logits (N,); arguments as in `GraphNetwork.pass_messages`."""
        node, _, _ = self.pass_messages(species, vectors, sender, receiver, sender_order)
        return self.node_decoder(node).squeeze(1).to(vectors.dtype)


def _draw_weights(layer: nn.Linear) -> None:
    """Draw weights as Sonnet does, with which Bapst et al. trained; torch's own are too small.

    A truncated normal distribution of variance 1 / inputs, and no bias: with a third of that
    variance what tells particles of one species apart is lost on the way through the rounds.
    """
    deviation = layer.in_features**-0.5
    nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    nn.init.zeros_(layer.bias)
