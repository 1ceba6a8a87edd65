"""SchNet of PyTorch Geometric, on the edges of a periodic box, with one number per particle."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch_geometric.data import Data
from torch_geometric.nn import SchNet

from glassbench.model import Structure
from glassbench.training import TorchModel, graph_data
from glassbench.training.encoded import EncodedExamples

Tensors = dict[str, Tensor]


class PeriodicSchNet(SchNet):
    """SchNet whose edges are given, and whose atomic contributions are not summed.

    h_i ← embedding(species_i);  h_i ← h_i + interaction_k(h, edges);  output_i = MLP(h_i)

    The output is given in the unit of the target: `mean` and `deviation` are its values over
    the training set.
    """

    def __init__(self, cutoff: float, **sizes: int) -> None:
        # The graph comes with the data, so that none is made by `torch_cluster`.
        super().__init__(cutoff=cutoff, interaction_graph=nn.Identity(), **sizes)
        self.register_buffer("target_mean", torch.zeros(()))
        self.register_buffer("target_deviation", torch.ones(()))

    def forward(self, graph: Data) -> Tensor:
        """Return the prediction (N,) of every particle."""
        lengths = graph.edge_attr[:, -1]
        nodes = self.embedding(graph.species + 1)  # 0 stands for padding
        filters = self.distance_expansion(lengths)
        for interaction in self.interactions:
            nodes = nodes + interaction(nodes, graph.edge_index, lengths, filters)
        outputs = self.lin2(self.act(self.lin1(nodes)))[:, 0]
        return outputs * self.target_deviation + self.target_mean


class SchNetModel(TorchModel):
    """Schütt et al., J. Chem. Phys. 148, 241722 (2018).

    Hyperparameters
    ---------------
    width, filters, interactions, gaussians : sizes of the network
    cutoff : length of the longest edge, in the unit of the positions
    """

    def __init__(
        self, width: int, filters: int, interactions: int, gaussians: int, cutoff: float, **settings
    ) -> None:
        super().__init__(**settings)
        self.cutoff = cutoff
        self.sizes = {
            "hidden_channels": width,
            "num_filters": filters,
            "num_interactions": interactions,
            "num_gaussians": gaussians,
        }

    def network(self, dimension: int) -> PeriodicSchNet:
        return PeriodicSchNet(self.cutoff, **self.sizes)

    def initialise(self, network: PeriodicSchNet, examples: EncodedExamples) -> None:
        """Let the network learn the target less its mean, in units of its deviation."""
        values = torch.cat([examples[k][1][self.target] for k in range(len(examples))])
        network.target_mean.copy_(values.mean())
        network.target_deviation.copy_(values.std())

    def encode(self, structure: Structure) -> Data:
        return graph_data(structure, self.cutoff)

    def augment(self, inputs: Data, matrix: Tensor) -> Data:
        return inputs  # distances do not turn

    def loss(self, forward: Callable, inputs: Data, targets: Tensors) -> Tensor:
        deviation = self.module.target_deviation
        return mse_loss(forward(inputs) / deviation, targets[self.target] / deviation)

    def outputs(self, forward: Callable, inputs: Data) -> Tensors:
        return {self.target: forward(inputs)}
