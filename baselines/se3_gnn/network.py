"""A graph network whose states turn with the structure: scalars, vectors and tensors of e3nn."""

from __future__ import annotations

import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from e3nn.nn import FullyConnectedNet, Gate
from torch import Tensor, nn

SPECIES = 2


class Convolution(nn.Module):
    """One round: states of the neighbours times spherical harmonics of the bonds.

    Every product of a state of order l₁ and a harmonic of order l₂ is weighted by a function of
    the bond's length, summed over the neighbours, mixed within each order, and gated: scalars pass
    a SiLU, higher orders are multiplied by the sigmoid of a scalar.

    Parameters
    ----------
    before : irreducible representations of the states that enter
    harmonics : of the bonds
    channels : states of each order that leave
    radial : numbers that say the length of a bond
    neighbours : mean number of these, by whose root the sums are divided
    """

    def __init__(
        self,
        before: o3.Irreps,
        harmonics: o3.Irreps,
        channels: int,
        radial: int,
        neighbours: float,
    ) -> None:
        super().__init__()
        kept = [irrep for _, irrep in harmonics]
        terms, products = [], []
        for i, (count, first) in enumerate(before):
            for j, (_, second) in enumerate(harmonics):
                for irrep in first * second:
                    if irrep in kept:
                        products.append((i, j, len(terms), "uvu", True))
                        terms.append((count, irrep))
        middle, order, _ = o3.Irreps(terms).sort()
        products = [(i, j, order[k], mode, trained) for i, j, k, mode, trained in products]
        self.product = o3.TensorProduct(
            before, harmonics, middle, products, shared_weights=False, internal_weights=False
        )
        self.weights = FullyConnectedNet(
            [radial, 2 * radial, self.product.weight_numel], torch.nn.functional.silu
        )
        tensors = o3.Irreps([(channels, irrep) for irrep in kept if irrep.l > 0])
        self.gate = Gate(
            f"{channels}x0e", [torch.nn.functional.silu],
            f"{channels * len(tensors)}x0e", [torch.sigmoid], tensors,
        )  # fmt: skip
        self.mix = o3.Linear(middle.simplify(), self.gate.irreps_in)
        self.itself = o3.Linear(before, self.gate.irreps_in)
        self.after, self.scale = self.gate.irreps_out, neighbours**-0.5

    def forward(
        self, states: Tensor, sender: Tensor, receiver: Tensor, harmonics: Tensor, lengths: Tensor
    ) -> Tensor:
        """Return new states (N, …) from those of the nodes, and harmonics and lengths of edges."""
        products = self.product(states[sender], harmonics, self.weights(lengths))
        sums = products.new_zeros(len(states), products.shape[1])
        sums = sums.index_add(0, receiver, products) * self.scale
        return self.gate(self.mix(sums) + self.itself(states))


class Se3Network(nn.Module):
    """Rounds of convolutions, and a perceptron on the scalars for each species.

    Parameters
    ----------
    columns : conditions that are predicted at once
    inputs : scalars that a particle has at first
    channels : states of each order
    order : highest order of harmonics and states
    rounds : convolutions
    radial : Gaussian-like functions of the length
    cutoff : length of the longest edge
    neighbours : mean number of edges of a particle
    """

    def __init__(
        self,
        columns: int,
        inputs: int,
        channels: int,
        order: int,
        rounds: int,
        radial: int,
        cutoff: float,
        neighbours: float,
    ) -> None:
        super().__init__()
        self.radial, self.cutoff = radial, cutoff
        self.harmonics = o3.Irreps.spherical_harmonics(order)
        states = o3.Irreps(f"{inputs}x0e")
        convolutions = []
        for _ in range(rounds):
            one = Convolution(states, self.harmonics, channels, radial, neighbours)
            convolutions.append(one)
            states = one.after
        self.convolutions = nn.ModuleList(convolutions)
        self.scalars = channels
        self.decoders = nn.ModuleList(
            nn.Sequential(
                nn.Linear(rounds * channels + inputs, 2 * channels),
                nn.SiLU(),
                nn.Linear(2 * channels, columns),
            )
            for _ in range(SPECIES)
        )
        self.register_buffer("mean", torch.zeros(SPECIES, columns))
        self.register_buffer("deviation", torch.ones(SPECIES, columns))

    def forward(
        self, species: Tensor, inputs: Tensor, vectors: Tensor, sender: Tensor, receiver: Tensor
    ) -> Tensor:
        """Return the reduced predictions (N, C): less the species' mean, by its deviation.

        `species` (N,), `inputs` (N, inputs), `vectors` (E, 3) from sender to receiver.
        """
        lengths = vectors.norm(dim=1)
        harmonics = o3.spherical_harmonics(
            self.harmonics, vectors, normalize=True, normalization="component"
        )
        basis = soft_one_hot_linspace(
            lengths, 0.0, self.cutoff, self.radial, basis="smooth_finite", cutoff=True
        ).mul(self.radial**0.5)
        states, read = inputs, [inputs]
        for convolution in self.convolutions:
            states = convolution(states, sender, receiver, harmonics, basis)
            read.append(states[:, : self.scalars])
        decoded = [decoder(torch.cat(read, dim=1)) for decoder in self.decoders]
        return torch.where(species[:, None] == 0, decoded[0], decoded[1])

    def predict(self, species: Tensor, *graph: Tensor) -> Tensor:
        """Return the predictions (N, C) in the unit of the target; arguments as in `forward`."""
        reduced = self(species, *graph)
        return reduced * self.deviation[species] + self.mean[species]
