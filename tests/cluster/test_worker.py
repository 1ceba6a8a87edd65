"""What a worker on another machine does with a trial that was planned here."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from glassbench.cluster import ClusterError
from glassbench.contract.folder_digest import folder_digest
from glassbench.model import Progress
from glassbench.trial.attempt import Job, attempt_here, attempt_in_worker, keep_folder, located
from glassbench.trial.process import ProgressReader, write_progress


@pytest.fixture
def elsewhere(make_trial, workspace):
    """Return a job whose folders this machine no longer has, but for the copies."""
    trial = make_trial()
    model, task = Path(trial.model.folder), Path(trial.task_folder)
    task_digest = folder_digest(task)
    keep_folder(model, trial.model.digest, workspace.sources)
    keep_folder(task, task_digest, workspace.sources)
    shutil.rmtree(model)
    shutil.rmtree(task)
    return Job(trial, str(workspace.home), task_digest=task_digest)


def test_plugin_task_and_embedded_data_are_the_copies_in_the_home(elsewhere, workspace):
    trial = located(elsewhere, workspace)
    assert trial.key == elsewhere.trial.key
    assert Path(trial.model.folder) == workspace.sources / trial.model.digest
    assert (Path(trial.model.folder) / "model.py").read_text() == "answer = 42\n"
    assert (Path(trial.task_folder) / "task.toml").exists()
    assert Path(trial.dataset.path) == Path(trial.task_folder) / "data" / "mini"


def test_a_dataset_that_is_not_shared_is_named(elsewhere, workspace):
    dataset = replace(elsewhere.trial.dataset, path="/not/shared")
    with pytest.raises(ClusterError, match=r"mini is not at /not/shared on .*share"):
        located(replace(elsewhere, trial=replace(elsewhere.trial, dataset=dataset)), workspace)


def test_without_a_copy_a_missing_plugin_is_refused(elsewhere, workspace):
    shutil.rmtree(workspace.sources)
    with pytest.raises(ClusterError, match="when the run was planned"):
        located(elsewhere, workspace)


def test_a_workspace_that_is_not_shared_is_found_before_anything_runs(elsewhere, workspace):
    attempt = attempt_in_worker(replace(elsewhere, shared=str(workspace.home / "never")))
    assert attempt.result is None and "is not the same folder" in attempt.error
    assert not workspace.trials.exists()


def test_progress_is_read_once_in_whole_lines_and_from_where_the_reader_began(tmp_path):
    tell = partial(write_progress, tmp_path)
    tell("started", None, "before anybody looked")
    reader = ProgressReader(tmp_path)
    tell("progress", Progress(epoch=1, loss=0.5), "")
    whole = json.dumps({"kind": "waiting", "message": "later", "progress": None}).encode()
    with open(tmp_path / "progress.jsonl", "ab") as file:
        file.write(whole[:10])
    assert reader.new() == [("progress", Progress(epoch=1, loss=0.5), "")]
    assert reader.new() == []
    with open(tmp_path / "progress.jsonl", "ab") as file:
        file.write(whole[10:] + b"\ntorn{by a crash\n")
    assert reader.new() == [("waiting", None, "later")]
    assert ProgressReader(tmp_path / "nowhere").new() == []


def test_a_gpu_that_torch_cannot_use_is_named_and_the_cpu_taken(
    make_trial, workspace, monkeypatch, environment_of_workers
):
    monkeypatch.setattr("glassbench.trial.attempt.torch_gpus", lambda: 0)
    job = Job(make_trial(), str(workspace.home), run="stub_trials:run", device="cuda")
    said = []
    attempt = attempt_here(job, lambda kind, progress, message: said.append((kind, message)))
    assert attempt.error is None
    assert [message for kind, message in said if kind == "noted"] == [
        "it was given a GPU that torch cannot use here: it trains on the CPU"
    ]
    calls = (workspace.trial_folder(job.trial.key) / "calls").read_text()
    assert calls.split()[-1] == "cpu"
