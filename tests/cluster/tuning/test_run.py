"""Studies on Ray Tune: early stopping, populations, kills, and the same command again."""

import json
import pickle
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import replace

import pytest

from glassbench.cluster.tuning.on_ray import changeable_dimensions, new_scheduler
from glassbench.cluster.tuning.run import run_study
from glassbench.contract.errors import ClusterError
from glassbench.contract.hyperparameters import parse_space
from glassbench.experiments.tuning.search import Journal
from glassbench.experiments.tuning.study import TuningTrial
from glassbench.tracking.delivery import Delivered

from ...climber import study_of, write_climber

DRIVER = """
import pickle, sys
from unittest import mock
from glassbench.cluster.tuning import run as tune
from glassbench.tracking.delivery import Delivered
with open(sys.argv[1], "rb") as file:
    study, workspace = pickle.load(file)
tune.deliver = lambda workspace, request: Delivered("sqlite:///", "1", True)
tune.run_study(study, workspace, lambda event: print(event.kind, event.trial.index, flush=True),
               cluster="local", threads=1)
"""


@pytest.fixture(autouse=True)
def delivered(monkeypatch):
    """Deliver to a list: the store has tests of its own."""
    requests = []

    def deliver(workspace, request):
        requests.append(request)
        return Delivered("sqlite:///x.db", "77", True)

    monkeypatch.setattr("glassbench.cluster.tuning.run.deliver", deliver)
    return requests


@pytest.fixture
def climber(tmp_path):
    return write_climber(tmp_path / "climber")


def starts(workspace, study, trial):
    """Return the epochs at which the fits of a trial began, one list for each fit."""
    found = []
    for fit in study.fits(trial.hyperparameters):
        path = workspace.trial_folder(fit.key) / "starts"
        text = path.read_text() if path.exists() else ""
        found.append([int(line.split()[0]) for line in text.splitlines()])
    return found


def test_a_study_without_ray_finds_the_best_writes_it_and_repeats_nothing(
    climber, workspace, tiny_dataset, delivered
):
    study = study_of(climber, tiny_dataset, times=(0.5, 5.0))
    events = []
    report = run_study(study, workspace, events.append, cluster="none")
    assert [t.state for t in report.trials] == ["finished"] * 3
    assert all(t.epochs == 4 and t.score is not None for t in report.trials)
    assert report.trials[0].hyperparameters["quality"] == 0.5
    best = max(report.trials, key=lambda t: t.score)
    written = tomllib.loads(report.best_path.read_text())
    assert written["hyperparameters"] == best.hyperparameters
    assert written["tuning"]["trials"] == 3 and written["tuning"]["study"] == study.digest
    assert report.picture.exists()
    assert [starts(workspace, study, t) for t in report.trials] == [[[0], [0]]] * 3
    again = run_study(replace(study, trials=4), workspace, events.append, cluster="none")
    assert [t.hyperparameters for t in again.trials[:3]] == [
        t.hyperparameters for t in report.trials
    ]
    assert [starts(workspace, study, t) for t in again.trials] == [[[0], [0]]] * 4
    assert [e.kind for e in events].count("known") == 3
    assert delivered[0].content != delivered[1].content
    assert delivered[0].digest == delivered[1].digest and delivered[0].kind == "study"


def test_a_trial_that_raises_has_failed_and_is_tried_anew_with_the_same_command(
    climber, workspace, tiny_dataset
):
    study = study_of(climber, tiny_dataset, hyperparameters={"wish": "raise"}, trials=2)
    report = run_study(study, workspace, cluster="none")
    assert [t.error for t in report.trials] == ["ValueError: the loss is infinite"] * 2
    assert report.best_path is None
    log = workspace.trial_folder(study.trial_key(0)) / "log.txt"
    assert "Traceback" in log.read_text()
    events = []
    run_study(study, workspace, events.append, cluster="none")
    assert [e.kind for e in events] == ["started", "failed"] * 2


def test_what_cannot_be_done_is_refused_with_the_next_step(climber, workspace, tiny_dataset):
    study = study_of(climber, tiny_dataset)
    with pytest.raises(ClusterError, match="scheduler=asha needs Ray Tune"):
        run_study(replace(study, scheduler="asha"), workspace, cluster="none")
    with pytest.raises(ClusterError, match="workers=2 needs Ray"):
        run_study(study, workspace, cluster="none", workers=2)
    several = study_of(climber, tiny_dataset, times=(0.5, 5.0), scheduler="asha")
    with pytest.raises(ClusterError, match="one condition, or for scheduler=none"):
        run_study(several, workspace, cluster="none", workers=2)
    (climber / "model.py").write_text(
        (climber / "model.py").read_text().replace('("quality",)', "()")
    )
    other = study_of(climber, tiny_dataset, scheduler="pbt")
    with pytest.raises(ClusterError, match="no `changeable`"):
        changeable_dimensions(other)
    fixed = parse_space({"epochs": {"distribution": "choice", "values": [2, 4]}}, {"epochs": 4})
    assert [d.name for d in changeable_dimensions(study)] == ["quality"]
    with pytest.raises(ClusterError, match="can change quality of climber"):
        changeable_dimensions(replace(study, space=fixed))


