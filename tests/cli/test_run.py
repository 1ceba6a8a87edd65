from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from glassbench.cli.run import announcement
from glassbench.experiments.conclude import RunReport
from glassbench.experiments.jobs import Outcome
from glassbench.experiments.request import make_requests, model_trials
from glassbench.experiments.words import parse_run, split_words
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.tracking.delivery import Delivered
from glassbench.trial.result import TrialResult

MODEL_TOML = """\
name = "{name}"
title = "A model"
authors = ["A. Author"]
year = 2024
licence = "MIT"
entry = "model:Guess"
reads = ["thermal"]
tasks = {tasks}
conditions_per_fit = "one"
[hyperparameters]
epochs = 10
rate = 1.0
"""


@dataclass(frozen=True)
class Event:
    kind: str
    trial: Any
    progress: Any = None
    message: str = ""


@pytest.fixture
def model(tmp_path):
    """Return a function that writes a model and returns its path."""

    def write(name: str = "guess", tasks: str = '["ka_propensity"]') -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.toml").write_text(MODEL_TOML.format(name=name, tasks=tasks))
        (folder / "model.py").write_text("class Guess: ...\n")
        return str(folder)

    return write


@pytest.fixture
def ran(monkeypatch, make_record, home):
    """The requests that were handed to the cluster; a seed of 13 fails."""
    requests = []

    def run_to_record(request, workspace, execute, on_event):
        requests.append(request)
        trials = model_trials(request)
        outcomes = [_outcome(trial, workspace) for trial in trials]
        for outcome in outcomes:
            kind = "failed" if outcome.error else "finished"
            on_event(Event(kind, outcome.trial, message=outcome.error or ""))
        path = workspace.records / "record.json"
        return RunReport(request, make_record(), path, outcomes, [])

    def hand_over(reports, workspace):
        tracking = Delivered("sqlite:///x.db", "77", True)
        return [replace(r, figures=[Path("figure.png")], tracking=tracking) for r in reports]

    monkeypatch.setattr("glassbench.experiments.conclude.run_to_record", run_to_record)
    monkeypatch.setattr("glassbench.experiments.conclude.hand_over", hand_over)
    return requests


def _outcome(trial, workspace):
    if trial.seed == 13:
        return Outcome(trial, None, "it broke", workspace.home / "log.txt")
    stored = {"path": "predictions.npz", "sha256": ""}
    return Outcome(trial, TrialResult(trial.key, trial.to_json(), (), (), {}, stored))


def _words(dataset: Path, model: str, *words: str) -> list[str]:
    return ["task=ka_propensity", f"model={model}", f"dataset={dataset}", "floors=off", *words]


def test_the_words_become_the_request(glassbench, ran, tiny_dataset, model):
    words = _words(
        tiny_dataset, model(), "time=5", "seed=0..1", "epochs=3", "cluster=none", "threads=2"
    )
    answer = glassbench("run", *words)
    assert answer.code == 0, answer.err
    (request,) = ran
    assert [dict(c) for c in request.conditions] == [{"temperature": 0.64, "time": 5.0}]
    assert request.hyperparameters == {"epochs": 3, "rate": 1.0}
    assert request.seeds == (0, 1)
    assert (request.cluster, request.threads, request.workers) == ("none", 2, 1)
    assert request.floors == ()
    assert request.dataset.path == str(tiny_dataset)
    assert request.dataset.digest.startswith("sha256:")


def test_people_see_the_table_and_the_places(glassbench, ran, tiny_dataset, model, home):
    answer = glassbench("run", *_words(tiny_dataset, model(), "time=5"))
    for part in ("Pearson, type A [95 %]", "best floor", "77 at sqlite:///x.db", "figure.png"):
        assert part in answer.out
    assert str(Workspace(home).records / "record.json") in answer.out
    assert "predictions.npz" in answer.out
    announced, finished = answer.err.splitlines()
    assert announced.endswith("dataset tiny, at temperature=0.64 time=5; seed 0; defaults general")
    assert finished == "finished  guess temperature=0.64 time=5 seed=0"


def test_people_see_the_table_before_figures_are_drawn_and_mlflow_is_served(
    glassbench, ran, tiny_dataset, model, monkeypatch
):
    def broken(reports, workspace):
        raise RuntimeError("the store burns")

    monkeypatch.setattr("glassbench.experiments.conclude.hand_over", broken)
    answer = glassbench("run", *_words(tiny_dataset, model(), "time=5"))
    assert answer.code == 1 and "the store burns" in answer.err
    assert "best floor" in answer.out


def test_json_is_one_document_and_nothing_else(glassbench, ran, tiny_dataset, model):
    answer = glassbench("run", *_words(tiny_dataset, model(), "time=5"), "--json")
    (run,) = json.loads(answer.out)["runs"]
    assert run["record"]["task"]["primary_metric"] == "pearson_a"
    assert run["tracking"]["run_id"] == "77"
    assert run["failed"] == []
    assert answer.err == ""


