"""A trivial floor: a line through the number of nearest neighbours of each particle."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import number_of_neighbours


class NumberOfNeighbours(DescriptorModel):
    """Linear regression, per species, on the number of neighbours in the first shell.

    Parameters
    ----------
    cutoff_aa, cutoff_ab, cutoff_bb : end of the first shell of each pair of species,
        in the unit of the positions
    """

    def __init__(
        self, cutoff_aa: float = 1.4, cutoff_ab: float = 1.3, cutoff_bb: float = 1.6
    ) -> None:
        super().__init__()
        self.cutoffs = ((cutoff_aa, cutoff_ab), (cutoff_ab, cutoff_bb))

    def settings(self) -> dict[str, object]:
        """Return the cutoffs by pair of species."""
        return {"cutoffs": self.cutoffs}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the number of neighbours: (N, 1)."""
        number = number_of_neighbours(
            structure.positions, structure.species, structure.box, self.cutoffs
        )
        return number[:, None].astype(np.float64)
