"""T-BOTAN as a plugin: one network for all temperatures and times of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from glassbench.model import Structure
from glassbench.training.encoded import EncodedExamples
from glassbench.training.graph_inputs import graph_inputs
from glassbench.training.joint_model import JointModel, mean_squared_error, species_moments
from glassbench.training.readout import solve_last_layer

from .network import SPECIES, TERMS, TBotan

Tensors = dict[str, Tensor]
EMBEDDED = {"mini": Path(__file__).with_name("weights") / "mini.pt"}
GRAPH = ("species", "vectors", "sender", "receiver", "sender_order")
TEMPERATURES = ("given", "inferred")
RIDGE = 1e-2  # a readout of smaller weights, which the first updates do not throw off


class TBotanModel(JointModel):
    """After Bessho, Kawasaki & Shiba, arXiv:2603.13820 (2026).

    Hyperparameters
    ---------------
    width, recurrences : of the network
    edge_threshold : length of the longest edge, sigma_AA
    edge_features : what an edge knows at first: `vector`, `distance`, `vector_and_length`, `none`
    pretrained : `mini`, `none`, or the path of a state dict of BOTAN
    temperature : at which it predicts: `given` with the condition, or `inferred` from the structure
    solve_readout : whether the last layer is set, before and after the training, to the
        least-squares solution on the training configurations
    """

    def __init__(
        self,
        width: int,
        recurrences: int,
        edge_threshold: float,
        edge_features: str,
        pretrained: str,
        temperature: str,
        solve_readout: bool,
        **settings,
    ) -> None:
        super().__init__(**settings)
        if temperature not in TEMPERATURES:
            raise ValueError(f"temperature is `{temperature}`: give {' or '.join(TEMPERATURES)}")
        self.width, self.recurrences = width, recurrences
        self.edge_threshold, self.edge_features = edge_threshold, edge_features
        self.pretrained, self.temperature = pretrained, temperature
        self.solve_readout = solve_readout

    def network(self, dimension: int) -> TBotan:
        conditions = [dict(values) for values in self.columns]
        return TBotan(
            *(torch.tensor([c[axis] for c in conditions]) for axis in ("temperature", "time")),
            width=self.width,
            recurrences=self.recurrences,
            dimension=dimension,
            edge_features=self.edge_features,
        )

    def initialise(self, network: TBotan, examples: EncodedExamples) -> None:
        """Fit mean and deviation of the species, and start from weights of BOTAN."""
        mean, deviation = species_moments(examples, self.target, SPECIES)
        known = torch.isfinite(mean).all(dim=0)
        fit = torch.linalg.pinv(network.terms()[known].double())
        network.mean[:] = mean[:, known].double() @ fit.T
        network.log_deviation[:] = deviation[:, known].double().log() @ fit.T
        if self.pretrained != "none":
            self._load_pretrained(network)
        self.conclude(network, examples)

    def conclude(self, network: TBotan, examples: EncodedExamples) -> None:
        """Solve the linear layers, thermometer and readout, for the other weights as they are."""
        self._solve_thermometer(network, examples)
        if not self.solve_readout:
            return
        joined = nn.Linear((self.width + 1) * TERMS, 1).to(network.mean)
        parts = (self._read_out(network, *examples[k]) for k in range(len(examples)))
        solve_last_layer(joined, parts, RIDGE)
        coefficients = joined.weight.reshape(TERMS, self.width + 1)
        with torch.no_grad():
            network.decoder.fc3.weight.copy_(coefficients[:, :-1])
            network.decoder.fc3.bias.copy_(coefficients[:, -1])
            network.decoder.fc3.bias[0] += joined.bias[0]

    def encode(self, structure: Structure) -> Tensors:
        return graph_inputs(structure, self.edge_threshold)

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> Tensor:
        coefficients, _ = forward(*_graph(inputs))
        reduced = self._reduced(self.module, inputs, targets)
        return mean_squared_error(coefficients @ self.module.terms().T, reduced)

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        coefficients, theta = forward(*_graph(inputs))
        terms = self.module.terms(theta if self.temperature == "inferred" else None)
        mean, deviation = self.module.moments(inputs["species"], terms)
        return {self.target: mean + deviation * (coefficients @ terms.T)}

    def _reduced(self, network: TBotan, inputs: Tensors, targets: Tensors) -> Tensor:
        """Return the targets (N, C) less the mean of the species, by its deviation."""
        mean, deviation = network.moments(inputs["species"], network.terms())
        return (targets[self.target] - mean) / deviation

    @staticmethod
    def _known(of_conditions: Tensor, targets: Tensor) -> Tensor:
        return of_conditions[torch.isfinite(targets).any(dim=0)]

    @torch.no_grad()
    def _solve_thermometer(self, network: TBotan, examples: EncodedExamples) -> None:
        """Fit θ by ridge regression on the mean state of the particles of each example."""
        thetas, states = [], []
        for inputs, targets in (examples[k] for k in range(len(examples))):
            thetas.append(self._known(network.reduced_temperatures, targets[self.target]).mean())
            states.append(network.states(*_graph(inputs)).mean(dim=0))
        theta, state = torch.stack(thetas).double(), torch.stack(states).double()
        mean = state.mean(dim=0)
        gram = (state - mean) @ (state - mean).T
        ridge = RIDGE * gram.diagonal().mean() + torch.finfo(torch.float32).tiny
        dual = torch.linalg.solve(
            gram + ridge * torch.eye(len(gram)).to(gram), theta - theta.mean()
        )
        weight = dual @ (state - mean)
        network.thermometer.weight[:] = weight
        network.thermometer.bias[:] = theta.mean() - weight @ mean

    @torch.no_grad()
    def _read_out(
        self, network: TBotan, inputs: Tensors, targets: Tensors
    ) -> tuple[Tensor, Tensor, float]:
        """Return what the last layer reads for each particle and condition, and its target."""
        hidden = network.hidden(network.states(*_graph(inputs)))
        hidden = torch.cat([hidden, torch.ones_like(hidden[:, :1])], dim=1)
        reduced = self._reduced(network, inputs, targets)
        terms = self._known(network.terms(), targets[self.target])
        features = terms[None, :, :, None] * hidden[:, None, None, :]
        wanted = reduced[:, torch.isfinite(reduced).any(dim=0)]
        return features.flatten(0, 1).flatten(1), wanted.flatten(), 1.0

    def _load_pretrained(self, network: TBotan) -> None:
        """Take encoders, updates and hidden layers of BOTAN from a file; nothing is executed."""
        path = EMBEDDED.get(self.pretrained, Path(self.pretrained))
        if not path.is_file():
            raise ValueError(
                f"pretrained is `{self.pretrained}`: give {', '.join(EMBEDDED)}, none, or a file"
            )
        weights = torch.load(path, map_location="cpu", weights_only=True)
        shared = {name: weights[name] for name in weights if not name.startswith("decoder.fc3")}
        try:
            unknown = network.load_state_dict(shared, strict=False).unexpected_keys
        except RuntimeError as error:
            raise ValueError(f"the weights in {path} do not fit this network: {error}") from error
        if unknown:
            raise ValueError(f"the weights in {path} are not of BOTAN: they hold {unknown[0]}")


def _graph(inputs: Tensors) -> Iterator[Tensor]:
    return (inputs[name] for name in GRAPH)
