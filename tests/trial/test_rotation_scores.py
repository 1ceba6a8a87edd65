"""The rotation probe of a trial: which structures are turned, and what the record says."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.datasets.view import open_view
from glassbench.model import Condition
from glassbench.plugins.registry import load_task
from glassbench.record.make import probes_at, rotation_entry
from glassbench.structure import neighbour_pairs
from glassbench.trial.rotation import (
    FINE,
    QUARTERS,
    DrawnCurves,
    RotationScores,
    score_rotation,
    turned_against_load,
    turned_structures,
)

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
    assert task.is_under_load and load_task("cuzr_plasticity").is_under_load
    assert not any(load_task(name).is_under_load for name in ("cuzr_stiffness", "ka_propensity"))


def test_turns_that_another_load_shows_are_not_asked_for_again(view):
    upright = view.structures("test", AT)
    turned = turned_structures(view, AT)
    seen = [
        (s.positions.tobytes(), np.round(s.frame, 9) + 0.0) for s in (*upright, *turned.values())
    ]
    distinct = {(positions, frame.tobytes()) for positions, frame in seen}
    assert len(distinct) == len(upright) + len(turned)
    # Every structure is seen at the four quarters, and the first at the others of FINE too.
    quarters = {
        (s.positions.tobytes(), (np.round(turned_against_load(s, a).frame, 9) + 0.0).tobytes())
        for s in upright
        for a in QUARTERS
    }
    assert quarters <= distinct and len(distinct - quarters) == len(FINE) - len(QUARTERS)


def test_a_model_that_knows_the_rule_is_anisotropic_beyond_its_interval(task, view):
    predictions = {
        name: {"rearranging": crowding_of_contraction(structure)}
        for name, structure in turned_structures(view, AT).items()
    }
    examples = {e.structure.configuration: e for e in view.examples("test", [AT])}
    upright = {
        name: {"rearranging": crowding_of_contraction(example.structure)}
        for name, example in examples.items()
    }
    scored = score_rotation(task, view, AT, upright, predictions)
    assert scored.configurations == list(examples)
    for name, value in zip(scored.configurations, scored.by_configuration, strict=True):
        example = examples[name]
        upright = crowding_of_contraction(example.structure)[example.targets["rearranging"] > 0]
        assert value == pytest.approx(4 * upright.mean())
    entry = rotation_entry([scored, scored])
    assert entry["interval"][0] > 0
    assert entry["value"] == pytest.approx(np.mean(scored.by_configuration))
    assert np.shape(entry["curves"]["values"]) == (len(entry["curves"]["particles"]), len(FINE))


def test_structures_without_a_positive_are_left_out():
    scored = RotationScores(["a", "b"], ["p", "q"], [None, 0.5], DrawnCurves("a", [], [], []))
    entry = rotation_entry([scored])
    assert entry["configurations"] == ["b"] and entry["value"] == 0.5 and entry["interval"] is None


def test_a_condition_without_its_turns_leaves_the_others_their_probes(monkeypatch):
    from types import SimpleNamespace

    from glassbench.model import Condition
    from glassbench.trial import stages

    first, second = Condition.of(strain=0.1), Condition.of(strain=0.2)
    monkeypatch.setattr(stages, "turned_structures", lambda view, condition: {"turned": None})
    monkeypatch.setattr(stages, "score_rotation", lambda *asked: {"of": asked[2].name})
    monkeypatch.setattr(stages, "_scores", lambda *asked: ())
    files = {
        stages.PREDICTIONS_FILE: {first.name: {}, second.name: {}},
        stages.ROTATION_FILE: {second.name: {"turned": {}}},
    }
    trial = SimpleNamespace(key="", to_json=dict, conditions=(first, second))
    result = SimpleNamespace(
        trial={"seed": 0},
        conditions=[SimpleNamespace(condition=condition) for condition in trial.conditions],
        rotation=stages.score_trial(trial, None, None, files, "", {}, None).rotation,
    )
    assert probes_at(first, [result]) == []
    assert probes_at(second, [result]) == [{"of": second.name}]
