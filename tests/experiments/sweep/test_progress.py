"""What trials are expected to take, and when a sweep ends."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.experiments.sweep.make import history, likeness, with_estimates
from glassbench.experiments.sweep.plan import Series, SweepPlan, with_trials
from glassbench.experiments.sweep.run import seconds_left
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


def finish(workspace, done, seconds, cost=None):
    """Leave what a finished trial leaves."""
    folder = workspace.trial_folder(done.key)
    folder.mkdir(parents=True)
    (folder / "trial.json").write_text(json.dumps(done.to_json()))
    told = {"fit_seconds": seconds - 1.0, "predict_seconds": 1.0, "cpu_seconds": 99.0}
    (folder / "cost.json").write_text(cost or json.dumps(told))
    (folder / "result.json").write_text("{}")
    return folder


def test_the_median_of_trials_that_differ_in_seed_and_code_alone_counts(tmp_path):
    workspace = Workspace(tmp_path)
    finish(workspace, trial(epochs=9), 900)
    for seed, seconds in enumerate((10, 12, 50)):
        finish(workspace, trial(epochs=1, seed=seed, version=seed), seconds)
    known = history(workspace)
    assert known[likeness(trial(epochs=1, seed=7).to_json())] == 12
    assert known[likeness(trial(epochs=9, seed=7).to_json())] == 900
    for other in (trial("ridge"), trial(dataset="d1", epochs=1), trial(epochs=2)):
        assert likeness(other.to_json()) not in known


def test_history_is_of_finished_trials_and_survives_torn_files(tmp_path):
    workspace = Workspace(tmp_path)
    finish(workspace, trial(seed=0), 11.0)
    (finish(workspace, trial(seed=1), 99.0) / "result.json").unlink()
    finish(workspace, trial(seed=2), 99.0, cost="{")
    (finish(workspace, trial(seed=3), 99.0) / "trial.json").write_text("{")
    assert history(workspace) == {likeness(trial().to_json()): 11.0}
    assert history(Workspace(tmp_path / "none")) == {}


def test_a_plan_takes_estimates_and_hints_and_the_order_that_follows(tmp_path):
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
        )
    )
    workspace = Workspace(tmp_path)
    finish(workspace, replace(plan.trials[0], seed=9), 30.0)
    ready = with_estimates(plan, workspace, {model("hinted").digest: 600.0})
    assert [p.series for p in ready.planned] == [1] * 4 + [2] * 4 + [0] * 4
    assert {p.seconds for p in ready.planned} == {None, 600.0, 30.0}
    assert ready.digest == plan.digest


@pytest.mark.parametrize(
    ("running", "waiting", "at_once", "expected"),
    [
        ([], [], 2, 0.0),
        ([None], [None], 2, None),
        ([], [10, 10, 10], 2, 20.0),
        ([20], [10, 10], 2, 20.0),
        ([0], [10], 1, 10.0),
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
