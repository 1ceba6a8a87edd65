"""The radial and angular structure functions that describe a particle to a linear classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .angular_functions import angular_structure_functions
from .radial_density import radial_densities


@dataclass(frozen=True)
class StructureFunctionGrid:
    """Which structure functions are evaluated. Lengths are in the unit of the positions.

    Attributes
    ----------
    smallest_radius, cutoff, width : float
        Radii run from r_0 + width / 2 to below r_c in steps of the width.
    smallest_length, largest_length : float
    lengths_count : int
        Values of xi of the angular functions, equally spaced; 0 leaves these out.
    angular_cutoff : float
        r_c of the angular functions; 0 for that of the radial ones.
    """

    smallest_radius: float
    cutoff: float
    width: float
    smallest_length: float
    largest_length: float
    lengths_count: int = 16
    angular_cutoff: float = 0.0

    @property
    def radii(self) -> np.ndarray:
        """The radii r (R,) of the radial functions."""
        count = round((self.cutoff - self.smallest_radius) / self.width)
        return self.smallest_radius + self.width * (np.arange(count) + 0.5)

    @property
    def lengths(self) -> np.ndarray:
        """The lengths xi (X,) of the angular functions."""
        return np.linspace(self.smallest_length, self.largest_length, self.lengths_count)


# Fan, Ma, Nat. Commun. 12, 1506 (2021): 180 and 120 radii, 160 angular functions.
LENNARD_JONES_2D = StructureFunctionGrid(0.5, 5.0, 0.025, 0.75, 5.0)
COPPER_ZIRCONIUM = StructureFunctionGrid(2.0, 8.0, 0.05, 3.0, 8.0)


def radial_structure_functions(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    grid: StructureFunctionGrid,
    *,
    species_count: int = 2,
) -> np.ndarray:
    """Return the radial structure functions of every particle, by species of the neighbours.

    G_i(a, r) = sum_(j of a, r_ij < r_c) exp(-(r_ij - r)^2 / (2 width^2))

    Arguments and what is returned, (N, species_count, R), are as for `radial_densities`.

    Source: Fan, Ma, Nat. Commun. 12, 1506 (2021), Methods, "SVM methods".
    """
    return radial_densities(
        positions,
        species,
        box,
        grid.radii,
        grid.width,
        cutoff=grid.cutoff,
        species_count=species_count,
    )


def structure_functions(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    grid: StructureFunctionGrid,
    *,
    species_count: int = 2,
) -> np.ndarray:
    """Return the radial and then the angular functions of every particle, one row each.

    Arguments are those of `radial_densities`; what is returned has the shape
    (N, S R + S (S + 1) / 2 X 10), float64, dimensionless.

    >>> import numpy as np
    >>> from glassbench.structure import LENNARD_JONES_2D, structure_functions
    >>> generator = np.random.default_rng(0)
    >>> positions, species = generator.uniform(0, 12, (150, 2)), np.zeros(150, np.int8)
    >>> structure_functions(positions, species, np.full(2, 12.0), LENNARD_JONES_2D).shape
    (150, 840)
    """
    parts = [radial_structure_functions(positions, species, box, grid, species_count=species_count)]
    if grid.lengths_count:
        cutoff = grid.angular_cutoff or grid.cutoff
        parts.append(
            angular_structure_functions(
                positions, species, box, grid.lengths, cutoff, species_count=species_count
            )
        )
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
