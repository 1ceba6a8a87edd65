"""Sweeps: order, shares, drivers side by side, what failed, and what is left at the end."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from glassbench.cluster import execute
from glassbench.contract.model_card import read_model_card
from glassbench.contract.task import read_task
from glassbench.contract.trial_plan import DatasetReference
from glassbench.datasets.view import open_view
from glassbench.experiments.request import BenchmarkRequest, Floor
from glassbench.experiments.resources import Needs, Terms
from glassbench.experiments.sweep.make import located, plan_of_requests, plan_path, store_plan
from glassbench.experiments.sweep.plan import PlanError, read_plan
from glassbench.experiments.sweep.run import (
    DONE,
    FAILED,
    RUNNING,
    WAITING,
    failure,
    run_sweep,
    trial_states,
)
from glassbench.home.files import Held, exclusive, holder_of
from glassbench.home.workspace import Workspace
from glassbench.model import Condition
from glassbench.record.record import read_record

ROOT = Path(__file__).resolve().parents[2]
TASK = read_task(ROOT / "tasks" / "ka_propensity")
CONDITIONS = tuple(Condition.of(temperature=0.64, time=time) for time in (0.5, 5.0))
CARD = """
name = "{name}"
title = "{name}"
authors = ["A"]
year = 2026
licence = "MIT"
entry = "model:Along"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "{per_fit}"
[resources]
cpus = 1
memory_gb = 0.5
[hyperparameters]
axis = {axis}
failing_seed = -1
"""
MODEL = """
class Along:
    def __init__(self, axis, failing_seed):
        self.axis, self.failing_seed = axis, failing_seed

    def fit(self, train, valid, run):
        if run.seed == self.failing_seed:
            raise ValueError("the loss is infinite")
        self.sign = 1 if run.seed % 2 else -1

    def predict(self, structures, condition):
        return [{"propensity": self.sign * s.positions[:, self.axis]} for s in structures]
