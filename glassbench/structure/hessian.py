"""The Hessian at a minimum of the energy: soft modes, and the response to forces and in a cage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .neighbours import neighbour_pairs

if TYPE_CHECKING:
    from scipy.sparse import sparray

Solver = Callable[[np.ndarray], np.ndarray]

DENSE_SIZE = 600
# Relative to the stiffness of a particle: far below the lowest modes, above rounding errors.
SHIFT = 1e-6
# Share of non-zeros above which full factors cost less than those of a sparse matrix in 3D.
FULL_SHARE = 0.015
BLOCK = 16
# Of an eigenvector, relative to its eigenvalue; of a response, relative to its force.
TOLERANCE = 1e-8
MOST_STEPS = 2000


def lowest_modes(
    hessian: sparray, dimension: int, count: int, masses: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the normal modes of lowest frequency, the d translations left out.

    omega^2 e = M^(-1/2) H M^(-1/2) e, by the block Lanczos method around a shift just below 0
    with the matrix factorised once: as a sparse matrix, or as a full one of 8 (d N)^2 bytes
    where many elements are not zero. At a minimum of the energy these are the modes of
    lowest frequency; elsewhere those with the least |omega^2|, unstable ones included.

    Returns omega^2 (count,), ascending, and polarisation vectors (N, d, count), each of length 1.

    Parameters
    ----------
    hessian : (d N, d N) sparse and symmetric, coordinates ordered particle by particle
    dimension : int, d
    count : int, number of modes, at most d (N - 1)
    masses : (N,), all equal to 1 unless given
    """
    from scipy import sparse

    size = hessian.shape[0]
    if hessian.shape != (size, size) or size % dimension:
        raise ValueError(f"hessian {hessian.shape} must be square, a multiple of {dimension}")
    particles = size // dimension
    if not 1 <= count <= size - dimension:
        raise ValueError(f"{count} modes of {size - dimension}: ask for 1 or more, and no more")
    if not np.isfinite(hessian.data).all():
        raise ValueError("hessian has elements that are not finite: do particles overlap?")
    masses = np.ones(particles) if masses is None else np.asarray(masses, dtype=np.float64)
    if masses.shape != (particles,) or not (masses > 0).all():
        raise ValueError(f"masses {masses.shape} must be {particles} positive numbers")
    scale = sparse.diags_array(1 / np.sqrt(np.repeat(masses, dimension)))
    matrix = (scale @ hessian @ scale).tocsc()
    values, vectors = _nearest_zero(matrix, min(count + dimension, size))
    weights = np.sqrt(masses / masses.sum())
    overlap = np.einsum("n,nam->am", weights, vectors.reshape(particles, dimension, -1))
    internal = np.argsort((overlap**2).sum(axis=0), kind="stable")[: len(values) - dimension]
    order = internal[np.argsort(np.abs(values[internal]), kind="stable")][:count]
    order = order[np.argsort(values[order], kind="stable")]
    return values[order], vectors[:, order].reshape(particles, dimension, count)


