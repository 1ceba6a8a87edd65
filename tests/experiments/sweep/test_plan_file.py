"""A plan survives its file, and what was altered is refused by name."""

import hashlib
import json
import re
from dataclasses import replace

import pytest

from glassbench.contract.trial_plan import DatasetReference, ModelReference, Variation
from glassbench.experiments.sweep.plan import (
    Needs,
    PlanError,
    Series,
    SweepPlan,
    read_plan,
    with_trials,
    write_plan,
)
from glassbench.model import Condition

CONDITIONS = tuple(Condition.of(temperature=0.64, time=time) for time in (0.5, 5.0))


def model(name, per_fit="one"):
    return ModelReference(
        name, f"/models/{name}", hashlib.sha256(name.encode()).hexdigest(), per_fit
    )


def plan_of(*series):
    return with_trials(
        SweepPlan(
            name="two models",
            task="ka_propensity",
            task_folder="/tasks/ka_propensity",
            protocol_version=1,
            dataset=DatasetReference("mini", "/data/mini", "sha256:0123"),
            series=series,
            created="2026-01-02T03:04:05+00:00",
        )
    )


@pytest.fixture
def plan():
    return plan_of(
        Series(model("far"), {"radius": 2.0}, (0,), CONDITIONS, floor=True),
        Series(model("botan"), {"width": 64}, (0, 1, 2), CONDITIONS, needs=Needs(2, 0.5, 10**9)),
        Series(model("ridge", "all"), {}, (0, 1), CONDITIONS, label="all at once"),
    )


def test_a_series_has_a_trial_for_each_seed_and_condition_that_it_fits_alone(plan):
    counts = [len(plan.trials_of(series)) for series in plan.series]
    assert counts == [2, 6, 2]
    assert len(plan.planned) == 10 and all(p.seconds is None for p in plan.planned)
    assert [p.key for p in plan.planned] == [trial.key for trial in plan.trials]


def test_a_plan_is_read_as_it_was_written(plan, tmp_path):
    path = write_plan(tmp_path / "plan.json", plan)
    assert read_plan(path) == plan
    assert read_plan(path).digest == plan.digest
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_a_floor_that_is_asked_for_as_a_model_is_the_models_trial():
    shared = Series(model("far"), {}, (0,), CONDITIONS)
    floor = Series(model("far"), {}, (0,), CONDITIONS, floor=True)
    plan = plan_of(floor, shared)
    assert len(plan.planned) == 2
    assert {p.series for p in plan.planned} == {1}
    assert not any(trial.floor for trial in plan.trials)


def test_unknown_costs_start_first_then_the_longest_and_floors_fill_the_end(plan):
    seconds = dict(zip((p.key for p in plan.planned), [5, None, 7, 90, 1, 60, 2, 3, 800, 900]))
    ordered = with_trials(plan, lambda trial: seconds[trial.key])
    of_models = [p.seconds for p in ordered.planned if not ordered.trial(p).floor]
    assert of_models == [None, 90, 60, 7, 5, 3, 2, 1]
    assert [trial.floor for trial in ordered.trials] == [False] * 8 + [True] * 2


def test_the_digest_is_of_what_is_asked_for_alone(plan):
    assert replace(plan, planned=plan.planned[::-1]).digest == plan.digest
    assert replace(plan, created="later", retries=7).digest == plan.digest
    fewer = replace(plan.series[1], seeds=(0, 1))
    assert plan_of(plan.series[0], fewer, plan.series[2]).digest != plan.digest
    varied = replace(plan.series[1], variation=Variation(scored_split="valid"))
    assert plan_of(plan.series[0], varied, plan.series[2]).digest != plan.digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.update(plan_version=1), "plan_version"),
        (lambda p: p.update(extra=1), "at extra"),
        (lambda p: p["dataset"].update(digest="sha256:9999"), "was altered"),
        (lambda p: p["series"][1]["hyperparameters"].update(width=65), "was altered"),
        (lambda p: p["planned"].pop(), "every trial of its series once"),
        (lambda p: p["planned"].append(p["planned"][0]), "every trial of its series once"),
        (lambda p: p["planned"][0].update(series=7), "was altered"),
        (lambda p: p["planned"][0].update(seconds=-1), "planned/0/seconds"),
        (lambda p: p["dataset"].update(place="here"), "dataset/place"),
        (lambda p: p["series"][0]["needs"].update(cpus=0), "series/0/needs/cpus"),
    ],
)
def test_an_altered_plan_is_refused(plan, tmp_path, change, words):
    path = write_plan(tmp_path / "plan.json", plan)
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))
    with pytest.raises(PlanError, match=re.escape(words)):
        read_plan(path)


def test_no_plan_and_no_json_are_told_apart(tmp_path):
    with pytest.raises(PlanError, match="there is no plan at"):
        read_plan(tmp_path / "none.json")
    (tmp_path / "torn.json").write_text('{"plan_version": 1,')
    with pytest.raises(PlanError, match="Invalid JSON"):
        read_plan(tmp_path / "torn.json")
