"""Pair correlations by direction relative to the elongation of a load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .neighbours import neighbour_pairs
from .pair_distribution import distribution_edges
from .periodic_box import checked_positions, checked_species

ANGLES = ("theta", "phi")


def orientational_pair_correlation(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    *,
    largest: float,
    bins: int,
    angle_bins: int = 9,
    angle: str = "theta",
    frame: np.ndarray | None = None,
    centres: Sequence[int] | None = None,
    species_count: int = 2,
) -> np.ndarray:
    """Return the orientational pair correlation of each centre, by species of the neighbours.

    g_zeta,i(r, theta)_b = 1 / (kappa rho f_b) sum_(j of b) delta(r - r_ij) delta(theta - theta_j)

    zeta = shear direction + plane normal is the direction of elongation. theta is the
    angle between r_ij and the axis zeta; phi is the angle between the part of r_ij that is
    perpendicular to zeta and the plane of shear direction and normal (three dimensions).
    Both run from 0 to pi / 2, and a uniform gas has 1 everywhere, with
    kappa = 4 r dr dtheta in the plane, 4 pi r^2 dr (cos(theta - dtheta / 2) -
    cos(theta + dtheta / 2)) or 8 r^2 dr dphi in space; r and theta are the middles of bins.

    Returns (C, S, bins, angle_bins) float64, dimensionless: NaN for a species that does not occur.

    Source: Fan, Ma, Nat. Commun. 12, 1506 (2021), Eq. 3 and 4.

    Parameters
    ----------
    largest, bins : float, int
        Radial bins of equal width run from 0 to `largest`, unit of the positions.
    angle_bins : int
        Bins of equal width from 0 to pi / 2.
    angle : "theta" or "phi"
    frame : (d, d) orthogonal, optional
        Rows: shear direction, plane normal, third axis; the axes of the box unless given.
    centres : (C,) int, optional
        Indices of particles; all unless given.
    """
    positions, box = checked_positions(positions, box)
    species = checked_species(species, len(positions), species_count)
    if angle not in ANGLES or (angle == "phi" and len(box) == 2):
        raise ValueError(f"angle {angle!r} in {len(box)} dimensions: give 'theta', or 'phi' in 3")
    edges = distribution_edges(0.0, largest, bins)
    angle_edges = distribution_edges(0.0, np.pi / 2, angle_bins)
    pairs = neighbour_pairs(positions, box, largest)
    vectors = pairs.vectors if frame is None else pairs.vectors @ np.asarray(frame).T
    angles = _theta(vectors) if angle == "theta" else _phi(vectors)
    radial = np.searchsorted(edges, pairs.distances, side="right") - 1
    angular = np.minimum(np.searchsorted(angle_edges, angles, side="right"), angle_bins) - 1
    shape = (len(positions), species_count, bins, angle_bins)
    place = (pairs.receivers, species[pairs.senders], radial, angular)
    counts = np.bincount(np.ravel_multi_index(place, shape), minlength=int(np.prod(shape)))
    counts = counts.reshape(shape)
    if centres is not None:
        counts = counts[np.asarray(centres, dtype=np.int64)]
    of_species = np.bincount(species, minlength=species_count) / np.prod(box)
    uniform = of_species[:, None, None] * _kappa(edges, angle_edges, angle, len(box))
    return np.divide(counts, uniform, out=np.full(counts.shape, np.nan), where=uniform > 0)


def _theta(vectors: np.ndarray) -> np.ndarray:
    """The sign of r_ij does not matter: an axis has no direction."""
    along = np.abs(vectors[:, 0] + vectors[:, 1])
    across = vectors[:, 0] - vectors[:, 1]
    rest = (2 * vectors[:, 2:] ** 2).sum(axis=1)
    return np.arctan2(np.sqrt(across**2 + rest), along)


def _phi(vectors: np.ndarray) -> np.ndarray:
    return np.arctan2(np.sqrt(2) * np.abs(vectors[:, 2]), np.abs(vectors[:, 0] - vectors[:, 1]))


def _kappa(edges, angle_edges, angle: str, dimension: int) -> np.ndarray:
    r, dr = ((edges[1:] + edges[:-1]) / 2)[:, None], edges[1]
    if dimension == 2:
        return 4 * r * dr * np.diff(angle_edges)
    if angle == "phi":
        return 8 * r**2 * dr * np.diff(angle_edges)
    return 4 * np.pi * r**2 * dr * -np.diff(np.cos(angle_edges))
