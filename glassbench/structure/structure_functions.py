"""The radial and angular structure functions that describe a particle to a linear classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .local import positive_list, radial_densities
from .neighbours import PairBlock, neighbourhood_blocks, refuse_coincident
from .periodic_box import checked_positions, checked_species

EXPONENTS = (1, 2, 4, 8, 16)
SIGNS = (-1, 1)
# Arrays of this length stay in the second-level cache.
TRIPLETS_PER_PIECE = 2**15


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


def angular_structure_functions(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    lengths: Sequence[float] | np.ndarray,
    cutoff: float,
    *,
    species_count: int = 2,
) -> np.ndarray:
    """Return the angular structure functions of every particle, by pair of species.

    Psi_i(a, b; xi, lambda, zeta) = sum_(j of a) sum_(k of b)
    exp(-(r_ij^2 + r_jk^2 + r_ik^2) / xi^2) (1 + lambda cos theta_ijk)^zeta,
    lambda = -1, 1, zeta = 1, 2, 4, 8, 16

    over ordered pairs of two different neighbours with r_ij, r_ik < r_c, where theta_ijk
    is the angle at i. There is no cutoff function and no factor 2^(1 - zeta). A particle
    with fewer than two neighbours has zeros. `lengths` (X,) are xi, `cutoff` is r_c.

    Returns (N, S (S + 1) / 2, X, 2, 5) float64, dimensionless: pairs of species a <= b in the
    order (0, 0), (0, 1), ..., (1, 1), ...; then xi, lambda, zeta.

    Source: Fan, Ma, Nat. Commun. 12, 1506 (2021), Methods, "SVM methods". The text gives no range
    of j and k: here that of the radial functions.
    """
    positions, box = checked_positions(positions, box)
    species = checked_species(species, len(positions), species_count)
    lengths = positive_list("lengths", lengths)
    pairs = [(a, b) for a in range(species_count) for b in range(a, species_count)]
    terms = len(SIGNS) * len(EXPONENTS)
    functions = np.zeros((len(pairs), len(positions), len(lengths), terms))
    for block in neighbourhood_blocks(positions, box, cutoff):
        bonds = _bonds(block, species)
        for sums, pair in zip(functions, pairs, strict=True):
            for triplets in _triplets(bonds, *pair, species_count):
                _add(sums, bonds, triplets, lengths, twice=pair[0] == pair[1])
    shape = (len(positions), len(pairs), len(lengths), len(SIGNS), len(EXPONENTS))
    return functions.transpose(1, 0, 2, 3).reshape(shape)


class _Bonds(NamedTuple):
    """Neighbours of some particles, sorted by particle and then by species."""

    centre: np.ndarray  # (P,)
    species: np.ndarray  # (P,) of the neighbour
    directions: np.ndarray  # (d, P)
    distances: np.ndarray  # (P,)


class _Triplets(NamedTuple):
    """Pairs of bonds j, k (T,); those of centres[n] are bounds[n] to bounds[n + 1]."""

    j: np.ndarray
    k: np.ndarray
    centres: np.ndarray
    bounds: np.ndarray


def _bonds(block: PairBlock, species: np.ndarray) -> _Bonds:
    refuse_coincident(block)
    order = np.lexsort((species[block.second], block.first))
    distances = block.distances[order]
    centre, other = block.first[order], block.second[order]
    return _Bonds(centre, species[other], block.vectors[:, order] / distances, distances)


def _triplets(bonds: _Bonds, a: int, b: int, species_count: int) -> Iterator[_Triplets]:
    """Yield pairs of bonds to species a and b, each unordered pair once where a = b."""
    key = bonds.centre.astype(np.int64) * species_count + bonds.species
    first = np.flatnonzero(bonds.species == a)
    centre = bonds.centre[first].astype(np.int64)
    begin = np.searchsorted(key, centre * species_count + b)
    end = np.searchsorted(key, centre * species_count + b, side="right")
    if a == b:
        begin = first + 1
    counts = end - begin
    starts = np.append(np.flatnonzero(np.diff(centre, prepend=-1)), len(first))
    total = np.concatenate([[0], np.cumsum(counts)])[starts]
    low = 0
    while low < len(starts) - 1:
        limit = total[low] + TRIPLETS_PER_PIECE
        high = max(low + 1, int(np.searchsorted(total, limit, side="right")) - 1)
        part = slice(starts[low], starts[high])
        count = counts[part]
        j = np.repeat(first[part], count)
        k = np.arange(len(j)) + np.repeat(begin[part] - np.cumsum(count) + count, count)
        yield _Triplets(j, k, centre[starts[low:high]], total[low : high + 1] - total[low])
        low = high


def _add(sums: np.ndarray, bonds: _Bonds, triplets: _Triplets, lengths, twice: bool) -> None:
    j, k = triplets.j, triplets.k
    cosine = np.zeros(len(j))
    for component in bonds.directions:
        cosine += component[j] * component[k]
    at_j, at_k = bonds.distances[j], bonds.distances[k]
    # r_ij^2 + r_jk^2 + r_ik^2 by the law of cosines.
    squared = 2 * (at_j * at_j + at_k * at_k - at_j * at_k * cosine)
    powers = _powers(cosine)
    rates = -1 / lengths[:, None] ** 2
    weight = 2.0 if twice else 1.0
    bounds = triplets.bounds.tolist()
    for centre, low, high in zip(triplets.centres.tolist(), bounds, bounds[1:]):
        gaussians = rates * squared[low:high]
        np.exp(gaussians, out=gaussians)
        sums[centre] = weight * (gaussians @ powers[:, low:high].T)


def _powers(cosine: np.ndarray) -> np.ndarray:
    """Return (1 + lambda cos)^zeta (10, T): lambda, then zeta, by repeated squaring."""
    powers = np.empty((len(SIGNS), len(EXPONENTS), len(cosine)))
    for power, sign in zip(powers, SIGNS, strict=True):
        power[0] = 1 + sign * cosine
        for step in range(1, len(EXPONENTS)):
            np.multiply(power[step - 1], power[step - 1], out=power[step])
    return powers.reshape(len(SIGNS) * len(EXPONENTS), -1)