def _nearest_zero(matrix, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues (count,) nearest to zero and their vectors (size, count)."""
    size = matrix.shape[0]
    if size <= DENSE_SIZE or count > size // 10:
        values, vectors = np.linalg.eigh(matrix.toarray())
        nearest = np.argsort(np.abs(values), kind="stable")[:count]
        return values[nearest], vectors[:, nearest]
    shift = -SHIFT * float(matrix.diagonal().mean())
    shifted = matrix.copy()
    shifted.setdiag(shifted.diagonal() - shift)
    solver = _full_solver if matrix.nnz > FULL_SHARE * size**2 else _sparse_solver
    inverses, vectors = _largest(solver(shifted), size, count)
    return shift + 1 / inverses, vectors


def _largest(solve: Solver, size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues (count,) of largest magnitude of an operator, and their vectors.

    The block Lanczos method, every block made orthogonal to all before it. `solve` applies the
    symmetric operator to the columns of (size, BLOCK).
    """
    from scipy.linalg import qr

    start = np.random.default_rng(0).normal(size=(size, BLOCK))
    block, _ = qr(start, mode="economic", check_finite=False)
    basis, projected = np.empty((size, 0)), np.empty((0, 0))
    while basis.shape[1] + BLOCK <= size:
        basis = np.hstack([basis, block])
        block = solve(block)
        overlap = basis.T @ block
        projected = np.block([[projected, overlap[:-BLOCK]], [overlap.T]])
        block -= basis @ overlap
        block -= basis @ (basis.T @ block)
        block, rest = qr(block, mode="economic", check_finite=False)
        if basis.shape[1] < count:
            continue
        values, vectors = np.linalg.eigh(projected)
        found = np.argsort(-np.abs(values), kind="stable")[:count]
        values, vectors = values[found], vectors[:, found]
        residuals = np.linalg.norm(rest @ vectors[-BLOCK:], axis=0)
        if (residuals <= TOLERANCE * np.abs(values)).all():
            return values, basis @ vectors
    raise np.linalg.LinAlgError(f"{count} modes have not converged with {size} vectors")


def _sparse_solver(matrix) -> Solver:
    from scipy.sparse.linalg import splu

    options = {"SymmetricMode": True}
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve


def _full_solver(matrix) -> Solver:
    """Solve by Cholesky's factors, or by Gauss's where the matrix has unstable modes."""
    from scipy.linalg import cho_factor, cho_solve, lu_factor, lu_solve

    # Factors take the place of the matrix, which is made again where Cholesky's do not exist.
    options = {"overwrite_a": True, "check_finite": False}
    try:
        factors = cho_factor(matrix.toarray(order="F"), lower=True, **options)
    except np.linalg.LinAlgError:
        gauss = lu_factor(matrix.toarray(order="F"), **options)
        return lambda vector: lu_solve(gauss, vector, check_finite=False)
    return lambda vector: cho_solve(factors, vector, check_finite=False)


def soft_mode_participation(
    hessian: sparray,
    dimension: int,
    fraction: float = 0.01,
    masses: np.ndarray | None = None,
) -> np.ndarray:
    """Return the participation (N,) of each particle in the softest modes, dimensionless.

    p_i = sum over the lowest `fraction` of all d N modes, at least one, of |e_i|^2, e_i the part
    of the polarisation vector that belongs to particle i. The sum over particles is the number
    of modes. The other arguments are those of `lowest_modes`.

    Source: Fan, Ma, Nat. Commun. 12, 1506 (2021), Methods, "SM analysis"; Widmer-Cooper, Perry,
    Harrowell, Reichman, Nat. Phys. 4, 711 (2008).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction {fraction} must be above 0 and below 1")
    count = max(1, round(fraction * hessian.shape[0]))
    count = min(count, hessian.shape[0] - dimension)
    _, vectors = lowest_modes(hessian, dimension, count, masses)
    return (vectors**2).sum(axis=(1, 2))


def displacements_under_forces(hessian: sparray, forces: np.ndarray) -> np.ndarray:
    """Return u with H u = f, to |f - H u| / |f| <= 1e-8, by conjugate gradients.

    Forces must sum to zero along each axis; the displacements are known up to a common one.
    Preconditioned by the diagonal. A direction of negative curvature shows that the structure is
    no minimum of the energy: it has no linear response then, and the displacements are 0.

    Returns (d N, K) float64.

    Parameters
    ----------
    hessian : (d N, d N) sparse and symmetric
    forces : (d N, K), K of them at once
    """
    diagonal = hessian.diagonal()
    scale = np.where(diagonal > 0, diagonal, 1.0)[:, None]
    solution, residual = np.zeros_like(forces), np.array(forces, dtype=np.float64)
    preconditioned = residual / scale
    direction = preconditioned.copy()
    product = np.einsum("ik,ik->k", residual, preconditioned)
    goal = TOLERANCE * np.linalg.norm(residual, axis=0)
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
