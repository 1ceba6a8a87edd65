"""What trials are expected to take, and when a sweep ends."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.experiments.sweep import Series, SweepPlan, with_trials
from glassbench.experiments.sweep.estimates import Estimates, features_of, history, with_estimates
from glassbench.experiments.sweep.time_left import seconds_left
from glassbench.home.workspace import Workspace
from glassbench.model import Condition

CONDITIONS = tuple(Condition.of(temperature=0.64, time=time) for time in (0.5, 5.0))


def model(name, version=0):
    digest = hashlib.sha256(f"{name}{version}".encode()).hexdigest()
    return ModelReference(name, f"/models/{name}", digest)


def trial(name="botan", version=0, seed=0, dataset="d0", **hyperparameters):
    return Trial(
        task="ka_propensity",
        task_folder="/task",
        protocol_version=1,
        dataset=DatasetReference("mini", "/mini", dataset),
        model=model(name, version),
        conditions=CONDITIONS[:1],
        hyperparameters=hyperparameters,
        seed=seed,
    )


def test_the_trials_most_alike_count():
    estimates = Estimates()
    assert estimates.seconds(trial()) is None
    estimates.add_trial(trial(epochs=9), 900)
    assert estimates.seconds(trial(epochs=1)) == 900
    estimates.add_trial(trial(version=1, epochs=1), 100)
    assert estimates.seconds(trial(epochs=1, seed=7)) == 100
    for seconds in (10, 12, 50):
        estimates.add_trial(trial(epochs=1, seed=seconds), seconds)
    assert estimates.seconds(trial(epochs=1)) == 12
    assert estimates.seconds(trial("ridge")) is None
    assert estimates.seconds(trial(dataset="d1")) is None


def test_history_is_of_finished_trials_and_survives_torn_files(tmp_path):
    workspace = Workspace(tmp_path)
    for seed, finished in ((0, True), (1, False), (2, True)):
        folder = workspace.trial_folder(trial(seed=seed).key)
        folder.mkdir(parents=True)
        (folder / "trial.json").write_text(json.dumps(trial(seed=seed).to_json()))
        cost = {"fit_seconds": 10.0 + seed, "predict_seconds": 1.0, "cpu_seconds": 99.0}
        (folder / "cost.json").write_text("{" if seed == 2 else json.dumps(cost))
        if finished:
            (folder / "result.json").write_text("{}")
    found = list(history(workspace))
    assert [spent.seconds for spent in found] == [11.0]
    assert found[0].features == features_of(trial().to_json())
    assert list(history(Workspace(tmp_path / "none"))) == []


def test_a_plan_takes_estimates_and_hints_and_the_order_that_follows():
    plan = with_trials(
        SweepPlan(
            name="sweep",
            task="ka_propensity",
            task_folder="/task",
            protocol_version=1,
            dataset=DatasetReference("mini", "/mini", "d0"),
            series=tuple(
                Series(model(name), {}, (0, 1), CONDITIONS)
                for name in ("known", "unknown", "hinted")
            ),
            planned=(),
        )
    )
    estimates = Estimates()
    estimates.add_trial(replace(plan.planned[0].trial, seed=9), 30.0)
    ready = with_estimates(plan, estimates, {model("hinted").digest: 600.0})
    assert [p.series for p in ready.planned] == [1] * 4 + [2] * 4 + [0] * 4
    assert {p.seconds for p in ready.planned} == {None, 600.0, 30.0}
    assert ready.digest == plan.digest


@pytest.mark.parametrize(
    ("running", "waiting", "at_once", "expected"),
    [
        ([], [], 2, 0.0),
        ([(None, 5.0)], [None], 2, None),
        ([], [10, 10, 10], 2, 20.0),
        ([(30, 10)], [10, 10], 2, 20.0),
        ([(30, 40)], [10], 1, 10.0),
        ([], [10, None, 20], 1, 45.0),
    ],
)
def test_time_left_is_that_of_a_list_schedule(running, waiting, at_once, expected):
    assert seconds_left(running, waiting, at_once) == expected


@given(
    waiting=st.lists(st.floats(0.1, 100), min_size=1, max_size=50),
    at_once=st.integers(1, 9),
)
def test_time_left_lies_within_the_bounds_of_every_schedule(waiting, at_once):
    left = seconds_left((), waiting, at_once)
    lower = max(max(waiting), sum(waiting) / at_once)
    # Graham's bound: no core idles while a trial waits.
    upper = sum(waiting) / at_once + (1 - 1 / at_once) * max(waiting)
    assert lower * (1 - 1e-9) <= left <= upper * (1 + 1e-9)
