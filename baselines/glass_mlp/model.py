"""GlassMLP: a narrow network on averages of the inherent structure around each particle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from glassbench.home.cache import cached
from glassbench.model import Structure
from glassbench.potentials import KOB_ANDERSEN, particle_energies
from glassbench.structure import (
    coarse_grained,
    minimum_image,
    neighbour_pairs,
    voronoi_cells,
)
from glassbench.training import TorchModel
from glassbench.training.encoded import EncodedExamples

from .network import GlassMlp, field_statistics

Tensors = dict[str, torch.Tensor]
SPECIES = 2
ENERGY = 0  # the column of the fields whose variance around a particle is a descriptor too


class GlassMlpModel(TorchModel):
    """Jung, Biroli & Berthier, Phys. Rev. Lett. 130, 238202 (2023).

    Hyperparameters
    ---------------
    lengths, cutoff : L of the weights exp(-r / L) with which energy, volume and number of Voronoi
        faces are averaged around a particle, and where the average ends; sigma_AA
    displacement : whether the distance between thermal and inherent position is a descriptor
    bottleneck, width : units of the first layer and of the two after it
    variance_weight, correlation_weight : of the two terms of the loss that compare the predicted
        field with the true one
    correlation_cutoff : longest pair of the last term, sigma_AA
    """

    def __init__(
        self,
        lengths: Sequence[float],
        cutoff: float,
        displacement: bool,
        bottleneck: int,
        width: int,
        variance_weight: float,
        correlation_weight: float,
        correlation_cutoff: float,
        **settings,
    ) -> None:
        super().__init__(**settings)
        self.lengths, self.cutoff, self.displacement = tuple(lengths), cutoff, displacement
        self.bottleneck, self.width = bottleneck, width
        self.weights = (variance_weight, correlation_weight)
        self.correlation_cutoff = correlation_cutoff

    def network(self, dimension: int) -> GlassMlp:
        fields = 4 if self.displacement else 3
        features = fields + len(self.lengths) * (1 + SPECIES) * (1 + fields + 1)
        return GlassMlp(features, self.bottleneck, self.width)

    def initialise(self, network: GlassMlp, examples: EncodedExamples) -> None:
        """Standardise by the training configurations."""
        inputs, targets = zip(*(examples[index] for index in range(len(examples))))
        network.standardise(
            torch.cat([each["features"] for each in inputs]),
            torch.cat([each[self.target] for each in targets]),
            torch.cat([each["species"] for each in inputs]),
        )

    def encode(self, structure: Structure) -> Tensors:
        """Return features (N, F), species (N,) and the pairs (P,), (P,) of the loss."""
        features = cached(
            glass_mlp_features,
            *(structure.positions, structure.inherent_positions, structure.species, structure.box),
            lengths=list(self.lengths),
            cutoff=self.cutoff,
            displacement=self.displacement,
        )["features"]
        pairs = neighbour_pairs(
            structure.inherent_positions, structure.box, self.correlation_cutoff
        )
        return {
            "features": torch.as_tensor(np.array(features)),
            "species": torch.as_tensor(structure.species.astype(np.int64)),
            "first": torch.as_tensor(pairs.senders.astype(np.int64)),
            "second": torch.as_tensor(pairs.receivers.astype(np.int64)),
        }

    def augment(self, inputs: Tensors, matrix: torch.Tensor) -> Tensors:
        """Return the inputs as they are: no descriptor changes with the orientation."""
        return inputs

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        """Return the mean squared error, and how far variance and correlation are off."""
        species, ends = inputs["species"], (inputs["first"], inputs["second"])
        wanted = self.module.reduced(targets[self.target], species)
        given = forward(inputs["features"], species)
        loss = ((given - wanted) ** 2).mean()
        statistics = zip(
            self.weights, field_statistics(given, *ends), field_statistics(wanted, *ends)
        )
        for weight, of_given, of_wanted in statistics:
            loss = loss + weight * (of_given - of_wanted) ** 2
        return loss

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        return {self.target: self.module.predict(inputs["features"], inputs["species"])}


def glass_mlp_features(
    positions: np.ndarray,
    inherent: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    *,
    lengths: Sequence[float],
    cutoff: float,
    displacement: bool,
) -> dict[str, np.ndarray]:
    """Return `features` (N, F) float32 of each particle, from its inherent structure."""
    reach = KOB_ANDERSEN.largest_cutoff
    pairs = neighbour_pairs(inherent, box, reach).undirected()
    energy = particle_energies(KOB_ANDERSEN, species, pairs.senders, pairs.receivers, pairs.vectors)
    cells = voronoi_cells(inherent, box)
    fields = [energy, cells.volumes, cells.coordination]
    if displacement:
        fields.append(np.linalg.norm(minimum_image(inherent - positions, box), axis=1))
    own = np.stack(fields, axis=1).astype(np.float32)
    around = coarse_grained(own, inherent, species, box, lengths, cutoff, [ENERGY])
    return {"features": np.concatenate([own, around], axis=1).astype(np.float32)}
