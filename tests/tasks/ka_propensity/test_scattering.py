"""The self-intermediate scattering function and the fit of its relaxation time."""

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

scattering = load_generator(load_task("ka_propensity")).checks
fit_relaxation_time = scattering.fit_relaxation_time
self_intermediate_scattering = scattering.self_intermediate_scattering


def test_scattering_of_gaussian_displacements_has_its_closed_form():
    displacements = np.random.default_rng(0).normal(scale=0.2, size=(100_000, 3))
    expected = np.exp(-((2 * np.pi * 0.2) ** 2) / 2)
    assert self_intermediate_scattering(displacements, 2 * np.pi) == pytest.approx(
        expected, abs=5e-3
    )


def test_the_fit_finds_the_relaxation_time_it_was_made_with():
    times = np.array([0.1, 0.165, 0.52, 1.65, 5.2, 16.5, 52.0])
    values = 0.3 * np.exp(-((times / 0.2) ** 2)) + 0.7 * np.exp(-((times / 16.5) ** 0.8))
    fit = fit_relaxation_time(times, values)
    assert fit["tau_alpha"] == pytest.approx(16.5, rel=1e-3)
    with pytest.raises(ValueError, match="give at least 4"):
        fit_relaxation_time(times[:3], values[:3])
