"""Linear response of a minimum of the energy: to forces, and of a particle in a frozen cage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .neighbours import neighbour_pairs

if TYPE_CHECKING:
    from scipy.sparse import sparray

MOST_STEPS = 2000


def displacements_under_forces(
    hessian: sparray, forces: np.ndarray, tolerance: float = 1e-8
) -> np.ndarray:
    """Return u with H u = f, by conjugate gradients: time grows little faster than N.

    Forces must sum to zero along each axis; the displacements are known up to a common one.
    Preconditioned by the diagonal. A direction of negative curvature shows that the structure is
    no minimum of the energy: it has no linear response then, and the displacements are 0.

    Returns (d N, K) float64.

    Parameters
    ----------
    hessian : (d N, d N) sparse and symmetric
    forces : (d N, K), K of them at once
    tolerance : largest |f - H u| / |f|
    """
    diagonal = hessian.diagonal()
    scale = np.where(diagonal > 0, diagonal, 1.0)[:, None]
    solution, residual = np.zeros_like(forces), np.array(forces, dtype=np.float64)
    preconditioned = residual / scale
    direction = preconditioned.copy()
    product = np.einsum("ik,ik->k", residual, preconditioned)
    goal = tolerance * np.linalg.norm(residual, axis=0)
    going = np.linalg.norm(residual, axis=0) > 0
    for _ in range(MOST_STEPS):
        if not going.any():
            break
        image = hessian @ direction
        curvature = np.einsum("ik,ik->k", direction, image)
        if (curvature[going] <= 0).any():
            return np.zeros_like(solution)
        step = np.divide(product, curvature, out=np.zeros_like(product), where=going)
        solution += step * direction
        residual -= step * image
        going &= np.linalg.norm(residual, axis=0) > goal
        preconditioned = residual / scale
        after = np.einsum("ik,ik->k", residual, preconditioned)
        ratio = np.divide(after, product, out=np.zeros_like(product), where=going)
        direction = preconditioned + ratio * direction
        product = after
    return solution


def cage_compliance(
    hessian: sparray, positions: np.ndarray, box: np.ndarray, cutoff: float
) -> np.ndarray:
    """Return how far each particle gives way to a force on it, all beyond the cutoff held fixed.

    C_i = block (i, i) of the inverse of the Hessian of the particles within `cutoff` of i. In
    the harmonic limit k_B T C_i is the covariance of the thermal motion in that cage.

    Returns (N, d, d) float64, squared length per energy.

    Parameters
    ----------
    hessian : (d N, d N) sparse and symmetric
    positions : (N, d); box : (d,); cutoff : unit of the positions, half of the box at most
    """
    dimension, pairs = len(box), neighbour_pairs(positions, box, cutoff)
    blocks = hessian.tobsr((dimension, dimension))
    slot = np.full(pairs.particles, -1)
    compliance = np.empty((pairs.particles, dimension, dimension))
    for particle in range(pairs.particles):
        around = pairs.senders[pairs.offsets[particle] : pairs.offsets[particle + 1]]
        members = np.concatenate([[particle], around])
        slot[members] = np.arange(len(members))
        rows = [np.arange(blocks.indptr[m], blocks.indptr[m + 1]) for m in members]
        row = np.repeat(np.arange(len(members)), [len(r) for r in rows])
        entries = np.concatenate(rows)
        column = slot[blocks.indices[entries]]
        inside = column >= 0
        matrix = np.zeros((len(members), len(members), dimension, dimension))
        matrix[row[inside], column[inside]] = blocks.data[entries[inside]]
        size = dimension * len(members)
        square, forces = matrix.transpose(0, 2, 1, 3).reshape(size, size), np.eye(size, dimension)
        compliance[particle] = np.linalg.solve(square, forces)[:dimension]
        slot[members] = -1
    return compliance
