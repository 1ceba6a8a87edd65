"""A line through the vibrational mean squared displacement of each particle."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel


class DebyeWaller(DescriptorModel):
    """Linear regression on <|dr_i|^2> about the particle's mean position.

    It reads short-time dynamics, so that it is ranked apart from models of the structure.

    Parameters
    ----------
    by_species : one line for each species, else one for all
    """

    def __init__(self, by_species: bool) -> None:
        super().__init__(by_species=by_species)

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the vibrational mean squared displacement: (N, 1), length squared."""
        dynamics = structure.dynamics or {}
        if "vibrational_msd" not in dynamics:
            raise ValueError(
                f"configuration {structure.configuration} has no `vibrational_msd`: this model "
                "needs a dataset with short-time dynamics"
            )
        return np.asarray(dynamics["vibrational_msd"], dtype=np.float64)[:, None]
