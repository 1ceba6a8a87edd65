"""Ridge regression on radial densities and bond order, averaged over neighbour shells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import OrderParameterShells, averaged_order_parameters


class AveragedRidge(DescriptorModel):
    """Ridge regression, per species, on three generations of structural order parameters.

    Parameters
    ----------
    strengths : ridge strengths to choose from
    shells : those of `OrderParameterShells`
    """

    def __init__(
        self,
        strengths: Sequence[float] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
        bond_radii: Sequence[float] = OrderParameterShells.bond_radii,
        **shells: Any,
    ) -> None:
        super().__init__(strengths)
        self.shells = OrderParameterShells(bond_radii=tuple(bond_radii), **shells)

    def settings(self) -> dict[str, object]:
        """Return the shells and the averaging."""
        return asdict(self.shells)

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the order parameters of generations 0, 1, …: (N, F) float32."""
        return averaged_order_parameters(
            structure.positions, structure.species, structure.box, self.shells
        )
