"""The convolutional network on density maps as a plugin."""

from __future__ import annotations

from glassbench.training import DensityMapModel

from .network import DensityMapCnn


class SdmCnn(DensityMapModel):
    """Fan and Ma, Nat. Commun. 12, 1506 (2021).

    Hyperparameters
    ---------------
    size : `paper`, or `mini`, a smaller network of the same shape
    cutoff, spacing : of the density map, unit of the positions
    """

    def __init__(self, size: str, cutoff: float, spacing: float, **settings) -> None:
        super().__init__(cutoff, spacing, **settings)
        self.size = size

    def network(self, dimension: int) -> DensityMapCnn:
        return DensityMapCnn(self.size, dimension, self.grid.pixels)
