"""The main job as a whole: small models, a small dataset, real trials, a real MLflow store."""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from glassbench.cluster import execute
from glassbench.contract.model_card import read_model_card
from glassbench.contract.task import read_task
from glassbench.contract.trial_plan import DatasetReference
from glassbench.datasets.view import open_view
from glassbench.experiments.conclude import run_benchmark
from glassbench.experiments.request import BenchmarkRequest, Floor
from glassbench.model import Condition
from glassbench.record.record import read_record, record_digest
from glassbench.tracking.mlflow_store import ensure_store

ROOT = Path(__file__).resolve().parents[2]
TASK = read_task(ROOT / "tasks" / "ka_propensity")
CONDITIONS = tuple(Condition.of(temperature=0.64, time=time) for time in (0.5, 5.0))
CARD = """
name = "{name}"
title = "{name}"
authors = ["A"]
year = 2026
licence = "MIT"
entry = "model:Neighbours"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "{per_fit}"
[hyperparameters]
radius = {radius}
failing_seed = -1
"""
MODEL = """
import numpy as np
from glassbench.model import Progress

class Neighbours:
    def __init__(self, radius, failing_seed):
        self.radius, self.failing_seed = radius, failing_seed

    def fit(self, train, valid, run):
        if run.seed == self.failing_seed:
            raise ValueError("the loss is infinite")
        generator = np.random.default_rng(run.seed)
        self.tilt = 1e-3 * generator.normal()
        run.report(Progress(epoch=1, epochs=1, loss=0.5))

    def predict(self, structures, condition):
        answers = []
        for s in structures:
            vectors = s.positions[:, None] - s.positions[None]
            vectors -= s.box * np.round(vectors / s.box)
            count = (np.linalg.norm(vectors, axis=-1) < self.radius).sum(axis=1)
            answers.append({"propensity": -count + self.tilt * s.positions[:, 0]})
        return answers
"""


def write_model(folder, name, radius, per_fit):
    folder.mkdir()
    (folder / "model.toml").write_text(CARD.format(name=name, radius=radius, per_fit=per_fit))
    (folder / "model.py").write_text(MODEL)
    return read_model_card(folder)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    home = tmp_path_factory.mktemp("store")
    ensure_store(home / "mlflow.db")
    return home / "mlflow.db"


@pytest.fixture
def with_store(workspace, empty_store, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    workspace.home.mkdir(parents=True)
    shutil.copy(empty_store, workspace.database)
    return workspace


@pytest.fixture
def make_request(tmp_path, tiny_dataset):
    model = write_model(tmp_path / "near", "near", 1.3, "one")
    floor = write_model(tmp_path / "far", "far", 2.2, "all")
    digest = open_view(TASK, tiny_dataset).digest

    def make(seeds=(0, 1), failing_seed=-1, cluster="none", floors=(floor,)):
        return BenchmarkRequest(
            task=TASK,
            dataset=DatasetReference("tiny", str(tiny_dataset), digest),
            model=model,
            conditions=CONDITIONS,
            hyperparameters={"radius": 1.3, "failing_seed": failing_seed},
            seeds=seeds,
            cluster=cluster,
            floors=tuple(Floor(card, dict(card.hyperparameters)) for card in floors),
        )

    return make


def runs(workspace):
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        return sorted(connection.execute("select name, status from runs").fetchall())


def without_times(workspace):
    """Return everything that a request leaves behind, but for the clock."""
    return {
        path.relative_to(workspace.home): path.stat().st_mtime_ns
        for folder in ("records", "figures", "trials")
        for path in (workspace.home / folder).rglob("*")
        if path.is_file()
    }


def test_a_request_leaves_record_figures_and_runs_and_its_repetition_nothing_more(
    make_request, with_store, monkeypatch
):
    workspace, events = with_store, []
    request = make_request()
    report = run_benchmark(request, workspace, execute, events.append)
    assert [event.kind for event in events].count("finished") == 5
    record = read_record(report.record_path)
    assert record == report.record
    for entry in record["conditions"]:
        score = entry["scores"]["pearson_a"]
        assert [seed["seed"] for seed in score["seeds"]] == [0, 1]
        assert score["interval"][0] <= score["value"] <= score["interval"][1]
        assert [floor["model"] for floor in entry["floors"]] == ["far"]
        assert entry["above_floor"]["difference"] == pytest.approx(
            score["value"] - entry["floors"][0]["value"]
        )
        assert 0 < entry["ceiling"]["pearson_a"]["value"] <= 1
        assert entry["tau_alpha"] == 10.0 and entry["reported"] == []
    assert len(record["predictions"]) == 4
    assert all((workspace.home / file["path"]).exists() for file in record["predictions"])
    assert len(record["provenance"]["environments"]) == 1
    assert record["tracking"] is None and report.tracking.run_id
    assert str(workspace.home) not in json.dumps(record.to_json())
    assert len(report.figures) == 5 and all(path.exists() for path in report.figures)
    assert report.tracking.delivered, report.tracking.message
    assert len(runs(workspace)) == 6 and {status for _, status in runs(workspace)} == {"FINISHED"}

    before = without_times(workspace)
    events.clear()
    with monkeypatch.context() as nothing:
        for name in ("_record", "_figures"):
            nothing.delattr(f"glassbench.experiments.conclude.{name}")
        again = run_benchmark(request, workspace, execute, events.append)
    assert {event.kind for event in events} == {"cached"}
    assert again.record == record and len(runs(workspace)) == 6
    assert without_times(workspace) == before and again.tracking == report.tracking

    # What is missing or was changed is made anew.
    report.figures[-1].unlink()
    report.record_path.write_text(report.record_path.read_text().replace("0.", "1."))
    assert run_benchmark(request, workspace, execute).figures == report.figures
    assert report.figures[-1].exists()
    made = read_record(report.record_path)
    assert record_digest(made) == record_digest(record) and len(runs(workspace)) == 6


def test_what_failed_is_listed_and_the_rest_recorded(make_request, with_store):
    request = make_request(failing_seed=1, floors=())
    report = run_benchmark(request, with_store, execute)
    assert [failure["seed"] for failure in report.record["failed"]] == [1, 1]
    assert "the loss is infinite" in report.record["failed"][0]["error"]
    assert report.record["failed"][0]["condition"] == dict(CONDITIONS[0])
    assert report.record["seeds"] == [0, 1]
    for entry in report.record["conditions"]:
        assert [s["seed"] for s in entry["scores"]["pearson_a"]["seeds"]] == [0]
        assert entry["above_floor"] is None
    failed = [outcome for outcome in report.outcomes if outcome.error]
    assert len(failed) == 2 and all("Traceback" in o.log.read_text() for o in failed)
    assert [status for _, status in runs(with_store)].count("FAILED") == 3


def test_without_a_score_there_is_no_record_and_without_a_store_there_is_one(
    make_request, workspace, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    report = run_benchmark(make_request(seeds=(1,), failing_seed=1, floors=()), workspace, execute)
    assert report.record is None and report.record_path is None and not report.figures
    assert not report.tracking.delivered and report.tracking.message
    report = run_benchmark(make_request(seeds=(0,), floors=()), workspace, execute)
    assert read_record(report.record_path)["tracking"] is None
    assert not report.tracking.delivered