"""
RUN = "stub_trials:run"
DEFERRING = Terms(keep_results=False, defer=True, needs=lambda trial: Needs(1))


def write_model(folder, axis, per_fit="one"):
    folder.mkdir()
    card = CARD.format(name=folder.name, axis=axis, per_fit=per_fit)
    (folder / "model.toml").write_text(card)
    (folder / "model.py").write_text(MODEL)
    return read_model_card(folder)


def runs(workspace):
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        parents = "select value from tags where run_uuid = r.run_uuid and key = {!r}"
        return connection.execute(
            f"select name, status, ({parents.format('mlflow.parentRunId')}), run_uuid from runs r"
        ).fetchall()


@pytest.fixture
def with_store(workspace, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return workspace


@pytest.fixture
def make_plan(tmp_path, tiny_dataset):
    cards = [write_model(tmp_path / name, axis) for axis, name in enumerate(("near", "wide"))]
    floor = write_model(tmp_path / "far", 2, "all")
    digest = open_view(TASK, tiny_dataset).digest

    def make(workspace, seeds=(0, 1), failing_seed=-1, retries=2):
        requests = [
            BenchmarkRequest(
                task=TASK,
                dataset=DatasetReference("tiny", str(tiny_dataset), digest),
                model=card,
                conditions=CONDITIONS,
                hyperparameters={"axis": axis, "failing_seed": failing_seed},
                seeds=seeds,
                floors=(Floor(floor, dict(floor.hyperparameters)),),
            )
            for axis, card in enumerate(cards)
        ]
        return plan_of_requests(requests, workspace, retries)

    return make


def calls(workspace, trial):
    path = workspace.trial_folder(trial.key) / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_a_sweep_leaves_a_record_for_each_model_one_table_and_runs_under_one(make_plan, with_store):
    workspace, events = with_store, []
    plan = make_plan(workspace)
    path = plan_path(plan, workspace)
    assert store_plan(path, plan) == plan
    report = run_sweep(plan, path, workspace, execute, events.append, cluster="none")
    assert [event.kind for event in events].count("finished") == len(plan.planned) == 9
    assert all(outcome.finished and outcome.result is None for outcome in report.outcomes)
    records = [read_record(run.record_path) for run in report.reports.values()]
    assert [record["model"]["name"] for record in records] == ["near", "wide"]
    rows = {row["name"]: row for row in report.summary["rows"]}
    assert list(rows) == ["near", "wide", "far"] and rows["far"]["floor"]
    for record in records:
        assert record["seeds"] == [0, 1] and not record["failed"]
        for entry, cell in zip(record["conditions"], rows[record["model"]["name"]]["scores"]):
            score = entry["scores"]["pearson_a"]
            assert cell == {"value": score["value"], "interval": score["interval"]}
            assert [floor["model"] for floor in entry["floors"]] == ["far"]
    assert json.loads(report.summary_path.read_text()) == report.summary
    assert all(run.tracking.delivered for run in report.reports.values())
    # One for the sweep, two for the models, and nine trials, the floor's among them once.
    found = {run: (name, parent) for name, _, parent, run in runs(workspace)}
    assert len(found) == 12 and {status for _, status, *_ in runs(workspace)} == {"FINISHED"}
    (top,) = [run for run, (name, parent) in found.items() if parent is None]
    assert found[top][0] == plan.name
    models = [run for run, (_, parent) in found.items() if parent == top]
    assert sorted(models) == sorted(run.tracking.run_id for run in report.reports.values())
    assert all(parent in models for run, (_, parent) in found.items() if run not in (top, *models))

    events.clear()
    again = run_sweep(
        located(read_plan(path), workspace), path, workspace, execute, events.append, cluster="none"
    )
    assert {event.kind for event in events} == {"cached"}
    assert again.summary == report.summary and len(runs(workspace)) == 12
    later = make_plan(workspace)
    assert later.digest == plan.digest and all(p.seconds is not None for p in later.planned)
    assert [p.key for p in store_plan(path, later).planned] == [p.key for p in plan.planned]


def test_what_fails_for_good_does_not_stop_the_others(make_plan, workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    plan = make_plan(workspace, failing_seed=1)
    report = run_sweep(plan, plan_path(plan, workspace), workspace, execute, cluster="none")
    assert report.summary["trials"] == {"done": 5, "failed": 4}
    assert all("the loss is infinite" in failed["error"] for failed in report.summary["failed"])
    for run in report.reports.values():
        assert [failed["seed"] for failed in run.record["failed"]] == [1, 1]
        assert not run.tracking.delivered
    states = [each.state for each in trial_states(plan, workspace)]
    assert states.count(FAILED) == 4 and states.count(DONE) == 5


def test_another_plan_in_the_same_file_is_refused(make_plan, workspace):
    path = workspace.sweeps / "plan.json"
    store_plan(path, make_plan(workspace))
    with pytest.raises(PlanError, match="holds another plan"):
        store_plan(path, make_plan(workspace, seeds=(0, 1, 2)))


def test_a_trial_under_way_elsewhere_comes_last_and_is_not_run_twice(
    make_trial, workspace, environment_of_workers
):
    import stub_trials

    from glassbench.trial.result import write_result

    trials = [make_trial(seed=seed) for seed in range(3)]
    folder, held = workspace.trial_folder(trials[0].key), threading.Event()

    def other_driver():
        with exclusive(folder, lambda words: None):
            held.set()
            while not calls(workspace, trials[2]):
                time.sleep(0.05)
            write_result(workspace, stub_trials.result_of(trials[0], started_at=7))

    thread = threading.Thread(target=other_driver)
    thread.start()
    held.wait()
    assert f"process {os.getpid()}" in holder_of(folder)
    with pytest.raises(Held, match="runs the same trial"), exclusive(folder, print, patience=0):
        pass
    outcomes = execute(trials, workspace, cluster="none", run=RUN, terms=DEFERRING)
    thread.join()
    assert all(outcome.finished and outcome.result is None for outcome in outcomes)
    assert [len(calls(workspace, trial)) for trial in trials] == [0, 1, 1]
    assert (folder / "log.txt").read_text().count("--- ") == 1
    assert holder_of(folder) is None


HOLDER = """
import sys, time
from pathlib import Path
from glassbench.home.files import exclusive
with exclusive(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_holder_holds_nothing_though_its_name_is_left(tmp_path, make_trial, workspace):
    trial = make_trial()
    folder = workspace.trial_folder(trial.key)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        assert f"process {process.pid}" in holder_of(folder)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert (folder / "holder.txt").exists() and holder_of(folder) is None
    with exclusive(folder, lambda words: pytest.fail(words)):
        pass


@pytest.mark.usefixtures("two_cores")
class TestOnRay:
    def test_two_drivers_of_one_plan_do_each_trial_once(self, make_trial, workspace, tmp_path):
        trials = [make_trial(seed=seed, seconds=0.2) for seed in range(6)]
        other = threading.Thread(
            target=execute,
            args=(trials, workspace),
            kwargs={"cluster": "none", "run": RUN, "terms": DEFERRING},
        )
        # The second driver runs in this process, the first on Ray: locks tell them apart.
        other.start()
        outcomes = execute(trials, workspace, cluster="local", run=RUN, terms=DEFERRING)
        other.join()
        assert all(outcome.finished for outcome in outcomes)
        assert [len(calls(workspace, trial)) for trial in trials] == [1] * 6

    def test_what_was_started_ahead_runs_before_what_waits_behind_it(self, make_trial, workspace):
        trials = [make_trial(seed=seed, seconds=0.2) for seed in range(8)]
        order = []
        execute(
            trials,
            workspace,
            cluster="local",
            run=RUN,
            terms=replace(DEFERRING, reused=lambda trial: True),
            on_event=lambda e: order.append(e.trial.seed) if e.kind == "finished" else None,
        )
        # One of the two processes may take long to start, and then holds one trial for as long.
        out_of_turn = [seed for seed in range(8) if abs(order.index(seed) - seed) > 2]
        assert sorted(order) == list(range(8)) and len(out_of_turn) <= 1, order
        assert len({calls(workspace, trial)[0].split()[0] for trial in trials}) == 2

    def test_short_trials_of_one_model_share_a_process_and_failures_are_noted(
        self, make_trial, workspace
    ):
        trials = [make_trial(seed=seed) for seed in range(6)]
        bad, dying = make_trial(seed=7, wish="raise"), make_trial(seed=8, wish="die always")
        terms = replace(DEFERRING, reused=lambda trial: trial.seed < 6)
        outcomes = execute(
            [*trials, bad, dying], workspace, cluster="local", run=RUN, terms=terms, max_failures=1
        )
        assert [outcome.finished for outcome in outcomes] == [True] * 6 + [False] * 2
        assert len({calls(workspace, trial)[0].split()[0] for trial in trials}) < 6
        assert failure(workspace.trial_folder(bad.key)) == "ValueError: the loss is infinite"
        assert "died 2 times" in outcomes[-1].error
        good = replace(bad, hyperparameters={})
        execute([good], workspace, cluster="local", run=RUN, terms=DEFERRING)
        assert failure(workspace.trial_folder(good.key)) is None


def test_standings_are_told_from_the_folders_alone(make_plan, tmp_path):
    workspace = Workspace(tmp_path / "home")
    plan = make_plan(workspace)
    first, second, third, *_ = plan.planned
    (workspace.trial_folder(first.key)).mkdir(parents=True)
    (workspace.trial_folder(first.key) / "result.json").write_text("{}")
    failed = workspace.trial_folder(third.key)
    failed.mkdir(parents=True)
    (failed / "failure.json").write_text('{"error": "it broke"}')
    with exclusive(Path(workspace.trial_folder(second.key)), print):
        found = trial_states(plan, workspace)
    assert [each.state for each in found][:4] == [DONE, RUNNING, FAILED, WAITING]
    assert found[2].message == "it broke"
