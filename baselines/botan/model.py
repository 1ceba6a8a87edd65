"""BOTAN as a plugin: graph in, propensities and pair-distance changes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch.nn.functional import mse_loss

from glassbench.model import Structure
from glassbench.training import TorchModel
from glassbench.training.encoded import EncodedExamples
from glassbench.training.graph_inputs import graph_inputs
from glassbench.training.readout import solve_last_layer

from .network import Botan, load_published

EMBEDDED = {"mini": Path(__file__).with_name("weights") / "mini.pt"}

PROPENSITY, PAIRS = "propensity", "pair_distance_change"

Tensors = dict[str, torch.Tensor]
Part = tuple[torch.Tensor, torch.Tensor, float]


class BotanModel(TorchModel):
    """Shiba et al., J. Chem. Phys. 158, 084503 (2023).

    Hyperparameters
    ---------------
    p : weight of the particle loss against the pair loss, 0 to 1 (Eq. 12)
    width, recurrences : of the network
    edge_threshold : length of the longest edge, sigma_AA
    edge_features : what an edge knows at first: `vector`, `distance`, `none`
    pretrained : `mini`, `none`, or the path of a state dict
    solve_readout : whether the decoder's last layer is set, before and after the training, to the
        least-squares solution of the loss on the training configurations, all else kept
    """

    def __init__(
        self,
        p: float,
        width: int,
        recurrences: int,
        edge_threshold: float,
        edge_features: str,
        pretrained: str,
        solve_readout: bool,
        **settings,
    ) -> None:
        super().__init__(**settings)
        if not 0 <= p <= 1:
            raise ValueError(f"p is {p}: it must lie between 0 and 1")
        if p < 1 and self.positions != "thermal":
            raise ValueError(
                f"p is {p}, and pairs are those of thermal positions: with positions="
                f"{self.positions} set p = 1, which learns particles alone"
            )
        self.p, self.width, self.recurrences = p, width, recurrences
        self.edge_threshold, self.edge_features = edge_threshold, edge_features
        self.pretrained = pretrained
        self.solve_readout = solve_readout

    @property
    def particles(self) -> str:
        """The target of the particles: the task's, beside that of pairs the propensity."""
        return PROPENSITY if self.target in ("", PAIRS) else self.target

    def network(self, dimension: int) -> Botan:
        return Botan(self.width, self.recurrences, dimension, self.edge_features)

    def initialise(self, network: Botan, examples: EncodedExamples) -> None:
        """Start from weights that were trained on pair-distance changes."""
        if self.pretrained != "none":
            self._load_pretrained(network)
        if self.solve_readout:
            self._solve_readout(network, examples)

    def conclude(self, network: Botan, examples: EncodedExamples) -> None:
        """Solve the readout for the trained weights too."""
        if self.solve_readout:
            self._solve_readout(network, examples)

    def _solve_readout(self, network: Botan, examples: EncodedExamples) -> None:
        parts = (
            part for k in range(len(examples)) for part in self._read_out(network, *examples[k])
        )
        solve_last_layer(network.decoder.fc3, parts)

    def _load_pretrained(self, network: Botan) -> None:
        path = EMBEDDED.get(self.pretrained, Path(self.pretrained))
        if not path.is_file():
            raise ValueError(
                f"pretrained is `{self.pretrained}`: give {', '.join(EMBEDDED)}, none, or a file"
            )
        try:
            network.load_state_dict(load_published(path).state_dict())
        except (RuntimeError, KeyError) as error:
            raise ValueError(f"the weights in {path} do not fit this network: {error}") from error

    @torch.no_grad()
    def _read_out(self, network: Botan, inputs: Tensors, targets: Tensors) -> Iterator[Part]:
        """Yield what the last layer reads, what it shall give, and the weight in the loss."""
        nodes, edges = network.read_by_last_layer(*_graph(inputs))
        yield nodes, targets[self.particles], self.p
        if self.p < 1:
            changes = self._pair_changes(inputs, targets)
            yield edges[inputs["pair_edges"]].flatten(0, 1), changes.flatten(), 1 - self.p

    def encode(self, structure: Structure) -> Tensors:
        return graph_inputs(structure, self.edge_threshold)

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        nodes, edges = forward(*_graph(inputs))
        loss = self.p * mse_loss(nodes, targets[self.particles])
        if self.p < 1:
            changes = self._pair_changes(inputs, targets)
            loss = loss + (1 - self.p) * mse_loss(edges[inputs["pair_edges"]], changes)
        return loss

    def _pair_changes(self, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        """Return the targets of both directions of every pair (P, 2)."""
        if "pair_edges" not in inputs or PAIRS not in targets:
            raise ValueError(
                f"p is {self.p}, but the dataset has no pair-distance change on edges below "
                f"{self.edge_threshold}: set p = 1, or edge_threshold to the pairs' cutoff"
            )
        return targets[PAIRS][:, None].expand(-1, 2)

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        nodes, edges = forward(*_graph(inputs))
        outputs = {self.particles: nodes} if self.p > 0 else {}
        if self.p < 1 and "pair_edges" in inputs:
            outputs[PAIRS] = edges[inputs["pair_edges"]].mean(dim=1)
        return outputs


def _graph(inputs: Tensors) -> Iterator[torch.Tensor]:
    names = ("species", "vectors", "sender", "receiver", "sender_order")
    return (inputs[name] for name in names)
