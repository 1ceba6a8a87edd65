"""The trivial models of stiffness, plasticity and pair distances measure what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import Voronoi

from glassbench.conformance import glassy_structure, make_examples
from glassbench.model import Condition, Run
from glassbench.plugins.registry import load_model_card, load_model_class, load_task

CONDITION = Condition.of(cooling_rate=1e13)


def make(name: str, task: str, **overrides):
    card = load_model_card(name)
    return load_model_class(card)(**card.hyperparameters_for(task, "mini", overrides))


def fit(model, task: str, examples, tmp_path):
    model.fit(
        examples.train, examples.valid, Run(0, load_task(task).target, "none", tmp_path / "fit")
    )
    return model


def test_area_and_edges_are_those_of_the_voronoi_cells():
    structure = glassy_structure(400, 2, seed=3, with_pairs=False)
    images = [
        structure.positions + np.array([i, j]) * structure.box
        for i in (0, -1, 1)
        for j in (0, -1, 1)
    ]
    cells = Voronoi(np.concatenate(images))
    regions = [cells.vertices[cells.regions[r]] for r in cells.point_region[:400]]
    edges = [len(region) for region in regions]
    area = make("atomic_volume", "lj2d_plasticity").descriptors(structure)[:, 0]
    number = make("coordination", "lj2d_plasticity").descriptors(structure)[:, 0]
    assert np.array_equal(number, edges)
    x, y = (np.concatenate([region[:, axis] for region in regions]) for axis in (0, 1))
    assert area.sum() == pytest.approx(np.prod(structure.box)) and len(x) == len(y)
    first = regions[0] - regions[0].mean(axis=0)
    first = first[np.argsort(np.arctan2(first[:, 1], first[:, 0]))]
    shifted = np.roll(first, -1, axis=0)
    shoelace = np.abs(np.sum(first[:, 0] * shifted[:, 1] - first[:, 1] * shifted[:, 0])) / 2
    assert area[0] == pytest.approx(shoelace)


def test_vibration_and_spacing_make_the_flexibility_volume():
    structure = glassy_structure(400, 3, seed=1, reads=("thermal", "dynamics"), with_pairs=False)
    vibration = make("debye_waller", "cuzr_stiffness").descriptors(structure)[:, 0]
    assert np.array_equal(vibration, structure.dynamics["vibrational_msd"])
    volume = make("atomic_volume", "cuzr_stiffness").descriptors(structure)[:, 0]
    flexibility = make("flexibility_volume", "cuzr_stiffness").descriptors(structure)[:, 0]
    assert np.allclose(flexibility, vibration * volume ** (1 / 3))


@pytest.mark.parametrize("name", ["debye_waller", "flexibility_volume"])
def test_data_without_dynamics_are_refused_with_the_reason(name):
    with pytest.raises(ValueError, match="has no `vibrational_msd`.* short-time dynamics"):
        make(name, "cuzr_stiffness").descriptors(glassy_structure(300, 3))


def test_every_species_has_its_mean(tmp_path):
    examples = make_examples(load_task("cuzr_stiffness"), particles=300)
    model = fit(make("species_mean", "cuzr_stiffness"), "cuzr_stiffness", examples, tmp_path)
    structure = examples.test[0].structure
    (prediction,) = model.predict([structure], CONDITION)
    for species in (0, 1):
        pooled = [e.targets["stiffness"][e.structure.species == species] for e in examples.train]
        expected = np.concatenate(pooled).mean()
        assert np.allclose(prediction["stiffness"][structure.species == species], expected)
    strange = replace(structure, species=np.full_like(structure.species, 2))
    with pytest.raises(ValueError, match="has species 2"):
        model.predict([strange], CONDITION)


def test_a_cubic_of_the_distance_is_found_again(tmp_path):
    examples = make_examples(load_task("ka_pair_distance"), particles=300)

    def cubic(example):
        structure = example.structure
        first, second = structure.pairs.T
        vectors = structure.positions[second] - structure.positions[first]
        vectors -= structure.box * np.round(vectors / structure.box)
        r, b = np.linalg.norm(vectors, axis=1), structure.species[structure.pairs].sum(axis=1)
        return {"pair_distance_change": (1 + b) * (0.3 - 0.2 * r + 0.1 * r**3)}

    changed = [replace(example, targets=cubic(example)) for example in examples.train]
    model = make("pair_distance", "ka_pair_distance")
    model.fit(changed, (), Run(0, "pair_distance_change", "cubic", tmp_path))
    test = examples.test[0]
    (prediction,) = model.predict([test.structure], CONDITION)
    expected = cubic(test)["pair_distance_change"]
    assert np.allclose(prediction["pair_distance_change"], expected, atol=1e-10)
    with pytest.raises(ValueError, match="degree 0 is below 1"):
        make("pair_distance", "ka_pair_distance", degree="0")


def test_the_energy_is_that_of_the_system():
    lattice = make("local_energy", "lj2d_plasticity")
    assert (lattice.potential, lattice.by_species) == ("lennard_jones_2d", False)
    assert make("local_energy", "cuzr_stiffness").potential == "embedded_atom"
    assert make("local_energy", "ka_propensity").potential == "kob_andersen"
    with pytest.raises(ValueError, match="potential 'morse' is not one of kob_andersen"):
        make("local_energy", "ka_propensity", potential="morse")
    with pytest.raises(ValueError, match=r"there is no potential .*; *give one|no potential"):
        make("local_energy", "cuzr_stiffness", file="/nowhere.fs").descriptors(
            glassy_structure(300, 3)
        )
