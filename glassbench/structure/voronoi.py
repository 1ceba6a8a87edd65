"""Voronoi cells in a periodic box, plain or radical: volumes, coordination, five-fold symmetry.

The dual of the radical tessellation is the lower convex hull of the particles lifted by
|x|^2 - R^2, which Qhull computes; volumes are sums over its simplices.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from .periodic_box import checked_positions, wrap

FIRST_MARGIN = 2.5  # spacings between particles; grows until no cell depends on it
FLAT = 1e-10


@dataclass(frozen=True, eq=False)
class VoronoiCells:
    """Cells of the particles of a configuration.

    Attributes
    ----------
    volumes : (N,) float64, areas in two dimensions; unit of the positions to the power d
    coordination : (N,) int64, number of faces (of edges in two dimensions)
    five_fold_symmetry : (N,) float64 or None
        Fraction of the faces with five edges, three dimensions only; 0 without faces.
    """

    volumes: np.ndarray
    coordination: np.ndarray
    five_fold_symmetry: np.ndarray | None


def voronoi_cells(
    positions: np.ndarray, box: np.ndarray, radii: np.ndarray | None = None
) -> VoronoiCells:
    """Return the Voronoi cells of all particles; the radical ones where radii are given.

    A point x belongs to the particle with the least |x - x_i|^2 - R_i^2. The volumes
    sum to that of the box. Every face counts, however small. With radii (N,) that differ by
    more than the distance to a neighbour a particle can have no cell: volume 0, no face.
    Positions are in general position: cells that meet in degenerate corners, as in a perfect
    crystal, are refused.

    Source: Gellatly, Finney, J. Non-Cryst. Solids 50, 313 (1982), the radical tessellation; Hu, Li,
    Li, Bai, Hua, Wang, Nat. Commun. 6, 8310 (2015), local five-fold symmetry.

    >>> import numpy as np
    >>> from glassbench.structure import voronoi_cells
    >>> positions = np.random.default_rng(0).uniform(0, 5, (100, 3))
    >>> cells = voronoi_cells(positions, np.full(3, 5.0))
    >>> print(cells.volumes.sum().round(6))  # the cells fill the box
    125.0
    """
    positions, box = checked_positions(positions, box)
    radii = _checked_radii(radii, len(positions))
    margin = FIRST_MARGIN * (np.prod(box) / max(len(positions), 1)) ** (1 / len(box))
    while True:
        simplices, particle, points, enough = _simplices(positions, box, radii, margin)
        if enough:
            break
        margin *= 1.5
    volumes = _volumes(simplices, particle, points, radii, len(positions))
    coordination, pentagons = _faces(simplices, len(positions))
    symmetry = None
    if len(box) == 3:
        symmetry = pentagons / np.maximum(coordination, 1)
    return VoronoiCells(volumes, coordination, symmetry)


def _simplices(positions, box, radii, margin):
    """Return simplices (T, d + 1) that touch a particle, the particle and place of each point."""
    from scipy.spatial import ConvexHull

    particle, points = _with_images(wrap(positions, box), box, margin)
    centred = points - box / 2
    lifted = np.column_stack([centred, (centred**2).sum(axis=1) - radii[particle] ** 2])
    hull = ConvexHull(lifted)
    lower = hull.simplices[hull.equations[:, -2] < 0]
    simplices = lower[(lower < len(positions)).any(axis=1)].astype(np.int64)
    corners = points[simplices]
    if _flat(corners).any():
        return simplices, particle, points, _refuse_if_inside(corners, box, margin)
    centre = _power_centre(corners, radii[particle[simplices]])
    power = ((centre - corners[:, 0]) ** 2).sum(axis=1) - radii[particle[simplices[:, 0]]] ** 2
    reach = np.sqrt(np.maximum(power + radii.max(initial=0) ** 2, 0))
    inside = np.minimum(centre + margin, box + margin - centre).min(axis=1)
    return simplices, particle, points, bool((inside >= reach).all())


def _refuse_if_inside(corners: np.ndarray, box: np.ndarray, margin: float) -> bool:
    """Return False (look further) if all flat simplices reach the rim of the images."""
    rim = 0.5 * margin
    flat = corners[_flat(corners)]
    if ((flat > -margin + rim) & (flat < box + margin - rim)).all(axis=(1, 2)).any():
        raise ValueError(
            "corners of Voronoi cells coincide, as in a perfect crystal: displace the particles "
            "at random by a millionth of their spacing"
        )
    return False


def _flat(corners: np.ndarray) -> np.ndarray:
    edges = corners[:, 1:] - corners[:, :1]
    size = np.linalg.norm(edges, axis=2).max(axis=1)
    return np.abs(np.linalg.det(edges)) < FLAT * size ** edges.shape[2]


def _with_images(wrapped, box, margin) -> tuple[np.ndarray, np.ndarray]:
    """Return particle (M,) and place (M, d) of particles and images within the margin."""
    particle, points = [np.arange(len(wrapped))], [wrapped]
    reach = [range(-math.ceil(margin / edge), math.ceil(margin / edge) + 1) for edge in box]
    for image in itertools.product(*reach):
        if any(image):
            moved = wrapped + np.array(image) * box
            near = ((moved > -margin) & (moved < box + margin)).all(axis=1)
            particle.append(np.flatnonzero(near))
            points.append(moved[near])
    return np.concatenate(particle), np.concatenate(points)


def _power_centre(corners: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the point (F, d) in the plane of the corners (F, k, d) with equal powers (F, k)."""
    edges = corners[:, 1:] - corners[:, :1]
    squared = (edges**2).sum(axis=2) - radii[:, 1:] ** 2 + radii[:, :1] ** 2
    gram = edges @ edges.transpose(0, 2, 1)
    weights = np.linalg.solve(gram, squared[:, :, None] / 2)
    return corners[:, 0] + (weights * edges).sum(axis=1)


