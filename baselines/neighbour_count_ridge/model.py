"""Ridge regression on the number of neighbours of each species within growing radii."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_counts


class NeighbourCountRidge(DescriptorModel):
    """Ridge regression, per species, on neighbour counts.

    Parameters
    ----------
    smallest_radius, largest_radius, step : the radii, in the unit of the positions;
        the box must be twice as long as the largest
    strengths : ridge strengths to choose from

    Raises
    ------
    ValueError
        If the radii are not positive and increasing.
    """

    def __init__(
        self,
        smallest_radius: float = 0.8,
        largest_radius: float = 5.0,
        step: float = 0.05,
        strengths: Sequence[float] = (0.0, 0.1),
    ) -> None:
        super().__init__(strengths)
        if not (0 < smallest_radius <= largest_radius and step > 0):
            raise ValueError(
                f"radii from {smallest_radius} to {largest_radius} in steps of {step} do not "
                "increase from above 0: choose others"
            )
        count = int(np.floor((largest_radius - smallest_radius) / step + 1e-9)) + 1
        self.radii = tuple((smallest_radius + step * np.arange(count)).tolist())

    def settings(self) -> dict[str, object]:
        """Return the radii."""
        return {"radii": self.radii}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the number of neighbours of each species within each radius: (N, 2 R)."""
        counts = neighbour_counts(structure.positions, structure.species, structure.box, self.radii)
        return counts.reshape(len(counts), -1).astype(np.float32)