def test_successive_halving_knows_what_trials_before_it_reported(climber, tiny_dataset):
    study = study_of(climber, tiny_dataset, hyperparameters={"epochs": 9}, scheduler="asha")
    before = [TuningTrial(k, {}, "finished", {e: k / 10 for e in range(1, 10)}) for k in range(6)]
    scheduler = new_scheduler(study, before)
    trial = type("Trial", (), {"trial_id": "new"})()
    scheduler.on_trial_add(None, trial)
    result = {"epoch": 1, "validation": 0.05}
    assert scheduler.on_trial_result(None, trial, result) == "STOP"


@pytest.mark.usefixtures("two_cores")
class TestOnRay:
    def test_asha_stops_what_lags_and_a_killed_worker_is_replaced(
        self, climber, workspace, tiny_dataset
    ):
        values = parse_space(
            {"quality": {"distribution": "choice", "values": [0.9, 0.8, 0.2, 0.1]}},
            {"quality": 0.5},
        )
        study = study_of(
            climber, tiny_dataset, space=values, scheduler="asha", trials=4,
            hyperparameters={"quality": 1.0, "epochs": 9, "wish": "die once"},
        )  # fmt: skip
        events = []
        report = run_study(study, workspace, events.append, threads=2)
        assert [t.state for t in report.trials] == ["finished", "stopped", "stopped", "stopped"]
        assert starts(workspace, study, report.trials[0]) == [[0, 2]]
        assert 0 in [e.trial.index for e in events if e.kind == "retried"]
        assert report.trials[0].epochs == 9
        for trial in report.trials[1:]:
            (fit,) = study.fits(trial.hyperparameters)
            # A third is kept at epochs 1 and 3, and none of them reaches the first trial.
            assert trial.epochs in (1, 3)
            expected = trial.hyperparameters["quality"] * trial.epochs / 9
            assert trial.score == pytest.approx(expected)
            assert not (workspace.trial_folder(fit.key) / "checkpoint").exists()
        assert json.loads((report.folder / "report.json").read_text())["best"] == 0
        assert not (report.folder / "ray").exists()

    def test_a_population_copies_its_best_and_changes_what_may_change(
        self, climber, workspace, tiny_dataset
    ):
        study = study_of(
            climber, tiny_dataset, hyperparameters={"epochs": 4, "quality": 0.9, "seconds": 0.5},
            scheduler="pbt", trials=2,
        )  # fmt: skip
        report = run_study(study, workspace, threads=1)
        assert [t.state for t in report.trials] == ["finished"] * 2
        (quality,) = study.space
        assert all(quality.contains(t.hyperparameters["quality"]) for t in report.trials)
        written = tomllib.loads(report.best_path.read_text())
        best = max(report.trials, key=lambda t: t.score)
        assert written["hyperparameters"] == best.hyperparameters


@pytest.mark.usefixtures("environment_of_workers")
def test_after_a_kill_of_the_driver_the_same_command_goes_on(
    climber, workspace, tiny_dataset, tmp_path
):
    study = study_of(
        climber, tiny_dataset, hyperparameters={"epochs": 20, "seconds": 0.2}, trials=2
    )
    request = tmp_path / "request"
    request.write_bytes(pickle.dumps((study, workspace)))
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(request)],
        process_group=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    folder = study.folder(workspace)
    try:
        end = time.monotonic() + 240
        while not any(t.epochs and t.epochs > 3 for t in Journal(folder).trials):
            assert driver.poll() is None, driver.stdout.read().decode()
            assert time.monotonic() < end, "nothing happened in time"
            time.sleep(0.1)
        driver.send_signal(signal.SIGKILL)
        driver.wait(timeout=60)
    finally:
        driver.kill()
    before = Journal(folder).trials
    half = next(t for t in before if t.epochs)
    assert half.state == "running"
    # The rest in this process: how it runs is no part of a study.
    reached = half.epochs
    report = run_study(study, workspace, cluster="none")
    assert [t.hyperparameters for t in report.trials[: len(before)]] == [
        t.hyperparameters for t in before
    ]
    ((first, again),) = starts(workspace, study, half)
    assert first == 0 and again >= reached - 1
    assert report.trials[half.index].epochs == 20
