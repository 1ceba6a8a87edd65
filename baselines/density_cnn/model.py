"""A convolutional network on the density around each particle, as a plugin."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from glassbench.training import DensityMapModel

SPECIES = 2


class DensityCnn(DensityMapModel):
    """Regression of the target on a grid of the density of each species.

    Hyperparameters
    ---------------
    filters : of the convolutions, one after the other, with max-pooling by 2 between them
    cutoff, spacing : of the density map, unit of the positions
    """

    def __init__(self, filters: Sequence[int], cutoff: float, spacing: float, **settings) -> None:
        super().__init__(cutoff, spacing, **settings)
        self.filters = tuple(filters)
        if not self.filters or min(self.filters) < 1:
            raise ValueError(f"filters {list(filters)} must be one number at least, all above 0")

    def network(self, dimension: int) -> nn.Module:
        convolution = nn.Conv2d if dimension == 2 else nn.Conv3d
        normalisation = nn.BatchNorm2d if dimension == 2 else nn.BatchNorm3d
        pooling = nn.MaxPool2d if dimension == 2 else nn.MaxPool3d
        layers: list[nn.Module] = []
        channels, left = SPECIES, -(-self.grid.pixels // 2)
        for number, filters in enumerate(self.filters):
            if number:
                layers.append(pooling(2))
                left //= 2
            stride = 1 if number else 2
            layers += [
                convolution(channels, filters, 3, stride=stride, padding=1, bias=False),
                normalisation(filters),
                nn.ReLU(inplace=True),
            ]
            channels = filters
        if left < 1:
            raise ValueError(
                f"a map of {self.grid.pixels} pixels along an edge is too small for "
                f"{len(self.filters)} convolutions: raise the cutoff or lower the spacing"
            )
        output = nn.Linear(channels * left**dimension, 1)
        return nn.Sequential(*layers, nn.Flatten(), output, nn.Flatten(0))
