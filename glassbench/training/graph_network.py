"""A graph network that encodes, passes messages with shared weights, and decodes.

The first layer of an update acts on a concatenation, so it is a sum of parts:
W [a, b, …] = W_a a + W_b b + …  The parts that read nodes are computed per node and then
read by the edges, N rows instead of E; the part that reads the encoded edge is
computed once. The result is the same as that of the concatenation, up to rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from .edge_blocks import DecodeEdges, EncodeEdges, UpdateEdges
from .edge_track import EdgeIndex, EdgeTrack, Workspace

EDGE_FEATURES = ("vector", "distance", "vector_and_length", "none")


class Perceptron(nn.Module):
    """Two rectified layers, and a linear one where `outputs` are asked for."""

    def __init__(self, inputs: int, width: int, outputs: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = None if outputs is None else nn.Linear(width, outputs)

    def forward(self, values: Tensor) -> Tensor:
        """Return (rows, width), or (rows, outputs), of values (rows, inputs)."""
        return self.after_first(self.fc1(values))

    def after_first(self, first: Tensor) -> Tensor:
        """Return what follows the first layer, of that layer's output before rectification."""
        values = self.fc2(first.relu()).relu()
        return values if self.fc3 is None else self.fc3(values)


class GraphNetwork(nn.Module):
    """Encoders, `recurrences` rounds of messages with the same weights, and decoders.

    In each round, for an edge e from sender u to receiver v,

        e ← MLP_e([edge_parts]),    h_v ← MLP_n([node_parts]),

    where the parts are concatenated in the order in which the subclass names them. The
    memory of a training step is kept for the next one, as long as the network lives.

    Parameters
    ----------
    edge_features : what the edges know at first: their `vector`, their length (`distance`), both
        (`vector_and_length`, the length less its mean over the graph, by its deviation), or the
        same number for all (`none`)

    Attributes
    ----------
    edge_parts : of `edge`, `encoded_edge`, `sender`, `encoded_sender`, `receiver`,
        `encoded_receiver`; the first two are necessary
    node_parts : of `node`, `encoded_node`, `incoming`; all necessary
    """

    edge_parts: tuple[str, ...]
    node_parts: tuple[str, ...]

    def __init__(
        self,
        width: int = 64,
        recurrences: int = 7,
        dimension: int = 3,
        edge_features: str = "vector",
    ) -> None:
        super().__init__()
        if edge_features not in EDGE_FEATURES:
            raise ValueError(f"edge_features is `{edge_features}`: give {', '.join(EDGE_FEATURES)}")
        self.width, self.recurrences, self.dimension = width, recurrences, dimension
        self.edge_features = edge_features
        self.node_encoder = Perceptron(1, width)
        numbers = {"vector": dimension, "vector_and_length": dimension + 1}.get(edge_features, 1)
        self.edge_encoder = Perceptron(numbers, width)
        self.edge_update = Perceptron(len(self.edge_parts) * width, width)
        self.node_update = Perceptron(len(self.node_parts) * width, width)
        self._idle: list[Workspace] = []

    def pass_messages(
        self,
        species: Tensor,
        vectors: Tensor,
        sender: Tensor,
        receiver: Tensor,
        sender_order: Tensor | None = None,
    ) -> tuple[Tensor, EdgeTrack, Tensor]:
        """Return the node states (N, width), and the edge states as a track and its token.

        Nodes are `species` (N,), 0 for A, 1 for B. Directed edges, sorted by receiver, have
        `vectors` (E, d), position of the receiver less that of the sender, nearest image;
        `sender_order` is `torch.argsort(sender, stable=True)`, where the caller kept it.
        """
        if vectors.shape != (len(sender), self.dimension):
            raise ValueError(
                f"edge vectors have the shape {tuple(vectors.shape)}: this network takes "
                f"({len(sender)}, {self.dimension}), one vector per edge"
            )
        index = EdgeIndex.of(sender, receiver, len(species), sender_order)
        recording = torch.is_grad_enabled()
        device, dtype = vectors.device.type, vectors.dtype
        if torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
        track = EdgeTrack(index, self.width, dtype, recording, self._idle)
        of_edge = self._first_layer(self.edge_update, self.edge_parts)
        of_node = self._first_layer(self.node_update, self.node_parts)
        token = EncodeEdges.apply(
            track, self._features(vectors), *_weights(self.edge_encoder), of_edge["encoded_edge"]
        )
        node = encoded = self.node_encoder(species.to(vectors.dtype)[:, None])
        constant = linear(encoded, of_node["encoded_node"], self.node_update.fc1.bias)
        for recurrence in range(self.recurrences):
            incoming, token = UpdateEdges.apply(
                track,
                recurrence,
                token,
                _read_nodes(of_edge, "sender", node, encoded, None),
                _read_nodes(of_edge, "receiver", node, encoded, self.edge_update.fc1.bias),
                of_edge["edge"],
                self.edge_update.fc2.weight,
                self.edge_update.fc2.bias,
            )
            first = constant + linear(node, of_node["node"]) + linear(incoming, of_node["incoming"])
            node = self.node_update.after_first(first)
        return node, track, token

    def decode_edges(self, decoder: Perceptron, track: EdgeTrack, token: Tensor) -> Tensor:
        """Return the decoder's outputs (E, outputs) of the last edge states."""
        return DecodeEdges.apply(track, self.recurrences, token, *_weights(decoder))

    def _features(self, vectors: Tensor) -> Tensor:
        """Return what the edge encoder reads of vectors (E, d): (E, 1), (E, d) or (E, d + 1)."""
        if self.edge_features == "vector":
            return vectors
        if self.edge_features == "distance":
            return vectors.norm(dim=1, keepdim=True)
        if self.edge_features == "vector_and_length":
            lengths = vectors.norm(dim=1, keepdim=True)
            return torch.cat([vectors, (lengths - lengths.mean()) / lengths.std()], dim=1)
        return vectors.new_ones(len(vectors), 1)

    def _first_layer(self, update: Perceptron, parts: tuple[str, ...]) -> dict[str, Tensor]:
        """Return the columns (width, width) of an update's first layer by the part they read."""
        columns = update.fc1.weight.split(self.width, dim=1)
        return dict(zip(parts, columns, strict=True))


def _read_nodes(
    columns: dict[str, Tensor], end: str, node: Tensor, encoded: Tensor, bias: Tensor | None
) -> Tensor:
    """Return the part (N, width) of the edge update's first layer that reads one end."""
    rows = linear(node, columns[end], bias)
    if f"encoded_{end}" in columns:
        rows = rows + linear(encoded, columns[f"encoded_{end}"])
    return rows


def _weights(perceptron: Perceptron) -> list[Tensor]:
    layers = [perceptron.fc1, perceptron.fc2, perceptron.fc3]
    return [value for layer in layers if layer is not None for value in (layer.weight, layer.bias)]
