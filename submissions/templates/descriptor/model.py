"""Ridge regression on how many neighbours lie at each distance."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import radial_densities


class MyModel(DescriptorModel):
    """One linear regression per species on Gaussian shells of neighbours.

    Parameters
    ----------
    shells : number of shells
    reach : radius of the last one, in mean distances between particles
    strengths : ridge strengths to choose from
    """

    def __init__(self, shells: int, reach: float, strengths: list[float]) -> None:
        super().__init__(strengths)
        self.shells, self.reach = shells, reach

    def settings(self) -> dict[str, object]:
        """Return all on which the descriptors depend beside the structure."""
        return {"shells": self.shells, "reach": self.reach}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the neighbours of each species in each shell: (N, 2 shells)."""
        count, dimension = structure.positions.shape
        spacing = (np.prod(structure.box) / count) ** (1 / dimension)
        radii = spacing * np.linspace(0.7, self.reach, self.shells)
        width = radii[1] - radii[0]
        density = radial_densities(
            structure.positions,
            structure.species,
            structure.box,
            radii,
            width,
            cutoff=radii[-1] + width,
        )
        return density.reshape(count, -1)