def test_a_trial_that_failed_is_told_with_its_log_and_exit_code_1(
    glassbench, ran, tiny_dataset, model
):
    answer = glassbench("run", *_words(tiny_dataset, model(), "time=5", "seed=0,13"))
    assert answer.code == 1
    assert "failed  guess temperature=0.64 time=5 seed=13: it broke; log: " in answer.out
    assert "best floor" in answer.out


def test_several_models_run_one_after_the_other(glassbench, ran, tiny_dataset, model):
    words = _words(tiny_dataset, f"{model('one')},{model('two')}")
    assert glassbench("run", *words).code == 0
    assert [request.model.name for request in ran] == ["one", "two"]
    assert len(ran[0].conditions) == 2


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("time=3", "has no time 3: it has 0.5, 5"),
        ("model.rat=2", "has no hyperparameter `rat`: did you mean `rate`?"),
        ("epochs=many", "model.epochs of guess: 'many' is not a number"),
        ("cluster=lokal", "did you mean `local`?"),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_work(
    glassbench, ran, tiny_dataset, model, word, message
):
    answer = glassbench("run", *_words(tiny_dataset, model(), word))
    assert answer.code == 2
    assert message in answer.err
    assert ran == []


def test_a_model_that_does_not_serve_the_task_is_refused(glassbench, ran, tiny_dataset, model):
    answer = glassbench("run", *_words(tiny_dataset, model(tasks='["cuzr_stiffness"]')))
    assert answer.code == 2
    assert "model guess serves cuzr_stiffness, not ka_propensity" in answer.err


def test_the_floors_of_the_task_come_along_but_no_model_is_its_own_floor(home, tiny_dataset, model):
    task = load_task("ka_propensity")
    words = ["task=ka_propensity", f"dataset={tiny_dataset}"]
    axes = [axis.name for axis in task.axes]
    (other,) = make_requests(
        task, parse_run(split_words([*words, f"model={model()}"]), axes), Workspace(home)
    )
    assert [floor.card.name for floor in other.floors] == list(task.floors)
    (own,) = make_requests(
        task, parse_run(split_words([*words, f"model={task.floors[0]}"]), axes), Workspace(home)
    )
    assert [floor.card.name for floor in own.floors] == list(task.floors[1:])


def test_a_renamed_dataset_has_the_defaults_of_its_own_name(home, tiny_dataset, model):
    task, folder = load_task("ka_propensity"), model()
    with open(Path(folder) / "model.toml", "a") as card:
        card.write("\n[defaults.ka_propensity.tiny]\nrate = 2.0\n")
    renamed = shutil.copytree(tiny_dataset, Workspace(home).datasets / "mini.zarr")
    for word in (str(renamed), "tiny"):
        words = ["task=ka_propensity", f"model={folder}", f"dataset={word}", "floors=off"]
        axes = [axis.name for axis in task.axes]
        (request,) = make_requests(task, parse_run(split_words(words), axes), Workspace(home))
        assert request.dataset.name == "tiny" and request.hyperparameters["rate"] == 2.0
        assert announcement(request).endswith("defaults general, tiny")


def test_force_forgets_the_trials_of_the_request_and_no_others(
    glassbench, ran, tiny_dataset, model, home
):
    words = _words(tiny_dataset, model(), "time=5")
    glassbench("run", *words)
    workspace = Workspace(home)
    other = workspace.trial_folder("f" * 64)
    other.mkdir(parents=True)
    outcome_folders = []
    for trial in model_trials(ran[0]):
        outcome_folders.append(workspace.trial_folder(trial.key))
        outcome_folders[-1].mkdir(parents=True)
    answer = glassbench("run", *words, "force=on")
    assert "force: forgot guess temperature=0.64 time=5 seed=0" in answer.err
    assert not any(folder.exists() for folder in outcome_folders)
    assert other.exists()


def test_ctrl_c_leaves_with_130(glassbench, monkeypatch, tiny_dataset, model):
    def interrupt(request, workspace, execute, on_event):
        raise KeyboardInterrupt

    monkeypatch.setattr("glassbench.experiments.conclude.run_to_record", interrupt)
    answer = glassbench("run", *_words(tiny_dataset, model()))
    assert answer.code == 130
    assert "the same command goes on" in answer.err


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
@pytest.mark.parametrize("command", ["run", "sweep", "tune"])
def test_a_dataset_whose_physics_failed_is_refused(glassbench, tiny_dataset, tmp_path, command):
    import shutil

    import zarr

    copy = tmp_path / "failed.zarr"
    shutil.copytree(tiny_dataset, copy)
    root = zarr.open_group(copy, mode="r+", use_consolidated=False)
    for _, state in root.groups():
        state.attrs["checks"] = {"failed": ["energy drift 0.1 per particle exceeds 0.002"]}
    zarr.consolidate_metadata(copy)
    answer = glassbench(
        command, "task=ka_propensity", "model=neighbour_count_ridge", f"dataset={copy}"
    )
    assert answer.code == 2
    assert "energy drift 0.1 per particle" in answer.err and "failed_checks=allow" in answer.err
