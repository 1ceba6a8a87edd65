"""Soft modes: how much each particle takes part in the vibrations of lowest frequency."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import sparray

Solver = Callable[[np.ndarray], np.ndarray]

DENSE_SIZE = 600
# Relative to the stiffness of a particle: far below the lowest modes, above rounding errors.
SHIFT = 1e-6
# Share of non-zeros above which full factors cost less than those of a sparse matrix in 3D.
FULL_SHARE = 0.015
BLOCK = 16
# Of an eigenvector, relative to its eigenvalue.
TOLERANCE = 1e-8


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
