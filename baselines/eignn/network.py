"""A graph network on numbers that do not change when the structure is turned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SPECIES = 2


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Return two layers, rectified smoothly between."""
    return nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, outputs))


class Eignn(nn.Module):
    """Rounds of messages between particles, whose bonds know how both ends are displaced.

        h_i ← h_i + MLP_n([h_i, Σ_j MLP_e([h_i, h_j, e_ij])])

    with other weights in each round; a decoder for each species reads the last states.

    Parameters
    ----------
    columns : conditions that are predicted at once
    node_inputs, edge_inputs : numbers that particles and bonds know at first
    width : of the states and hidden layers
    rounds : of messages
    neighbours : mean number of these, by whose root the sums are divided
    """

    def __init__(
        self,
        columns: int,
        node_inputs: int,
        edge_inputs: int,
        width: int,
        rounds: int,
        neighbours: float,
    ) -> None:
        super().__init__()
        self.encoder = perceptron(node_inputs, width, width)
        self.messages = nn.ModuleList(
            perceptron(2 * width + edge_inputs, width, width) for _ in range(rounds)
        )
        self.updates = nn.ModuleList(perceptron(2 * width, width, width) for _ in range(rounds))
        self.decoders = nn.ModuleList(perceptron(width, width, columns) for _ in range(SPECIES))
        self.scale = neighbours**-0.5
        self.register_buffer("mean", torch.zeros(SPECIES, columns))
        self.register_buffer("deviation", torch.ones(SPECIES, columns))

    def forward(
        self, species: Tensor, nodes: Tensor, edges: Tensor, sender: Tensor, receiver: Tensor
    ) -> Tensor:
        """Return the reduced predictions (N, C): less the species' mean, by its deviation.

        `species` (N,), `nodes` (N, node_inputs), `edges` (E, edge_inputs).
        """
        states = self.encoder(nodes)
        for message, update in zip(self.messages, self.updates):
            sent = message(torch.cat([states[receiver], states[sender], edges], dim=1))
            sums = torch.zeros_like(states).index_add(0, receiver, sent) * self.scale
            states = states + update(torch.cat([states, sums], dim=1))
        decoded = [decoder(states) for decoder in self.decoders]
        return torch.where(species[:, None] == 0, decoded[0], decoded[1])

    def predict(self, species: Tensor, *graph: Tensor) -> Tensor:
        """Return the predictions (N, C) in the unit of the target; arguments as in `forward`."""
        return self(species, *graph) * self.deviation[species] + self.mean[species]
