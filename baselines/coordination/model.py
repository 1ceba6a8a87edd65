"""A trivial floor: a line through the Voronoi coordination number of each particle."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import voronoi_cells


class Coordination(DescriptorModel):
    """Linear regression on the number of faces of the particle's Voronoi cell.

    Parameters
    ----------
    by_species : one line for each species, else one for all
    """

    def __init__(self, by_species: bool) -> None:
        super().__init__(by_species=by_species)

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the number of faces, of edges in two dimensions: (N, 1)."""
        cells = voronoi_cells(structure.positions, structure.box)
        return cells.coordination[:, None].astype(np.float64)
