"""Ridge regression on the structure at three positions of each particle, and on fields of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import OTHER_POSITIONS, Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import (
    OrderParameterShells,
    averaged_order_parameters,
    coarse_grained,
)

from .scalar_fields import displacement_fields, scalar_fields
from .vector_fields import vector_invariants

# Groups of order parameters, and the positions of a structure at which they are taken.
ORDERS = {
    "thermal_order": "positions",
    "inherent_order": "inherent_positions",
    "cage_order": "cage_positions",
}
GROUPS = (*ORDERS, "scalars", "vectors")


class CageFields(DescriptorModel):
    """Ridge regression, per species, on order parameters, scalar fields and vector fields.

    Lengths are in the unit of the positions.

    Parameters
    ----------
    groups : of descriptors, any of `thermal_order`, `cage_order`, `inherent_order` (radial
        densities and bond order at these positions, averaged over shells), `scalars` (energy,
        stiffness, force and displacement between positions, and their averages around the
        particle) and `vectors` (invariants of displacements and forces)
    cages : `cage`, and which others the fields are taken from beside the thermal and inherent
        positions: `narrow_cage`, `wide_cage`; those that a dataset lacks are left out
    strengths : ridge strengths to choose from
    largest_radius, largest_degree : of the order parameters
    scalar_lengths, scalar_cutoff : L of the weights exp(-r / L) with which scalars are averaged,
        and where the average ends
    vector_lengths, vector_cutoff : the same for vectors
    """

    def __init__(
        self,
        groups: Sequence[str],
        cages: Sequence[str],
        strengths: Sequence[float],
        largest_radius: float,
        largest_degree: int,
        scalar_lengths: Sequence[float],
        scalar_cutoff: float,
        vector_lengths: Sequence[float],
        vector_cutoff: float,
    ) -> None:
        super().__init__(strengths)
        unknown = [name for name in groups if name not in GROUPS]
        if unknown or not groups:
            raise ValueError(f"groups {list(groups)} must be some of {', '.join(GROUPS)}")
        positions = [f"{name}_positions" for name in cages]
        if "cage" not in cages or not set(positions) <= set(OTHER_POSITIONS):
            raise ValueError(
                f"cages {list(cages)} must be cage, and may be narrow_cage and wide_cage"
            )
        self.groups, self.positions = tuple(groups), ("inherent_positions", *positions)
        self.shells = OrderParameterShells(
            largest_radius=largest_radius, largest_degree=largest_degree
        )
        self.scalar_lengths, self.scalar_cutoff = tuple(scalar_lengths), scalar_cutoff
        self.vector_lengths, self.vector_cutoff = tuple(vector_lengths), vector_cutoff

    def settings(self) -> dict[str, object]:
        """Return the groups of descriptors, their lengths and cutoffs."""
        names = (
            "groups",
            "positions",
            "scalar_lengths",
            "scalar_cutoff",
            "vector_lengths",
            "vector_cutoff",
        )
        shells = {name: getattr(self.shells, name) for name in ("largest_radius", "largest_degree")}
        return shells | {name: getattr(self, name) for name in names}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the chosen groups side by side: (N, F) float32."""
        moved = displacement_fields(structure, self.positions)
        scalars, energies, forces = scalar_fields(structure, moved)
        parts = []
        for group in self.groups:
            if group == "scalars":
                parts += [scalars, self._around(structure, scalars, energies)]
            elif group == "vectors":
                parts.append(self._invariants(structure, [*moved.values(), forces]))
            else:
                positions = getattr(structure, ORDERS[group])
                parts.append(
                    averaged_order_parameters(
                        positions, structure.species, structure.box, self.shells
                    )
                )
        return np.concatenate([part.astype(np.float32) for part in parts], axis=1)

    def _around(self, structure: Structure, scalars, energies) -> np.ndarray:
        return coarse_grained(
            scalars,
            structure.cage_positions,
            structure.species,
            structure.box,
            self.scalar_lengths,
            self.scalar_cutoff,
            energies,
        )

    def _invariants(self, structure: Structure, vectors: list[np.ndarray]) -> np.ndarray:
        return vector_invariants(
            vectors,
            structure.cage_positions,
            structure.box,
            self.vector_lengths,
            self.vector_cutoff,
        )
