"""The descriptors of pairs against their definition, and the regression on them."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

from glassbench.conformance import glassy_structure
from glassbench.model import Condition, Example, Run
from glassbench.plugins.registry import load_model_card, load_model_class

RADII = (0.8, 1.0, 1.2, 1.6, 2.0, 2.6)
CONDITION = Condition.of(temperature=0.64, time=1.0)
CARD = load_model_card("pair_ridge")


def model(**changes):
    overrides = {"largest_radius": 2.6, **changes}
    return load_model_class(CARD)(**CARD.hyperparameters_for("ka_pair_distance", "mini", overrides))


def structure(seed: int):
    return glassy_structure(400, seed=seed)


def described(found, rounds):
    """Return descriptors and distances with the radii of this test and three powers."""
    package = load_model_class(CARD).__module__.rpartition(".")[0]
    module = importlib.import_module(f"{package}.descriptors")
    return module.pair_descriptors(found, RADII, 2.0, rounds, degree=3)


def hat(distance: float, k: int) -> float:
    """Return the hat function about RADII[k], 1 below the first radius for k = 0."""
    values = np.zeros(len(RADII))
    values[k] = 1.0
    return float(np.interp(distance, RADII, values))


def direct(found, species: int, k: int):
    """Return g (N,) and v (N, 3) of one species and shell by loops over all pairs of particles."""
    g, v = np.zeros(len(found.positions)), np.zeros((len(found.positions), 3))
    for i, centre in enumerate(found.positions):
        away = found.positions - centre
        away -= found.box * np.round(away / found.box)
        lengths = np.linalg.norm(away, axis=1)
        for m in np.flatnonzero((found.species == species) & (lengths < RADII[-1])):
            if m != i:
                g[i] += hat(lengths[m], k)
                v[i] += hat(lengths[m], k) * away[m] / lengths[m]
    return g, v


def test_descriptors_of_a_pair_are_those_of_the_definition():
    found = structure(1)
    features, distances = described(found, rounds=0)
    first, second = found.pairs.T
    bond = found.positions[second] - found.positions[first]
    bond -= found.box * np.round(bond / found.box)
    np.testing.assert_allclose(distances, np.linalg.norm(bond, axis=1))
    np.testing.assert_allclose(features[:, :3], distances[:, None] ** [1, 2, 3], rtol=1e-6)
    shells = len(RADII) - 1
    for species, k in ((0, 0), (0, 3), (1, 1), (1, shells - 1)):
        g, v = direct(found, species, k)
        column = 3 + species * shells + k
        np.testing.assert_allclose(features[:, column], g[first] + g[second], atol=1e-5)
        pull = np.sum((v[second] - v[first]) * bond, axis=1) / distances
        np.testing.assert_allclose(features[:, column + 2 * shells], pull, atol=1e-5)


def test_a_pair_has_the_same_descriptors_from_both_ends():
    found = structure(2)
    turned = dataclasses.replace(found, pairs=found.pairs[:, ::-1])
    for one, other in zip(described(found, rounds=2), described(turned, rounds=2), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_what_is_linear_in_the_surroundings_is_learned_for_each_kind_of_pair(tmp_path):
    train, test = [structure(k) for k in range(3, 9)], structure(9)
    subject = model(smallest_radius=0.8, fine_step=0.2, fine_until=1.6, coarse_step=0.5)
    assert subject.radii == pytest.approx((0.8, 1.0, 1.2, 1.4, 1.6, 2.1, 2.6))

    def target(found):
        g, v = direct(found, 0, 0)
        first, second = found.pairs.T
        bond = found.positions[second] - found.positions[first]
        bond -= found.box * np.round(bond / found.box)
        distance = np.linalg.norm(bond, axis=1)
        pull = np.sum((v[second] - v[first]) * bond, axis=1) / distance
        near = np.where(distance < 1.35, 1.0, -1.0)
        return near * pull + 0.1 * found.species[found.pairs].sum(axis=1) + g[first] + g[second]

    examples = [Example(s, CONDITION, {"pair_distance_change": target(s)}) for s in train]
    run = Run(0, "pair_distance_change", "none", tmp_path)
    subject.fit(examples, examples[:1], run)
    (found,) = subject.predict([test], CONDITION)
    wanted = target(test)
    assert np.corrcoef(found["pair_distance_change"], wanted)[0, 1] > 0.999
    assert subject.parameters == 6 * (5 + 2 * 2 * 2 * 6 + 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"degree": 0}, "degree 0"),
        ({"fine_step": 0.0}, "fine_step"),
        ({"fine_until": 9.0}, "radii"),
    ],
)
def test_wrong_numbers_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        model(**change)
