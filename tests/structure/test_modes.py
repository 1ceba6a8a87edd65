"""Soft modes are the lowest eigenvectors of the Hessian, without translations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glassbench.potentials.pairs import spread_pair_blocks
from glassbench.structure import lowest_modes, soft_mode_participation


def springs(side, dimension, seed=0):
    """A square or cubic lattice of springs of random strengths and directions: (d N, d N)."""
    generator = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(side)] * dimension, indexing="ij"), -1)
    index = np.ravel_multi_index(tuple(np.moveaxis(grid, -1, 0)), [side] * dimension)
    size = side**dimension * dimension
    hessian = sparse.lil_array((size, size))
    for axis in range(dimension):
        for i, j in zip(index.ravel(), np.roll(index, 1, axis).ravel()):
            direction = generator.normal(size=dimension)
            block = np.eye(dimension) + np.outer(direction, direction)
            for a, b in np.ndindex(dimension, dimension):
                rows = (dimension * i + a, dimension * j + a)
                columns = (dimension * i + b, dimension * j + b)
                for row, column, sign in (
                    (rows[0], columns[0], 1),
                    (rows[1], columns[1], 1),
                    (rows[0], columns[1], -1),
                    (rows[1], columns[0], -1),
                ):
                    hessian[row, column] += sign * block[a, b]
    return hessian.tocsr()


@pytest.mark.parametrize(("side", "dimension"), [(20, 2), (7, 3), (6, 2)])
def test_the_modes_are_those_of_a_full_diagonalisation(side, dimension):
    hessian = springs(side, dimension)
    values, vectors = lowest_modes(hessian, dimension, 12)
    every, exact = np.linalg.eigh(hessian.toarray())
    assert np.allclose(values, every[dimension : dimension + 12], rtol=1e-8)
    flat = vectors.reshape(-1, 12)
    assert np.allclose(hessian @ flat, flat * values, atol=1e-7)
    overlap = np.abs(exact[:, dimension : dimension + 12].T @ flat)
    assert np.allclose(overlap, np.eye(12), atol=1e-5)


@pytest.mark.parametrize("unstable", [False, True])
def test_modes_of_a_full_matrix_are_found_with_full_factors(unstable):
    count, generator = 260, np.random.default_rng(2)
    first, second = np.triu_indices(count, 1)
    directions = generator.normal(size=(len(first), 3))
    strengths = generator.uniform(0, 1, len(first)) ** 8
    strengths[first == 0] *= -0.05 if unstable else 1
    blocks = strengths[:, None, None] * directions[:, :, None] * directions[:, None, :]
    hessian = spread_pair_blocks(blocks, first, second, count)
    assert hessian.nnz > 0.9 * hessian.shape[0] ** 2
    values, vectors = lowest_modes(hessian, 3, 12)
    every = np.linalg.eigvalsh(hessian.toarray())
    nearest = every[np.argsort(np.abs(every))][3:15]
    assert (nearest.min() < 0) == unstable
    assert np.allclose(values, np.sort(nearest), rtol=1e-7)
    flat = vectors.reshape(-1, 12)
    assert np.allclose(hessian @ flat, flat * values, atol=1e-6)


def test_heavy_particles_lower_the_frequencies():
    hessian, generator = springs(20, 2), np.random.default_rng(1)
    masses = generator.uniform(1, 3, 400)
    values, vectors = lowest_modes(hessian, 2, 5, masses)
    root = np.repeat(np.sqrt(masses), 2)
    every = np.linalg.eigvalsh(hessian.toarray() / np.outer(root, root))
    assert np.allclose(values, every[2:7], rtol=1e-8)
    shift = np.sqrt(masses)[:, None, None] * vectors
    assert np.allclose(shift.sum(axis=0), 0, atol=1e-6)


def test_the_participation_sums_to_the_number_of_modes():
    hessian = springs(20, 2)
    participation = soft_mode_participation(hessian, 2, 0.01)
    assert participation.shape == (400,) and participation.sum() == pytest.approx(8)
    assert np.array_equal(participation, soft_mode_participation(hessian, 2, 0.01))


def test_a_loosely_bound_particle_takes_part_most():
    hessian = springs(20, 2).tolil()
    weak = sparse.diags_array(np.where(np.arange(800) // 2 == 123, 0.05, 1.0))
    hessian = (weak @ hessian @ weak).tocsr() + sparse.eye_array(800) * 0.001
    participation = soft_mode_participation(hessian, 2, 0.0025)
    assert participation.argmax() == 123


def test_wrong_shapes_and_numbers_are_refused():
    hessian = springs(6, 2)
    with pytest.raises(ValueError, match="a multiple of 5"):
        lowest_modes(hessian, 5, 3)
    with pytest.raises(ValueError, match="71 modes of 70"):
        lowest_modes(hessian, 2, 71)
    with pytest.raises(ValueError, match="36 positive numbers"):
        lowest_modes(hessian, 2, 3, np.ones(5))
    with pytest.raises(ValueError, match="fraction 1.5"):
        soft_mode_participation(hessian, 2, 1.5)


def test_a_hessian_that_is_not_finite_is_refused():
    hessian = springs(20, 2)
    hessian.data[3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        lowest_modes(hessian, 2, 12)
