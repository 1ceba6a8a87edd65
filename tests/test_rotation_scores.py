"""The rotation probe of a trial: which structures are turned, and what the record says."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.datasets.view import open_view
from glassbench.model import Condition
from glassbench.registry import load_task
from glassbench.rotation_scores import (
    FINE,
    TURN,
    is_probed,
    rotation_entry,
    score_rotation,
    turned_structures,
)
from glassbench.structure import neighbour_pairs

AT = Condition.of(quench_time=1e4, fraction=0.02, strain=0.05)


@pytest.fixture(scope="module")
def task():
    return load_task("lj2d_plasticity")


@pytest.fixture(scope="module")
def view(task, small_datasets):
    return open_view(task, small_datasets["lj2d_plasticity"])


def crowding_of_contraction(structure):
    """Return what the labels of the small dataset follow from."""
    pairs = neighbour_pairs(structure.positions, structure.box, 1.68)
    turned = pairs.vectors @ structure.frame.T
    return np.bincount(pairs.receivers, -turned[:, 0] * turned[:, 1], len(structure.species))


def test_tasks_without_a_load_are_not_probed(task):
    assert is_probed(task) and is_probed(load_task("cuzr_plasticity"))
    assert not is_probed(load_task("cuzr_stiffness")) and not is_probed(load_task("ka_propensity"))


def test_one_structure_of_each_sample_is_turned_and_the_first_finely(view):
    turned = turned_structures(view, AT)
    assert len(turned) == len(FINE) + 4 + 4
    assert {name.split(TURN)[0] for name in turned} == {f"test{k}@simple_plus" for k in range(3)}
    assert np.allclose(turned[f"test1@simple_plus{TURN}90"].frame, [[0, -1], [1, 0]])


def test_a_model_that_knows_the_rule_is_anisotropic_beyond_its_interval(task, view):
    predictions = {
        name: {"rearranging": crowding_of_contraction(structure)}
        for name, structure in turned_structures(view, AT).items()
    }
    scored = score_rotation(task, view, AT, predictions)
    examples = {e.structure.configuration: e for e in view.examples("test", [AT])}
    for name, value in zip(scored["configurations"], scored["by_configuration"], strict=True):
        example = examples[name]
        upright = crowding_of_contraction(example.structure)[example.targets["rearranging"] > 0]
        assert value == pytest.approx(4 * upright.mean())
    entry = rotation_entry([scored, scored])
    assert entry["interval"][0] > 0
    assert entry["value"] == pytest.approx(np.mean(scored["by_configuration"]))
    assert np.shape(entry["curves"]["values"]) == (len(entry["curves"]["particles"]), len(FINE))


def test_structures_without_a_positive_are_left_out():
    scored = {
        "configurations": ["a", "b"],
        "parents": ["p", "q"],
        "by_configuration": [None, 0.5],
        "curves": {"configuration": "a", "degrees": [], "particles": [], "values": []},
    }
    entry = rotation_entry([scored])
    assert entry["configurations"] == ["b"] and entry["value"] == 0.5 and entry["interval"] is None
    assert rotation_entry([]) is None
