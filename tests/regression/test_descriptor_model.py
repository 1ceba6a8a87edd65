"""A regression on descriptors: per species, one condition, remembered descriptors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassbench.conformance import glassy_structure
from glassbench.model import Condition, Example, Run
from glassbench.regression import DescriptorModel
from glassbench.regression.memory import DescriptorMemory, structure_digest

CONDITION = Condition.of(time=1.0)


class Height(DescriptorModel):
    """Describes a particle by its coordinates, and counts how often it was asked."""

    asked = 0

    def descriptors(self, structure):
        type(self).asked += 1
        return structure.positions


def example(seed: int, target) -> Example:
    structure = glassy_structure(120, seed=seed)
    return Example(structure, CONDITION, {"propensity": target(structure)})


def of_species(structure):
    slope = np.where(structure.species == 0, 2.0, -1.0)
    return slope * structure.positions[:, 2] + structure.species


def fitted(train, valid=(), tmp_path=None, **hyperparameters):
    model = Height(**hyperparameters)
    model.fit(train, valid, Run(0, "propensity", "none", tmp_path))
    return model


def test_each_species_has_its_own_line():
    train = [example(seed, of_species) for seed in (1, 2)]
    model = fitted(train)
    np.testing.assert_allclose(model.maps[0].slopes, [0, 0, 2], atol=1e-9)
    np.testing.assert_allclose(model.maps[1].slopes, [0, 0, -1], atol=1e-9)
    assert model.parameters == 8
    unseen = example(3, of_species)
    (answer,) = model.predict([unseen.structure], CONDITION)
    np.testing.assert_allclose(answer["propensity"], unseen.targets["propensity"], atol=1e-8)


def test_descriptors_of_one_structure_are_computed_once():
    train = [example(seed, of_species) for seed in (11, 12)]
    before = Height.asked
    fitted(train)
    fitted([replace(e, targets={"propensity": -e.targets["propensity"]}) for e in train])
    assert Height.asked == before + 2


def test_the_chosen_strength_is_reported():
    reports = []
    model = Height(strengths=(0.0, 1.0))
    train = [example(seed, of_species) for seed in (1, 2, 3)]
    run = Run(0, "propensity", "none", None, report=reports.append)
    model.fit(train, [example(4, of_species)], run)
    assert model.chosen == {0: 0.0, 1: 0.0}
    assert reports[0].validation_score == pytest.approx(1.0)


def test_saved_regressions_come_back(tmp_path):
    model = fitted([example(1, of_species)])
    model.save(tmp_path / "fitted")
    loaded = Height()
    loaded.load(tmp_path / "fitted")
    structure = glassy_structure(120, seed=9)
    first, second = (m.predict([structure], CONDITION)[0] for m in (model, loaded))
    assert np.array_equal(first["propensity"], second["propensity"])
    assert loaded.chosen == model.chosen


def test_an_unknown_species_is_refused():
    alone = example(1, of_species)
    structure = replace(alone.structure, species=np.zeros(120, dtype=np.int8))
    model = fitted([replace(alone, structure=structure)])
    with pytest.raises(ValueError, match="has species 1, which no training configuration had"):
        model.predict([alone.structure], CONDITION)


def test_two_conditions_at_once_are_refused():
    first = example(1, of_species)
    second = replace(first, condition=Condition.of(time=2.0))
    with pytest.raises(ValueError, match='conditions_per_fit = "one"'):
        fitted([first, second])


@pytest.mark.parametrize("strengths", [(), (-1.0,)])
def test_wrong_strengths_are_refused(strengths):
    with pytest.raises(ValueError, match="one number >= 0 at least"):
        Height(strengths=strengths)


def test_memory_keeps_what_fits_and_drops_the_longest_unused():
    structures = [glassy_structure(120, seed=seed) for seed in range(3)]
    memory = DescriptorMemory(capacity_bytes=2 * structures[0].positions.nbytes)
    computed = []

    def compute(structure):
        computed.append(structure.configuration)
        return structure.positions

    for index in (0, 1, 0, 2, 0, 1):
        memory.get("settings", structures[index], compute)
    assert [name[-1] for name in computed] == ["0", "1", "2", "1"]
    assert memory.size_bytes <= memory.capacity_bytes
    memory.get("other settings", structures[1], compute)
    assert len(computed) == 5
    with pytest.raises(ValueError):
        memory.get("other settings", structures[1], compute)[0] = 0


def test_the_digest_follows_the_content_alone():
    structure = glassy_structure(120, seed=1)
    assert structure_digest(structure) == structure_digest(replace(structure, configuration="x"))
    moved = structure.positions.copy()
    moved[5, 1] += 1e-12
    for changed in (
        replace(structure, positions=moved),
        replace(structure, inherent_positions=structure.positions),
        replace(structure, cage_positions=structure.positions),
        replace(structure, dynamics={"displacement": np.zeros(120)}),
    ):
        assert structure_digest(changed) != structure_digest(structure)


def test_one_line_for_all_species_ranks_as_its_single_descriptor_does():
    class Third(Height):
        def descriptors(self, structure):
            return structure.positions[:, 2:]

    model = Third(by_species=False)
    train = [example(seed, of_species) for seed in (1, 2)]
    model.fit(train, (), Run(0, "propensity", "none", None))
    structure = train[0].structure
    (prediction,) = model.predict([structure], CONDITION)
    order = np.argsort(structure.positions[:, 2])
    steps = np.diff(prediction["propensity"][order])
    assert (steps >= 0).all() or (steps <= 0).all()
    assert list(model.maps) == [0]


def test_labels_are_regressed_on_the_balanced_sets_alone():
    whole = example(3, lambda structure: (structure.positions[:, 2] > 4).astype(float))
    chosen = np.flatnonzero(whole.structure.positions[:, 2] > 2)
    model = fitted([replace(whole, balanced=chosen)], by_species=False)
    inputs = np.column_stack([np.ones(len(chosen)), whole.structure.positions[chosen]])
    expected = np.linalg.lstsq(inputs, whole.targets["propensity"][chosen], rcond=None)[0]
    assert np.allclose([model.maps[0].intercept, *model.maps[0].slopes], expected)


def test_a_load_does_not_make_descriptors_new():
    structure = glassy_structure(120, seed=4)
    loads = [replace(structure, frame=np.roll(np.eye(3), k, axis=0)) for k in range(3)]
    target = {"propensity": of_species(structure)}
    Height.asked = 0
    fitted([Example(load, CONDITION, target) for load in loads])
    assert Height.asked <= 1
