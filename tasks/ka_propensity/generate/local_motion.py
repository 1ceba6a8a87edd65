"""Motion against the neighbours, and broken bonds: what is measured, and its arrays in a store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glassbench.datasets.layout import Variable, half_of
from glassbench.datasets.quantise import Packing

from .bond_breaking import BondBreaking
from .isoconfigurational import Observable
from .neighbour_relative import NeighbourRelative

# R_i and D_i, in this order.
NEIGHBOUR_RELATIVE = ("relative_displacement", "non_affine_displacement")
BOND_BREAKING = "bond_breaking"
MEANINGS = {
    "relative_displacement": "|displacement against the neighbours' average|, strain removed",
    "non_affine_displacement": "root mean square of what no strain of the neighbours explains",
    BOND_BREAKING: "share of the bonds at t = 0 that are broken",
}


def neighbour_relative_motion(positions: np.ndarray, box: np.ndarray) -> Observable:
    """Return R_i and D_i of the configuration with these positions, see `NeighbourRelative`."""
    neighbours = NeighbourRelative(positions, box)
    start = np.asarray(positions, dtype=np.float64)
    return Observable(NEIGHBOUR_RELATIVE, lambda later: neighbours(later - start))


def bond_breaking(
    positions: np.ndarray, species: np.ndarray, box: np.ndarray, diameters: np.ndarray
) -> Observable:
    """Return the share of lost bonds of the configuration, see `BondBreaking`."""
    bonds = BondBreaking(positions, species, box, diameters)
    return Observable((BOND_BREAKING,), lambda later: [bonds(later)])


def local_motion_variables(packing: Mapping[str, Packing | None]) -> tuple[Variable, ...]:
    """Return the arrays of R_i(t) and D_i(t) (Shiba et al. 2023, section V) and broken bonds.

    Parameters
    ----------
    packing : by name of the quantity, of its mean and its half difference alike
    """
    variables: list[Variable] = []
    for name, what in MEANINGS.items():
        unit = "none" if name == BOND_BREAKING else "length"
        dimensions = ("configuration", "time", "particle")
        meaning = f"{what}; isoconfigurational average"
        mean = Variable(name, dimensions, "float32", unit, meaning, packing[name])
        variables += [mean, half_of(mean)]
    return tuple(variables)
