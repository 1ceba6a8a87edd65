"""A trivial floor: a line through the volume of each particle's Voronoi cell."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import voronoi_cells


class AtomicVolume(DescriptorModel):
    """Linear regression on the volume of the particle's Voronoi cell (area in 2D).

    Parameters
    ----------
    by_species : one line for each species, else one for all
    """

    def __init__(self, by_species: bool) -> None:
        super().__init__(by_species=by_species)

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the volumes: (N, 1), length unit to the power d."""
        return voronoi_cells(structure.positions, structure.box).volumes[:, None]
