"""BOTAN as a plugin: graph in, propensities and pair-distance changes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.nn.functional import mse_loss

from glassbench.model import Example, Run, Structure
from glassbench.training import TorchModel
from glassbench.training.cubes import cut_into_cubes
from glassbench.training.graph_inputs import graph_inputs

from .network import Botan, load_published

EMBEDDED = {"mini": Path(__file__).with_name("weights") / "mini.pt"}

Tensors = dict[str, torch.Tensor]


class BotanModel(TorchModel):
    """Shiba et al., J. Chem. Phys. 158, 084503 (2023).

    Hyperparameters
    ---------------
    p : weight of the particle loss against the pair loss, 0 to 1 (Eq. 12)
    width, recurrences : of the network
    edge_threshold : length of the longest edge, sigma_AA
    pretrained : `mini`, `none`, or the path of a state dict
    cells : cut training configurations into cells cubed parts; 1 for whole ones, as in the paper
    """

    def __init__(
        self,
        p: float,
        width: int,
        recurrences: int,
        edge_threshold: float,
        pretrained: str,
        cells: int,
        **settings,
    ) -> None:
        super().__init__(**settings)
        if not 0 <= p <= 1:
            raise ValueError(f"p is {p}: it must lie between 0 and 1")
        self.p, self.width, self.recurrences = p, width, recurrences
        self.edge_threshold, self.pretrained, self.cells = edge_threshold, pretrained, cells

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        if self.cells > 1:
            train = [
                part
                for example in train
                for part in cut_into_cubes(example, self.cells, self.edge_threshold)
            ]
        super().fit(train, valid, run)

    def network(self, dimension: int) -> Botan:
        return Botan(dimension=dimension, width=self.width, recurrences=self.recurrences)

    def initialise(self, network: Botan) -> None:
        """Start from weights that were trained on pair-distance changes."""
        if self.pretrained == "none":
            return
        path = EMBEDDED.get(self.pretrained, Path(self.pretrained))
        if not path.is_file():
            raise ValueError(
                f"pretrained is `{self.pretrained}`: give {', '.join(EMBEDDED)}, none, or a file"
            )
        try:
            network.load_state_dict(load_published(path).state_dict())
        except (RuntimeError, KeyError) as error:
            raise ValueError(f"the weights in {path} do not fit this network: {error}") from error

    def encode(self, structure: Structure) -> Tensors:
        return graph_inputs(structure, self.edge_threshold)

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        nodes, edges = _evaluate(forward, inputs)
        known = targets[self.target].isfinite()
        loss = self.p * mse_loss(nodes[known], targets[self.target][known])
        if self.p < 1:
            if "pair_edges" not in inputs or "pair_distance_change" not in targets:
                raise ValueError(
                    f"p is {self.p}, but the dataset has no pair-distance change on edges below "
                    f"{self.edge_threshold}: set p = 1, or edge_threshold to the pairs' cutoff"
                )
            changes = targets["pair_distance_change"][:, None].expand(-1, 2)
            loss = loss + (1 - self.p) * mse_loss(edges[inputs["pair_edges"]], changes)
        return loss

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        nodes, edges = _evaluate(forward, inputs)
        outputs = {self.target: nodes}
        if self.p < 1 and "pair_edges" in inputs:
            outputs["pair_distance_change"] = edges[inputs["pair_edges"]].mean(dim=1)
        return outputs


def _evaluate(forward: Callable, inputs: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
    names = ("species", "vectors", "sender", "receiver", "sender_order")
    return forward(*(inputs[name] for name in names))
