"""Voronoi cells in a periodic box, plain or radical: volumes and coordination.

Voro++ finds the cells, in compiled code of the package `multivoro`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .periodic_box import checked_positions, wrap

CRYSTAL = (
    "corners of Voronoi cells coincide, as in a perfect crystal: displace the particles at random "
    "by a millionth of their spacing"
)


class VoronoiCells(NamedTuple):
    """Cells of the particles of a configuration.

    Attributes
    ----------
    volumes : (N,) float64, areas in two dimensions; unit of the positions to the power d
    coordination : (N,) int64, number of faces (of edges in two dimensions)
    """

    volumes: np.ndarray
    coordination: np.ndarray


def voronoi_cells(
    positions: np.ndarray, box: np.ndarray, radii: np.ndarray | None = None
) -> VoronoiCells:
    """Return the Voronoi cells of all particles; the radical ones where radii are given.

    A point x belongs to the particle with the least |x - x_i|^2 - R_i^2. The volumes
    sum to that of the box. Every face counts, however small. With radii (N,) that differ by
    more than the distance to a neighbour a particle can have no cell: volume 0, no face.
    Positions are in general position: cells that meet in degenerate corners, as in a perfect
    crystal, are refused.

    Source: Gellatly, Finney, J. Non-Cryst. Solids 50, 313 (1982), the radical tessellation.

    >>> import numpy as np
    >>> from glassbench.structure import voronoi_cells
    >>> positions = np.random.default_rng(0).uniform(0, 5, (100, 3))
    >>> cells = voronoi_cells(positions, np.full(3, 5.0))
    >>> print(cells.volumes.sum().round(6))  # the cells fill the box
    125.0
    """
    positions, box = checked_positions(positions, box)
    radii = _checked_radii(radii, len(positions))
    axes, points, edges = len(box), wrap(positions, box), box
    if not len(points):
        return VoronoiCells(np.zeros(0), np.zeros(0, np.int64))
    if axes == 2:
        # Prisms between two walls, which are two faces more.
        thickness = np.sqrt(box.prod() / len(points))
        points = np.column_stack([points, np.full(len(points), thickness / 2)])
        edges = np.append(box, thickness)
    cells = _cells(points, edges, radii, periodic=(True, True, axes == 3))
    if not np.isclose(cells.volumes.sum(), edges.prod(), rtol=1e-9):
        raise ValueError(CRYSTAL)
    if axes == 3:
        return cells
    return VoronoiCells(cells.volumes / thickness, np.maximum(cells.coordination - 2, 0))


def _cells(
    points: np.ndarray, box: np.ndarray, radii: np.ndarray, periodic: tuple[bool, ...]
) -> VoronoiCells:
    """Return the cells of points (N, 3) in the box from their corners and faces."""
    from multivoro import compute_voronoi

    limits = np.stack([np.zeros(3), box])
    cells = compute_voronoi(points, limits=limits, periodic_boundaries=periodic, radii=radii)
    corners = [cell.get_vertices() for cell in cells]
    # Of each face the number of its corners, then these.
    faces = [cell.get_face_vertices() for cell in cells]
    first_corner, number = np.cumsum([0, *map(len, corners)]), np.concatenate(faces).astype(int)
    ends = np.cumsum([len(face) for face in faces])
    at, cell = np.concatenate([[0], ends[:-1]]), np.arange(len(cells))
    found = []
    while (inside := at < ends[cell]).any():
        at, cell = at[inside], cell[inside]
        found.append((cell, at))
        at = at + number[at] + 1
    cell, at = np.concatenate([np.array(pair) for pair in found], axis=1)
    sides = number[at]
    corners_of_cell = np.bincount(cell, sides, len(cells))
    if not np.array_equal(corners_of_cell, 3 * np.diff(first_corner)):
        raise ValueError(CRYSTAL)
    # Triangles of a face, all from its first corner: bases of tetrahedra, whose tip is the first
    # corner of the cell. The particle itself may lie outside of a radical cell.
    triangles = sides - 2
    nth = np.arange(triangles.sum()) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    base, owner = np.repeat(at + 1, triangles), np.repeat(cell, triangles)
    places, tip = np.concatenate(corners), first_corner[owner]
    ends_of = number[np.stack([base, base + nth + 1, base + nth + 2], axis=1)] + tip[:, None]
    one, two, three = (places[ends] - places[tip] for ends in ends_of.T)
    volumes = np.abs((one * np.cross(two, three)).sum(axis=1)) / 6
    coordination = np.bincount(cell, minlength=len(cells))
    return VoronoiCells(np.bincount(owner, volumes, len(cells)), coordination)


def _checked_radii(radii: np.ndarray | None, particles: int) -> np.ndarray:
    if radii is None:
        return np.zeros(particles)
    radii = np.asarray(radii, dtype=np.float64)
    if radii.shape != (particles,) or not (np.isfinite(radii) & (radii >= 0)).all():
        raise ValueError(f"radii of shape {radii.shape} must be {particles} numbers of 0 or more")
    return radii
