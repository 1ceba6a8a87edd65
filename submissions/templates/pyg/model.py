"""A small graph network of PyTorch Geometric's layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import CGConv

from glassbench.model import Structure
from glassbench.training import TorchModel, graph_data


class Network(nn.Module):
    """Two crystal-graph convolutions: neighbours speak through their distance."""

    def __init__(self, width: int, gaussians: int, cutoff: float) -> None:
        super().__init__()
        self.register_buffer("centres", torch.linspace(0.5, cutoff, gaussians))
        self.species = nn.Embedding(2, width)
        self.layers = nn.ModuleList(CGConv(width, dim=gaussians) for _ in range(2))
        self.readout = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(self, graph: Data) -> Tensor:
        spacing = self.centres[1] - self.centres[0]
        lengths = torch.exp(-(((graph.edge_attr[:, -1:] - self.centres) / spacing) ** 2))
        nodes = self.species(graph.species)
        for layer in self.layers:
            nodes = layer(nodes, graph.edge_index, lengths)
        return self.readout(nodes)[:, 0]


class MyModel(TorchModel):
    """width, gaussians : sizes of the network; cutoff : in mean distances between particles."""

    def __init__(self, width: int, gaussians: int, cutoff: float, **settings) -> None:
        super().__init__(**settings)
        self.sizes, self.cutoff = (width, gaussians, cutoff), cutoff

    def network(self, dimension: int) -> nn.Module:
        return Network(*self.sizes)

    def encode(self, structure: Structure) -> Data:
        count, box = len(structure.species), structure.box
        spacing = float(np.prod(box) / count) ** (1 / len(box))
        graph = graph_data(structure, self.cutoff * spacing)
        return graph.update({"edge_attr": graph.edge_attr / spacing})

    def augment(self, inputs: Data, matrix: Tensor) -> Data:
        return inputs  # distances do not turn

    def loss(self, forward: Callable, inputs: Data, targets: dict[str, Tensor]) -> Tensor:
        return nn.functional.mse_loss(forward(inputs), targets[self.target])

    def outputs(self, forward: Callable, inputs: Data) -> dict[str, Tensor]:
        return {self.target: forward(inputs)}
