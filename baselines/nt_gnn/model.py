"""NT-GNN as a plugin: graph in, propensities out."""

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

from .network import NtGnn, load_published

Tensors = dict[str, torch.Tensor]
Part = tuple[torch.Tensor, torch.Tensor, float]


class NtGnnModel(TorchModel):
    """Bapst et al., Nature Physics 16, 448 (2020).

    Hyperparameters
    ---------------
    width, recurrences : of the network
    edge_threshold : length of the longest edge, sigma_AA
    edge_features : what an edge knows at first: `vector`, `distance`, `vector_and_length`, `none`
    pretrained : `none`, or the path of the published checkpoint's variables (`.npz`), from which
        the training starts; with no epochs they are used as they are
    standardise : whether the network learns the target less its mean over the training set, by
        its deviation
    solve_readout : whether the decoder's last layer is set, before and after the training, to the
        least-squares solution on the training set
    """

    learns_from_chosen = True

    def __init__(
        self,
        width: int,
        recurrences: int,
        edge_threshold: float,
        edge_features: str,
        pretrained: str,
        standardise: bool,
        solve_readout: bool,
        **settings,
    ) -> None:
        super().__init__(**settings)
        self.width, self.recurrences = width, recurrences
        self.edge_threshold, self.edge_features = edge_threshold, edge_features
        self.pretrained = pretrained
        self.standardise, self.solve_readout = standardise, solve_readout
        self.deviation = 1.0  # of the targets that the network is trained on

    def network(self, dimension: int) -> NtGnn:
        return NtGnn(self.width, self.recurrences, dimension, self.edge_features)

    def initialise(self, network: NtGnn, examples: EncodedExamples) -> None:
        """Start from published weights, and from the readout that is best for the first ones."""
        if self.pretrained != "none":
            self._load_pretrained(network)
        if self.standardise:
            every = (examples[k][1] for k in range(len(examples)))
            values = torch.cat([_chosen(targets, targets[self.target])[0] for targets in every])
            self.deviation = float(values.std()) or 1.0
            network.mean.fill_(values.mean())
            network.deviation.fill_(self.deviation)
        self._solve_readout(network, examples)

    def _load_pretrained(self, network: NtGnn) -> None:
        path = Path(self.pretrained)
        if not path.is_file():
            raise ValueError(f"pretrained is `{path}`: give none, or the .npz of a checkpoint")
        try:
            network.load_state_dict(load_published(path).state_dict())
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise ValueError(f"the weights in {path} do not fit this network: {error}") from error

    def conclude(self, network: NtGnn, examples: EncodedExamples) -> None:
        """Solve the readout for the trained weights too."""
        self._solve_readout(network, examples)

    def _solve_readout(self, network: NtGnn, examples: EncodedExamples) -> None:
        if self.solve_readout:
            parts = (self._read_out(network, *examples[k]) for k in range(len(examples)))
            solve_last_layer(network.node_decoder.fc3, parts)

    @torch.no_grad()
    def _read_out(self, network: NtGnn, inputs: Tensors, targets: Tensors) -> Part:
        """Return what the last layer reads, what it shall give, and the weight in the loss."""
        nodes = network.read_by_last_layer(*_graph(inputs))
        decoded = (targets[self.target] - network.mean) / network.deviation
        return *_chosen(targets, nodes, decoded), 1.0

    def encode(self, structure: Structure) -> Tensors:
        return graph_inputs(structure, self.edge_threshold, self_edges=True)

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        values = _chosen(targets, forward(*_graph(inputs)), targets[self.target])
        return mse_loss(*values) / self.deviation**2

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        return {self.target: forward(*_graph(inputs))}


def _graph(inputs: Tensors) -> Iterator[torch.Tensor]:
    names = ("species", "vectors", "sender", "receiver", "sender_order")
    return (inputs[name] for name in names)


def _chosen(targets: Tensors, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return the values of the particles to learn from, of all where none are named."""
    chosen = targets.get("balanced")
    return values if chosen is None else tuple(one[chosen] for one in values)
