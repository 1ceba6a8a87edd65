"""Non-affine squared displacement: what no local deformation explains of a particle's motion."""

from __future__ import annotations

import numpy as np

from .neighbours import Pairs, neighbour_pairs
from .periodic_box import checked_positions

INDEPENDENT = 1e-10  # least ratio of the eigenvalues of sum_j r_ij r_ij^T of independent neighbours


def non_affine_squared_displacement(
    initial_positions: np.ndarray,
    displaced_positions: np.ndarray,
    box: np.ndarray,
    cutoff: float,
    displaced_cell: np.ndarray | None = None,
) -> np.ndarray:
    """Return D2min, the squared displacement of the neighbours that no local strain explains.

    D2min_i = min_F sum_(j != i, r_ij < r_c) |r'_ij - F r_ij|^2

    with r_ij the minimum image in the initial box and r'_ij the same pair after the
    deformation, in the image that moved least in reduced coordinates; F is any d x d
    matrix. The sum is not divided by the number of neighbours. Neighbours that span k
    dimensions, k <= d, are fitted in these alone; d or fewer independent neighbours are
    fitted exactly, and D2min is then 0, as it is without neighbours.

    Returns (N,) float64, unit of the positions squared.

    Source: Falk, Langer, Phys. Rev. E 57, 7192 (1998), Eq. 2.11 to 2.14; there and here a sum.

    >>> import numpy as np
    >>> from glassbench.structure import non_affine_squared_displacement
    >>> grid = np.stack(np.meshgrid(*2 * [np.arange(6.0)]), -1).reshape(-1, 2)
    >>> moved = grid.copy()
    >>> moved[0, 0] += 0.1  # one particle alone
    >>> d2min = non_affine_squared_displacement(grid, moved, np.full(2, 6.0), cutoff=1.2)
    >>> d2min[:3].round(4)
    array([0.04 , 0.005, 0.   ])

    Parameters
    ----------
    initial_positions : (N, d), d = 2 or 3, any image
    displaced_positions : (N, d), any image
        The same particles in the same order. Between the two, no pair of neighbours
        parts by half of the cell beyond what the cell itself deforms.
    cutoff : float, r_c, unit of the positions
    displaced_cell : (d, d), optional
        Rows are the vectors of the cell after the deformation, triclinic where it was
        sheared: row k is what edge k of the initial box became. The initial box
        unless given.
    """
    initial, box = checked_positions(initial_positions, box)
    displaced = _checked_displaced(displaced_positions, initial)
    cell = _checked_cell(np.diag(box) if displaced_cell is None else displaced_cell, len(box))
    pairs = neighbour_pairs(initial, box, cutoff)
    relative = _relative_displacements(pairs, displaced, box, cell)
    vectors, relative = pairs.vectors.T.copy(), relative.T.copy()
    inverse = np.linalg.pinv(_products(pairs, vectors, vectors), rcond=INDEPENDENT, hermitian=True)
    strain = inverse @ _products(pairs, vectors, relative)
    fitted = np.einsum("ap,pab->bp", vectors, strain[pairs.receivers])
    return _sum(pairs, ((relative - fitted) ** 2).sum(axis=0))


def _relative_displacements(pairs: Pairs, displaced, box, cell) -> np.ndarray:
    """Return r'_ij - r_ij (P, d), which is small where the positions are not."""
    before = pairs.vectors / box
    reduced = np.linalg.solve(cell.T, displaced.T).T
    moved = reduced[pairs.receivers] - reduced[pairs.senders] - before
    moved -= np.rint(moved)
    return moved @ cell + before @ (cell - np.diag(box))


def _products(pairs: Pairs, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return sum_j left_ij right_ij^T (N, d, d) over the neighbours, of columns (d, P)."""
    sums = [_sum(pairs, one * other) for one in left for other in right]
    return np.stack(sums, axis=1).reshape(pairs.particles, len(left), len(right))


def _sum(pairs: Pairs, values: np.ndarray) -> np.ndarray:
    """Return the sums (N,) of values (P,) over the neighbours of each particle."""
    return np.bincount(pairs.receivers, values, minlength=pairs.particles)


def _checked_displaced(displaced: np.ndarray, initial: np.ndarray) -> np.ndarray:
    displaced = np.asarray(displaced, dtype=np.float64)
    if displaced.shape != initial.shape:
        raise ValueError(
            f"displaced positions have the shape {displaced.shape} and initial ones "
            f"{initial.shape}: give the same particles in the same order"
        )
    if not np.isfinite(displaced).all():
        particle = int(np.argmin(np.isfinite(displaced).all(axis=1)))
        raise ValueError(f"displaced position of particle {particle} is not finite: repair it")
    return displaced


def _checked_cell(cell: np.ndarray, dimension: int) -> np.ndarray:
    cell = np.asarray(cell, dtype=np.float64)
    if cell.shape != (dimension, dimension) or not np.isfinite(cell).all():
        raise ValueError(
            f"displaced cell {cell.tolist()} must be {dimension} finite vectors, one a row"
        )
    if not abs(np.linalg.det(cell)) > 1e-12 * np.linalg.norm(cell) ** dimension:
        raise ValueError(f"displaced cell {cell.tolist()} has no volume: check its vectors")
    return cell
