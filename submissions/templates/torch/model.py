"""A small network on how many neighbours lie at each distance."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch

from glassbench.model import Structure
from glassbench.structure import radial_densities
from glassbench.training import TorchModel

Tensors = dict[str, torch.Tensor]


class MyModel(TorchModel):
    """Two hidden layers on Gaussian shells of neighbours and the particle's species.

    Hyperparameters
    ---------------
    shells, width : number of shells, width of the layers
    """

    def __init__(self, shells: int, width: int, **settings) -> None:
        super().__init__(**settings)
        self.shells, self.width = shells, width

    def network(self, dimension: int) -> torch.nn.Module:
        sizes = [2 * self.shells + 1, self.width, self.width, 1]
        layers: list[torch.nn.Module] = [torch.nn.BatchNorm1d(sizes[0])]
        for before, after in pairwise(sizes):
            layers += [torch.nn.Linear(before, after), torch.nn.SiLU()]
        return torch.nn.Sequential(*layers[:-1])

    def encode(self, structure: Structure) -> Tensors:
        count, dimension = structure.positions.shape
        spacing = (np.prod(structure.box) / count) ** (1 / dimension)
        radii = spacing * np.linspace(0.7, 2.5, self.shells)
        place = structure.positions, structure.species, structure.box
        density = radial_densities(*place, radii, radii[1] - radii[0], cutoff=3 * spacing)
        features = np.column_stack([density.reshape(count, -1), structure.species])
        return {"features": torch.tensor(features, dtype=torch.float32)}

    def augment(self, inputs: Tensors, matrix: torch.Tensor) -> Tensors:
        return inputs  # distances do not turn

    def loss(self, forward: Callable, inputs: Tensors, targets: Tensors) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.outputs(forward, inputs)[self.target],
                                            targets[self.target])  # fmt: skip

    def outputs(self, forward: Callable, inputs: Tensors) -> Tensors:
        return {self.target: forward(inputs["features"])[:, 0]}
