"""Bonds are broken by what parts particles, and by nothing else."""

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

BondBreaking = load_generator(load_task("ka_propensity")).local_motion.BondBreaking
BOX = np.full(3, 8.0)
DIAMETERS = ((1.0, 0.8), (0.8, 0.88))


@pytest.fixture
def liquid():
    generator = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(8)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = grid + 0.5 + generator.uniform(-0.2, 0.2, (512, 3))
    return positions, generator.integers(0, 2, 512).astype(np.int8)


def direct(start, later, species):
    """Return B_i by going over all pairs."""
    lost, bonds = np.zeros(len(start)), np.zeros(len(start))
    diameter = np.array(DIAMETERS)[species[:, None], species]
    for frame, limit, total in ((start, 1.5, bonds), (later, 1.7, lost)):
        vectors = frame[:, None] - frame
        vectors -= BOX * np.rint(vectors / BOX)
        inside = np.linalg.norm(vectors, axis=-1) < limit * diameter
        np.fill_diagonal(inside, False)
        if total is bonds:
            bonded = inside
            total += inside.sum(axis=1)
        else:
            total += (bonded & ~inside).sum(axis=1)
    return lost / np.maximum(bonds, 1)


def test_lost_bonds_are_those_of_a_search_over_all_pairs(liquid):
    start, species = liquid
    later = start + np.random.default_rng(1).normal(scale=0.3, size=start.shape)
    found = BondBreaking(start, species, BOX, DIAMETERS)(later)
    assert 0.02 < found.mean() < 0.5
    np.testing.assert_allclose(found, direct(start, later, species))


def test_translations_images_and_small_vibrations_break_none(liquid):
    start, species = liquid
    bonds = BondBreaking(start, species, BOX, DIAMETERS)
    images = np.random.default_rng(2).integers(-2, 3, start.shape) * BOX
    shaken = start + np.random.default_rng(3).uniform(-0.02, 0.02, start.shape)
    for later in (start, start + [3.3, -1.0, 0.2] + images, shaken):
        assert (bonds(later) == 0).all()


def test_a_particle_that_leaves_loses_all_and_its_neighbours_one(liquid):
    start, species = liquid
    bonds = BondBreaking(start, species, BOX, DIAMETERS)
    later = start.copy()
    later[7] += [4.0, 4.0, 0.5]
    found = bonds(later)
    assert found[7] == 1
    neighbours = np.concatenate([bonds.second[bonds.first == 7], bonds.first[bonds.second == 7]])
    assert len(neighbours) == bonds.bonds[7]
    assert found[neighbours] == pytest.approx(1 / bonds.bonds[neighbours])
    assert np.count_nonzero(found) == 1 + len(neighbours)


def test_what_does_not_fit_is_named(liquid):
    start, species = liquid
    with pytest.raises(ValueError, match="0 < A_1 <= A_2"):
        BondBreaking(start, species, BOX, DIAMETERS, bonded=1.5, broken=1.2)
    with pytest.raises(ValueError, match="species 1 has no diameter"):
        BondBreaking(start, species, BOX, ((1.0,),))
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        BondBreaking(start, species, BOX, DIAMETERS)(start[:3])
