"""Ridge regression on the structure of the initial and of the cage positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import (
    OrderParameterShells,
    averaged_order_parameters,
    minimum_image,
)


class CageRidge(DescriptorModel):
    """Ridge regression, per species, on order parameters at thermal and at cage positions.

    The distance between the two positions of the particle is a descriptor of its own.

    Parameters
    ----------
    strengths : ridge strengths to choose from
    shells : those of `OrderParameterShells`
    """

    def __init__(
        self,
        strengths: Sequence[float],
        bond_radii: Sequence[float] = OrderParameterShells.bond_radii,
        **shells: Any,
    ) -> None:
        super().__init__(strengths)
        self.shells = OrderParameterShells(bond_radii=tuple(bond_radii), **shells)

    def settings(self) -> dict[str, object]:
        """Return the shells and the averaging."""
        return asdict(self.shells)

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the order parameters at both positions and their distance: (N, F) float32."""
        thermal, cage = structure.positions, structure.cage_positions
        moved = minimum_image(cage - thermal, structure.box)
        distance = np.linalg.norm(moved, axis=1, keepdims=True).astype(np.float32)
        orders = [
            averaged_order_parameters(positions, structure.species, structure.box, self.shells)
            for positions in (thermal, cage)
        ]
        return np.concatenate([*orders, distance], axis=1)
