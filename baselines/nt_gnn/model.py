"""NT-GNN as a plugin: graph in, propensities out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import mse_loss

from glassbench.model import Structure
from glassbench.training import TorchModel
from glassbench.training.graph_inputs import graph_inputs

from .network import NtGnn

Tensors = dict[str, torch.Tensor]


class NtGnnModel(TorchModel):
    """Bapst et al., Nature Physics 16, 448 (2020).

    Hyperparameters
    ---------------
    width, recurrences : of the network
    edge_threshold : length of the longest edge, sigma_AA
    edge_features : what an edge knows at first: `vector`, `distance`, `none`
    """

    learns_from_chosen = True

    def __init__(
        self,
        width: int,
        recurrences: int,
        edge_threshold: float,
        edge_features: str,
        **settings,
    ) -> None:
        super().__init__(**settings)
        self.width, self.recurrences = width, recurrences
        self.edge_threshold, self.edge_features = edge_threshold, edge_features

    def network(self, dimension: int) -> NtGnn:
        return NtGnn(self.width, self.recurrences, dimension, self.edge_features)

    def encode(self, structure: Structure) -> Tensors:
        return graph_inputs(structure, self.edge_threshold, self_edges=True)

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        outputs, truth = _evaluate(forward, inputs), targets[self.target]
        if "balanced" in targets:
            chosen = targets["balanced"]
            outputs, truth = outputs[chosen], truth[chosen]
        return mse_loss(outputs, truth)

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        return {self.target: _evaluate(forward, inputs)}


def _evaluate(forward: Callable, inputs: Tensors) -> torch.Tensor:
    names = ("species", "vectors", "sender", "receiver", "sender_order")
    return forward(*(inputs[name] for name in names))
