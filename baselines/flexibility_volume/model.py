"""A line through the flexibility volume: vibrational mean squared displacement times spacing."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import voronoi_cells


class FlexibilityVolume(DescriptorModel):
    """Linear regression on v_flex,i = <|dr_i|^2> a_i, with a_i the d-th root of the Voronoi volume.

    It reads short-time dynamics, so that it is ranked apart from models of the structure.

    Parameters
    ----------
    by_species : one line for each species, else one for all
    """

    def __init__(self, by_species: bool) -> None:
        super().__init__(by_species=by_species)

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the flexibility volumes: (N, 1), length cubed."""
        dynamics = structure.dynamics or {}
        if "vibrational_msd" not in dynamics:
            raise ValueError(
                f"configuration {structure.configuration} has no `vibrational_msd`: this model "
                "needs a dataset with short-time dynamics"
            )
        cells = voronoi_cells(structure.positions, structure.box)
        spacing = cells.volumes ** (1 / len(structure.box))
        return (np.asarray(dynamics["vibrational_msd"], dtype=np.float64) * spacing)[:, None]
