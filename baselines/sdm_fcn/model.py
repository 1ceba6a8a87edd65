"""A fully connected network on density maps, the reference of the convolutional one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from glassbench.training import DensityMapModel

SPECIES = 2


class SdmFcn(DensityMapModel):
    """Fully connected layers on all pixels of the map.

    Hyperparameters
    ---------------
    hidden : units of each hidden layer
    cutoff, spacing : of the density map, unit of the positions
    """

    def __init__(self, hidden: Sequence[int], cutoff: float, spacing: float, **settings) -> None:
        super().__init__(cutoff, spacing, **settings)
        self.hidden = tuple(hidden)
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden {list(hidden)} must be one number of units at least, all > 0")

    def network(self, dimension: int) -> nn.Module:
        widths = (SPECIES * self.grid.pixels**dimension, *self.hidden)
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(widths[-1], 1), _Squeeze())


class _Squeeze(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values.squeeze(1)
