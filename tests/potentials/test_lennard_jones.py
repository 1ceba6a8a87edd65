"""The force-shifted Lennard-Jones potential: closed forms, derivatives, LAMMPS, published data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.potentials import (
    KOB_ANDERSEN,
    ForceShiftedLennardJones,
    forces,
    particle_energies,
)
from glassbench.simulation.generator import load_generator
from glassbench.simulation.lammps_library import (
    LammpsMissing,
    gather_by_id,
    lammps_session,
    load_lammps_module,
    place_atoms,
)
from glassbench.structure import neighbour_pairs

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "botan_small"


def pairs_of(positions, box):
    pairs = neighbour_pairs(positions, box, KOB_ANDERSEN.largest_cutoff).undirected()
    return pairs.senders, pairs.receivers, pairs.vectors


@pytest.fixture(scope="module")
def configuration():
    """A disturbed lattice at the density 1.2, with one B in five, in a non-cubic box."""
    generator = np.random.default_rng(0)
    cells = np.array([6, 7, 8])
    box = cells * 1.2 ** (-1 / 3)
    grid = np.stack(np.meshgrid(*[np.arange(c) for c in cells], indexing="ij"), -1).reshape(-1, 3)
    positions = (grid + generator.uniform(-0.08, 0.08, grid.shape)) * box / cells
    species = (generator.random(len(positions)) < 0.2).astype(np.int8)
    return positions, species, box


def pair_value(distance, first, second):
    energy, slope = KOB_ANDERSEN.energy_and_slope(
        np.array([distance]), np.array([first]), np.array([second])
    )
    return energy[0], slope[0]


@pytest.mark.parametrize(
    ("first", "second", "epsilon", "sigma"), [(0, 0, 1, 1), (0, 1, 1.5, 0.8), (1, 1, 0.5, 0.88)]
)
def test_a_pair_has_the_energy_of_the_shifted_form(first, second, epsilon, sigma):
    def plain(r):
        return 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6)

    cutoff = 2.5 * sigma
    slope = -4 * epsilon * (12 * 2.5**-12 - 6 * 2.5**-6) / cutoff
    for r in (0.9 * sigma, 2 ** (1 / 6) * sigma, 2.2 * sigma):
        energy, _ = pair_value(r, first, second)
        assert np.isclose(energy, plain(r) - plain(cutoff) - (r - cutoff) * slope, rtol=1e-12)
        assert pair_value(r, second, first) == pair_value(r, first, second)


@pytest.mark.parametrize("pair", [(0, 0), (0, 1), (1, 1)])
def test_energy_and_force_go_to_zero_at_the_cutoff_and_stay_there(pair):
    cutoff = KOB_ANDERSEN.cutoffs[pair]
    energy, slope = pair_value(cutoff * (1 - 1e-7), *pair)
    assert abs(energy) < 1e-12 and 0 < abs(slope) < 1e-6
    assert pair_value(cutoff, *pair) == (0, 0) and pair_value(1.1 * cutoff, *pair) == (0, 0)


def test_forces_are_minus_the_derivative_of_the_energy(configuration):
    positions, species, box = configuration
    computed = forces(KOB_ANDERSEN, species, *pairs_of(positions, box))
    step = 1e-5
    for particle, axis in ((0, 0), (17, 1), (100, 2), (335, 0)):
        energies = []
        for sign in (1, -1):
            moved = positions.copy()
            moved[particle, axis] += sign * step
            energies.append(particle_energies(KOB_ANDERSEN, species, *pairs_of(moved, box)).sum())
        assert np.isclose(computed[particle, axis], -np.diff(energies[::-1])[0] / (2 * step), 1e-6)


def test_forces_sum_to_zero_and_energies_of_particles_to_those_of_pairs(configuration):
    positions, species, box = configuration
    first, second, vectors = pairs_of(positions, box)
    total = forces(KOB_ANDERSEN, species, first, second, vectors).sum(axis=0)
    assert np.allclose(total, 0, atol=1e-9)
    lengths = np.linalg.norm(vectors, axis=1)
    pair_energy, _ = KOB_ANDERSEN.energy_and_slope(lengths, species[first], species[second])
    local = particle_energies(KOB_ANDERSEN, species, first, second, vectors)
    assert np.isclose(local.sum(), pair_energy.sum())


def test_energy_is_extensive(configuration):
    positions, species, box = configuration
    one = particle_energies(KOB_ANDERSEN, species, *pairs_of(positions, box))
    doubled = np.concatenate([positions, positions + [0, box[1], 0]])
    two = particle_energies(KOB_ANDERSEN, np.tile(species, 2), *pairs_of(doubled, box * [1, 2, 1]))
    assert np.allclose(two, np.tile(one, 2))


def test_energies_and_forces_are_those_of_lammps(configuration):
    try:
        load_lammps_module()
    except LammpsMissing as error:
        pytest.skip(str(error))
    positions, species, box = configuration
    with lammps_session() as lammps:
        for command in (
            "units lj",
            "atom_style atomic",
            "atom_modify map array",
            f"region box block 0 {box[0]:.17g} 0 {box[1]:.17g} 0 {box[2]:.17g}",
            "create_box 2 box",
            "mass * 1.0",
            *load_generator(load_task("ka_propensity")).kob_andersen.PAIR_COMMANDS,
            "compute local all pe/atom",
            "compute total all reduce sum c_local",
            "thermo_style custom step pe c_total",
        ):
            lammps.command(command)
        place_atoms(lammps, np.mod(positions, box), species + 1)
        lammps.command("run 0 post no")
        expected_forces = gather_by_id(lammps, "f")
        order = np.argsort(np.array(lammps.numpy.extract_atom("id")[: len(species)]).ravel())
        expected = np.array(lammps.numpy.extract_compute("local", 1, 1))[: len(species)][order]
    pairs = pairs_of(positions, box)
    assert np.allclose(
        particle_energies(KOB_ANDERSEN, species, *pairs), expected, rtol=1e-10, atol=1e-10
    )
    computed = forces(KOB_ANDERSEN, species, *pairs)
    assert np.allclose(computed, expected_forces, rtol=1e-9, atol=1e-8)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the data of Shiba et al. are not here")
def test_published_configurations_have_their_energy():
    energies = []
    for path in sorted(PUBLISHED.glob("*/*.npz")):
        with np.load(path) as file:
            positions, species = file["initial_positions"], file["types"].astype(np.int8)
        pairs = pairs_of(positions, np.full(3, 15.05658))
        energies.append(particle_energies(KOB_ANDERSEN, species, *pairs).mean())
    assert len(energies) == 13
    assert np.isclose(np.mean(energies), -6.212, atol=0.004)
    assert 0.005 < np.std(energies) < 0.02


def test_pairs_and_species_that_would_be_miscounted_are_refused(configuration):
    positions, species, box = configuration
    first, second, vectors = pairs_of(positions, box)
    with pytest.raises(ValueError, match="give each pair once"):
        particle_energies(KOB_ANDERSEN, species, second, first, -vectors)
    with pytest.raises(ValueError, match="species run from 0 to 2"):
        particle_energies(
            KOB_ANDERSEN, np.where(positions[:, 0] > 1, 2, species), first, second, vectors
        )
    with pytest.raises(ValueError, match="must describe the same pairs"):
        forces(KOB_ANDERSEN, species, first[1:], second, vectors)
    with pytest.raises(ValueError, match=r"distance of pair 0 is 0\.0"):
        particle_energies(KOB_ANDERSEN, np.zeros(2, int), [0], [1], np.zeros((1, 3)))


def test_tables_that_are_no_mixture_are_refused():
    with pytest.raises(ValueError, match="epsilon .* must be a finite symmetric table"):
        ForceShiftedLennardJones(((1.0, 1.5), (1.4, 0.5)), ((1.0, 0.8), (0.8, 0.88)))
    with pytest.raises(ValueError, match="give one size"):
        ForceShiftedLennardJones(((1.0,),), ((1.0, 0.8), (0.8, 0.88)))
    with pytest.raises(ValueError, match="must be above 0"):
        ForceShiftedLennardJones(((1.0,),), ((0.0,),))
