"""EIGNN as a plugin: equilibrium positions, and how far and whereto particles are off them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from glassbench.model import OTHER_POSITIONS, Structure
from glassbench.potentials import KOB_ANDERSEN, particle_energies
from glassbench.structure import minimum_image, neighbour_pairs
from glassbench.training.encoded import EncodedExamples
from glassbench.training.joint_model import JointModel, mean_squared_error, species_moments

from .network import SPECIES, Eignn

Tensors = dict[str, torch.Tensor]
DENSITY = 1.2  # particles per sigma_AA^3, of the Kob-Andersen mixture
DISPLACEMENT = 0.15  # sigma_AA, near the displacement from the cage


class EignnModel(JointModel):
    """After Jiang, Tian, Li & Hu, arXiv:2407.06111 (2024).

    Hyperparameters
    ---------------
    positions : `cage` or `inherent`, the equilibrium positions; thermal ones are read as well
    others : more positions from which displacements are taken, such as `narrow_cage`, `wide_cage`
    width : of states and hidden layers
    rounds : of messages
    radial : Gaussians in the length of a bond
    cutoff : length of the longest bond, sigma_AA
    vectors : whether bonds know the directions of the displacements of their ends
    """

    def __init__(
        self,
        others: Sequence[str],
        width: int,
        rounds: int,
        radial: int,
        cutoff: float,
        vectors: bool,
        **settings,
    ) -> None:
        super().__init__(**settings)
        if self.positions == "thermal":
            raise ValueError("positions are `thermal`: give the equilibrium ones, cage or inherent")
        self.equilibria = [f"{name}_positions" for name in (self.positions, *others)]
        if unknown := set(self.equilibria) - set(OTHER_POSITIONS):
            known = ", ".join(name.removesuffix("_positions") for name in OTHER_POSITIONS)
            raise ValueError(
                f"others has `{unknown.pop().removesuffix('_positions')}`: give {known}"
            )
        self.width, self.rounds, self.radial = width, rounds, radial
        self.cutoff, self.vectors = cutoff, vectors

    def network(self, dimension: int) -> Eignn:
        neighbours = 4 / 3 * np.pi * self.cutoff**3 * DENSITY
        count = len(self.equilibria)
        edges = self.radial + (4 * count if self.vectors else 0)
        nodes = SPECIES + 2 + count
        return Eignn(len(self.columns), nodes, edges, self.width, self.rounds, neighbours)

    def initialise(self, network: Eignn, examples: EncodedExamples) -> None:
        """Let the network learn the targets of each species less their mean, by their deviation."""
        network.mean[:], network.deviation[:] = species_moments(examples, self.target, SPECIES)

    def encode(self, structure: Structure) -> Tensors:
        """Return the graph on the equilibrium positions.

        Particles know their species, their energies at thermal and at equilibrium positions, each
        less the species' mean by its deviation, and their displacements |d|; bonds their length r,
        and with their direction r̂: d_i·r̂, d_j·r̂, (d_j - d_i)·r̂ and d_i·d_j.
        """
        positions = getattr(structure, self.equilibria[0])
        pairs = neighbour_pairs(positions, structure.box, self.cutoff)
        lengths = np.linalg.norm(pairs.vectors, axis=1, keepdims=True)
        centres = np.linspace(0.8, self.cutoff, self.radial)
        nodes = [
            np.eye(SPECIES)[structure.species],
            reduced_energies(structure.positions, structure),
            reduced_energies(positions, structure),
        ]
        edges = [np.exp(-(((lengths - centres) / (centres[1] - centres[0])) ** 2))]
        for name in self.equilibria:
            displacements = minimum_image(
                structure.positions - getattr(structure, name), structure.box
            )
            displacements /= DISPLACEMENT
            nodes.append(np.linalg.norm(displacements, axis=1))
            if self.vectors:
                ends = [displacements[pairs.receivers], displacements[pairs.senders]]
                along = [(end * pairs.vectors / lengths).sum(axis=1) for end in ends]
                of_both = (ends[0] * ends[1]).sum(axis=1)
                edges.append(np.stack([*along, along[1] - along[0], of_both], axis=1))
        return {
            "species": torch.as_tensor(structure.species.astype(np.int64)),
            "nodes": torch.as_tensor(np.column_stack(nodes).astype(np.float32)),
            "edges": torch.as_tensor(np.concatenate(edges, axis=1).astype(np.float32)),
            "sender": torch.as_tensor(pairs.senders.astype(np.int64)),
            "receiver": torch.as_tensor(pairs.receivers.astype(np.int64)),
        }

    def augment(self, inputs: Tensors, matrix: torch.Tensor) -> Tensors:
        """Return the inputs as they are: no number changes when the structure turns."""
        return inputs

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        species, wanted = inputs["species"], targets[self.target]
        wanted = (wanted - self.module.mean[species]) / self.module.deviation[species]
        return mean_squared_error(forward(*inputs.values()), wanted)

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        return {self.target: self.module.predict(*inputs.values())}


def reduced_energies(positions: np.ndarray, structure: Structure) -> np.ndarray:
    """Return the energy of each particle (N,), less its species' mean, by its deviation."""
    pairs = neighbour_pairs(positions, structure.box, KOB_ANDERSEN.largest_cutoff).undirected()
    energies = particle_energies(
        KOB_ANDERSEN, structure.species, pairs.senders, pairs.receivers, pairs.vectors
    )
    for kind in range(SPECIES):
        of_kind = structure.species == kind
        if of_kind.any():
            deviation = energies[of_kind].std() or 1.0
            energies[of_kind] = (energies[of_kind] - energies[of_kind].mean()) / deviation
    return energies
