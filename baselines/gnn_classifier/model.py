"""The graph network that classifies particles, as a plugin."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from glassbench.model import Structure
from glassbench.training import TorchModel
from glassbench.training.augmentation import symmetry_matrices
from glassbench.training.graph_inputs import graph_inputs

from .network import ParticleGraphNetwork

Tensors = dict[str, torch.Tensor]
SYMMETRY = {2: "shear_2d", 3: "shear_3d"}


class GnnClassifier(TorchModel):
    """Fan and Ma, Nat. Commun. 12, 1506 (2021): edge vectors in the frame of the load.

    Hyperparameters
    ---------------
    width, recurrences : of the network
    edge_threshold : length of the longest edge, unit of the positions
    edge_features : what an edge knows at first: its `vector`, or `vector_and_length`
    average : predict with the average over the mirrors that leave the load unchanged
    """

    def __init__(
        self,
        width: int,
        recurrences: int,
        edge_threshold: float,
        edge_features: str,
        average: bool,
        **settings,
    ) -> None:
        super().__init__(**settings)
        self.width, self.recurrences = width, recurrences
        self.edge_threshold, self.edge_features = edge_threshold, edge_features
        self.average = average

    def network(self, dimension: int) -> ParticleGraphNetwork:
        return ParticleGraphNetwork(self.width, self.recurrences, dimension, self.edge_features)

    def encode(self, structure: Structure) -> Tensors:
        inputs = graph_inputs(structure, self.edge_threshold, self_edges=True)
        frame = torch.tensor(structure.frame, dtype=torch.float32)
        return inputs | {"vectors": inputs["vectors"] @ frame.T}

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        chosen = targets["balanced"]
        logits = _evaluate(forward, inputs)[chosen].float()
        if not len(chosen):  # no particle rearranged under this load
            return logits.sum()
        return binary_cross_entropy_with_logits(logits, targets[self.target][chosen])

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        matrices = symmetry_matrices(SYMMETRY[self.dimension], self.dimension)
        turns = torch.as_tensor(matrices[: len(matrices) if self.average else 1])
        mirrored = (self.augment(inputs, turn.to(inputs["vectors"].device)) for turn in turns)
        return {self.target: sum(_evaluate(forward, i).sigmoid() for i in mirrored) / len(turns)}


def _evaluate(forward: Callable, inputs: Tensors) -> torch.Tensor:
    names = ("species", "vectors", "sender", "receiver", "sender_order")
    return forward(*(inputs[name] for name in names))
