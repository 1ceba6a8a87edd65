"""A trivial floor: a line through the Gaussian local density at each particle."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import local_density


class LocalDensity(DescriptorModel):
    """Linear regression, per species, on the smoothed number density around the particle.

    Parameters
    ----------
    width : standard deviation of the Gaussian, in the unit of the positions
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        if not width > 0:
            raise ValueError(f"width {width} must be greater than 0")
        self.width = width

    def settings(self) -> dict[str, object]:
        """Return the width."""
        return {"width": self.width}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the density of the other particles: (N, 1), particles per volume."""
        density = local_density(structure.positions, structure.species, structure.box, self.width)
        return density[:, None]
