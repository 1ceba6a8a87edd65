"""The SE(3)-equivariant graph network as a plugin: inherent structure in, all times out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from glassbench.model import Structure
from glassbench.potentials import KOB_ANDERSEN, particle_energies
from glassbench.structure import neighbour_pairs
from glassbench.training.encoded import EncodedExamples
from glassbench.training.graph_inputs import graph_inputs
from glassbench.training.joint_model import JointModel, mean_squared_error, species_moments

from .network import SPECIES, Se3Network

Tensors = dict[str, torch.Tensor]


class Se3GnnModel(JointModel):
    """Pezzicoli, Charpiat & Landes, SciPost Phys. 16, 136 (2024).

    Hyperparameters
    ---------------
    channels : states of each order, at every particle
    order : highest order of the spherical harmonics and of the states
    rounds : of messages
    radial : functions of a bond's length
    cutoff : length of the longest bond, sigma_AA
    energy : whether a particle knows its share of the potential energy at first
    """

    def __init__(
        self,
        channels: int,
        order: int,
        rounds: int,
        radial: int,
        cutoff: float,
        energy: bool,
        **settings,
    ) -> None:
        super().__init__(**settings)
        self.sizes = {"channels": channels, "order": order, "rounds": rounds, "radial": radial}
        self.cutoff, self.energy = cutoff, energy

    def network(self, dimension: int) -> Se3Network:
        if dimension != 3:
            raise ValueError(f"spherical harmonics need three dimensions, not {dimension}")
        neighbours = 4 / 3 * np.pi * self.cutoff**3 * KOB_ANDERSEN_DENSITY
        inputs = SPECIES + self.energy
        sizes = self.sizes | {"cutoff": self.cutoff, "neighbours": neighbours}
        return Se3Network(len(self.columns), inputs, **sizes)

    def initialise(self, network: Se3Network, examples: EncodedExamples) -> None:
        """Let the network learn the targets of each species less their mean, by their deviation."""
        network.mean[:], network.deviation[:] = species_moments(examples, self.target, SPECIES)

    def encode(self, structure: Structure) -> Tensors:
        graph = graph_inputs(structure, self.cutoff)
        species = graph["species"].long()
        inputs = [torch.nn.functional.one_hot(species, SPECIES).float()]
        if self.energy:
            inputs.append(torch.as_tensor(reduced_energies(structure))[:, None])
        return {
            "species": species,
            "inputs": torch.cat(inputs, dim=1),
            **{name: graph[name] for name in ("vectors", "sender", "receiver")},
        }

    def augment(self, inputs: Tensors, matrix: torch.Tensor) -> Tensors:
        """Return the inputs as they are: the outputs do not change when the structure turns."""
        return inputs

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        species, wanted = inputs["species"], targets[self.target]
        wanted = (wanted - self.module.mean[species]) / self.module.deviation[species]
        return mean_squared_error(forward(*inputs.values()), wanted)

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        return {self.target: self.module.predict(*inputs.values())}


KOB_ANDERSEN_DENSITY = 1.2  # particles per sigma_AA^3


def reduced_energies(structure: Structure) -> np.ndarray:
    """Return the energy of each particle (N,) float32, reduced within its species."""
    pairs = neighbour_pairs(
        structure.positions, structure.box, KOB_ANDERSEN.largest_cutoff
    ).undirected()
    energies = particle_energies(
        KOB_ANDERSEN, structure.species, pairs.senders, pairs.receivers, pairs.vectors
    )
    for kind in range(SPECIES):
        of_kind = structure.species == kind
        if of_kind.any():
            spread = energies[of_kind].std() or 1.0
            energies[of_kind] = (energies[of_kind] - energies[of_kind].mean()) / spread
    return energies.astype(np.float32)