def _volumes(simplices, particle, points, radii, particles: int) -> np.ndarray:
    """Sum the signed volumes between x_i and the centres of an edge, a face, … that contain it."""
    corners = points[simplices]
    dimension = points.shape[1]
    orientation = np.sign(np.linalg.det(corners[:, 1:] - corners[:, :1]))
    weights = radii[particle[simplices]]
    centres = {
        face: _power_centre(corners[:, face], weights[:, face])
        for size in range(2, dimension + 2)
        for face in itertools.combinations(range(dimension + 1), size)
    }
    volumes = np.zeros(particles)
    for order in itertools.permutations(range(dimension + 1)):
        start = simplices[:, order[0]]
        own = start < particles
        steps = [centres[tuple(sorted(order[:size]))] for size in range(2, dimension + 2)]
        steps = np.stack(steps, axis=1)[own] - corners[own, None, order[0]]
        signed = np.linalg.det(steps) * orientation[own] * _parity(order)
        volumes += np.bincount(start[own], signed, minlength=particles)
    return volumes / math.factorial(dimension)


def _parity(order: tuple[int, ...]) -> int:
    return (-1) ** sum(a > b for a, b in itertools.combinations(order, 2))


def _faces(simplices: np.ndarray, particles: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers (N,) of faces, edges of the dual, and of faces with five edges."""
    pairs = itertools.permutations(range(simplices.shape[1]), 2)
    ends = np.concatenate([simplices[:, pair] for pair in map(list, pairs)])
    ends = ends[ends[:, 0] < particles]
    key, sides = np.unique(
        ends[:, 0] * (simplices.max(initial=0) + 1) + ends[:, 1], return_counts=True
    )
    centre = key // (simplices.max(initial=0) + 1)
    coordination = np.bincount(centre, minlength=particles)
    return coordination, np.bincount(centre[sides == 5], minlength=particles)


def _checked_radii(radii: np.ndarray | None, particles: int) -> np.ndarray:
    if radii is None:
        return np.zeros(particles)
    radii = np.asarray(radii, dtype=np.float64)
    if radii.shape != (particles,) or not (np.isfinite(radii) & (radii >= 0)).all():
        raise ValueError(f"radii of shape {radii.shape} must be {particles} numbers of 0 or more")
    return radii
