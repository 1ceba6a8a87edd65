"""The stiffness of frozen cages: that of an atom in a perfect crystal, and of a stretched one."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.model import Structure
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.potentials import interaction
from glassbench.structure import neighbour_pairs

MODEL = load_model_class(load_model_card("harmonic_cage"))


def make(**overrides):
    settings = {
        "potential": "lennard_jones_2d",
        "file": "",
        "cage_radii": [0.5],
        "dilations": [],
        "dilated_radius": 0.5,
        "averages": [],
        "strengths": [0.0],
    }
    return MODEL(**settings | overrides)


@pytest.fixture(scope="module")
def crystal():
    spacing = np.array([1.0, np.sqrt(3) / 2]) * 1.2
    cell = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
    positions = (cell + np.stack([cell[:, 1] % 2 / 2, np.zeros(64)], 1)) * spacing
    return Structure(positions, np.zeros(64, np.int8), 8 * spacing)


def test_an_atom_alone_in_its_cage_is_as_stiff_as_its_block_of_the_hessian(crystal):
    system = interaction("lennard_jones_2d")
    pairs = neighbour_pairs(crystal.positions, crystal.box, system.cutoff).undirected()
    ends = crystal.species, pairs.senders, pairs.receivers
    block = system.hessian(*ends, pairs.vectors).toarray()[:2, :2]
    stiffness = 1 / np.trace(np.linalg.inv(block))
    descriptors = make().descriptors(crystal)
    np.testing.assert_allclose(descriptors[:, 3], stiffness, rtol=1e-5)
    np.testing.assert_allclose(descriptors[:, 4], -np.log(stiffness), rtol=1e-5)


def test_a_cage_is_softer_in_a_stretched_crystal_and_stiffer_in_a_pressed_one(crystal):
    descriptors = make(dilations=[-0.01, 0.01]).descriptors(crystal)
    own, pressed, stretched = descriptors[0, [3, 8, 10]]
    assert pressed > own > stretched > 0


def test_an_average_over_a_crystal_changes_nothing(crystal):
    descriptors = make(averages=[1.5]).descriptors(crystal)
    own, averaged = np.split(descriptors, 2, axis=1)
    np.testing.assert_allclose(averaged, own, rtol=1e-4, atol=1e-5)
