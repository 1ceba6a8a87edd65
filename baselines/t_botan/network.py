"""BOTAN for several temperatures and times: one output, a polynomial in both."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glassbench.training.graph_network import GraphNetwork, Perceptron

SPECIES = 2
TERMS = 5  # of the polynomial


class TBotan(GraphNetwork):
    """The graph network of BOTAN; the last layer gives the coefficients of a polynomial.

    With θ and ℓ the temperature T and log10 t, each less the mean over the conditions of the fit
    and divided by the largest deviation, and φ(T, t) = (1, θ, ℓ, θℓ, ℓ²), the propensity of
    particle i of species s is

        S_i(T, t) = m_s·φ + exp(d_s·φ) (u_i·φ)

    where u_i (TERMS,) is decoded from the state of the particle; m_s and d_s are fitted to mean
    and log deviation of the species. A linear layer reads T from the mean state of the particles.
    """

    edge_parts = ("sender", "receiver", "edge", "encoded_edge")
    node_parts = ("node", "encoded_node", "incoming")

    def __init__(self, temperatures: Tensor, times: Tensor, **sizes) -> None:
        super().__init__(**sizes)
        self.decoder = Perceptron(self.width, self.width, outputs=TERMS)
        self.thermometer = nn.Linear(self.width, 1)
        nn.init.zeros_(self.thermometer.weight)
        logarithms = times.log10()
        for name, values in (("temperature", temperatures), ("time", logarithms)):
            spread = (values - values.mean()).abs().max()
            self.register_buffer(f"mean_{name}", values.mean())
            self.register_buffer(f"spread_{name}", torch.where(spread > 0, spread, 1.0))
        self.register_buffer("reduced_temperatures", self.reduced(temperatures))
        self.register_buffer("reduced_times", (logarithms - self.mean_time) / self.spread_time)
        self.register_buffer("mean", torch.zeros(SPECIES, TERMS))
        self.register_buffer("log_deviation", torch.zeros(SPECIES, TERMS))

    def reduced(self, temperature: Tensor) -> Tensor:
        """Return θ."""
        return (temperature - self.mean_temperature) / self.spread_temperature

    def terms(self, reduced_temperature: Tensor | None = None) -> Tensor:
        """Return φ (C, TERMS) at the conditions, or at their times and another θ."""
        time = self.reduced_times
        theta = self.reduced_temperatures
        if reduced_temperature is not None:
            theta = reduced_temperature.expand(len(time))
        return torch.stack([torch.ones_like(time), theta, time, theta * time, time**2], dim=1)

    def states(self, *graph: Tensor) -> Tensor:
        """Return the states (N, width) of the particles; arguments as in `pass_messages`."""
        return self.pass_messages(*graph)[0]

    def hidden(self, states: Tensor) -> Tensor:
        """Return what the decoder's last layer reads (N, width)."""
        return self.decoder.fc2(self.decoder.fc1(states).relu()).relu()

    def forward(self, *graph: Tensor) -> tuple[Tensor, Tensor]:
        """Return u (N, TERMS), and θ as the network reads it from the structure, ()."""
        states = self.states(*graph)
        return self.decoder(states), self.thermometer(states.mean(dim=0)).squeeze(0)

    def moments(self, species: Tensor, terms: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (N, C) of the species of each particle."""
        kinds = species.long()
        mean, log_deviation = (of_kinds @ terms.T for of_kinds in (self.mean, self.log_deviation))
        return mean[kinds], log_deviation.exp()[kinds]
