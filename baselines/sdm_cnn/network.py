"""The convolutional networks of Fan and Ma on density maps, and smaller ones of the same shape."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

SPECIES = 2


@dataclass(frozen=True)
class Shape:
    """Blocks of convolutions with a kernel of 3, each but the last followed by max-pooling by 2.

    Attributes
    ----------
    filters : of the convolutions of each block
    convolutions : in each block
    unpadded : blocks whose last convolution has no zero padding
    stride : of the first convolution
    """

    filters: tuple[int, ...]
    convolutions: int
    unpadded: tuple[int, ...]
    stride: int = 1


SHAPES = {
    ("paper", 2): Shape((20, 40, 80, 160, 320), 5, unpadded=(0, 4)),
    ("paper", 3): Shape((60, 60, 60, 60), 5, unpadded=(3,)),
    ("mini", 2): Shape((8, 16, 32, 64), 2, unpadded=(0,)),
    ("mini", 3): Shape((16, 32, 64), 1, unpadded=(), stride=2),
}


class DensityMapCnn(nn.Module):
    """Convolutions, each with batch normalisation before its ReLU, and one output neuron.

    Parameters
    ----------
    size : `paper` or `mini`
    dimension : 2 or 3
    pixels : along an edge of the map

    Raises
    ------
    ValueError
        If there is no such size, or the map has too few pixels for it.
    """

    def __init__(self, size: str, dimension: int, pixels: int) -> None:
        super().__init__()
        if (size, dimension) not in SHAPES:
            raise ValueError(f"size `{size}` must be one of paper, mini")
        shape = SHAPES[size, dimension]
        self.channels_last = torch.channels_last if dimension == 2 else torch.channels_last_3d
        left = pixels_left(shape, pixels)
        if left < 1:
            raise ValueError(
                f"a map of {pixels} pixels along an edge is too small for the network of size "
                f"`{size}`: raise the cutoff or lower the spacing"
            )
        layers: list[nn.Module] = []
        channels = SPECIES
        for block, filters in enumerate(shape.filters):
            layers += [] if block == 0 else [_pooling(dimension)]
            for number in range(shape.convolutions):
                last = number == shape.convolutions - 1
                padding = 0 if last and block in shape.unpadded else 1
                stride = shape.stride if block == number == 0 else 1
                layers += _convolution(dimension, channels, filters, padding, stride)
                channels = filters
        self.convolutions = nn.Sequential(*layers)
        self.output = nn.Linear(channels * left**dimension, 1)
        self.to(memory_format=self.channels_last)

    def forward(self, maps: Tensor) -> Tensor:
        """Return one number (B,) for each map (B, 2, G, …); its sigmoid is the probability."""
        features = self.convolutions(maps.contiguous(memory_format=self.channels_last))
        return self.output(features.flatten(1)).squeeze(1)


def pixels_left(shape: Shape, pixels: int) -> int:
    """Return the pixels along an edge after all convolutions, 0 or less if there are none."""
    for block in range(len(shape.filters)):
        pixels = pixels // 2 if block else -(-pixels // shape.stride)
        pixels -= 2 * (block in shape.unpadded)
    return pixels


def _convolution(dimension: int, channels: int, filters: int, padding: int, stride: int) -> list:
    convolution, normalisation = {
        2: (nn.Conv2d, nn.BatchNorm2d),
        3: (nn.Conv3d, nn.BatchNorm3d),
    }[dimension]
    return [
        convolution(channels, filters, 3, stride=stride, padding=padding, bias=False),
        normalisation(filters),
        nn.ReLU(inplace=True),
    ]


def _pooling(dimension: int) -> nn.Module:
    return nn.MaxPool2d(2) if dimension == 2 else nn.MaxPool3d(2)
