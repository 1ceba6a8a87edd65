"""From a scaffold to a page of the board, for every task and every kind of model."""

from __future__ import annotations

import re
import runpy
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from glassbench.contract.errors import UserError, all_passed
from glassbench.contract.model_card import read_model_card
from glassbench.datasets.view import open_view
from glassbench.model import Condition
from glassbench.pages import build_site, read_sources
from glassbench.plugins.registry import load_model_class, load_task
from glassbench.record.record import read_record
from glassbench.submission.accept import add_record
from glassbench.submission.bundle import SubmissionError, open_bundle
from glassbench.submission.check import check_submission
from glassbench.submission.record_check import Checking, check_bundle, check_record_file
from glassbench.submission.sandbox.limits import Limits
from glassbench.submission.scaffold import write_scaffold
from glassbench.submission.verify import Verification, verify_bundle
from glassbench.trial.predictions import read_predictions
from glassbench.trial.score import score_condition
from glassbench.trial.stages import PREDICTIONS_FILE, ROTATION_FILE, TRANSFER_FILE

from .handing_in import hand_in, link_dataset

KINDS = [
    ("ka_propensity", "pyg", set(), "weights"),
    ("lj2d_plasticity", "numpy", {TRANSFER_FILE, ROTATION_FILE}, "retrain"),
    ("cuzr_plasticity", "torch", {TRANSFER_FILE, ROTATION_FILE}, "weights"),
    ("cuzr_stiffness", "descriptor", {TRANSFER_FILE}, "weights"),
    ("ka_pair_distance", "numpy", set(), "weights"),
]


@pytest.fixture
def hand_in_for(workspace, small_datasets, tiny_dataset, tmp_path, monkeypatch):
    """Return a function that runs and packs a scaffold of a task on a small dataset."""

    def call(task: str, kind: str) -> Path:
        shutil.rmtree(workspace.datasets)
        link_dataset(small_datasets.get(task, tiny_dataset), workspace)
        folder = write_scaffold("mine", kind, task, parent=tmp_path)
        card = re.sub(r"epochs = \d+", "epochs = 1", (folder / "model.toml").read_text())
        (folder / "model.toml").write_text(card)
        if kind == "predictions":
            monkeypatch.setenv("GLASSBENCH_HOME", str(workspace.home))
            monkeypatch.setattr("sys.argv", ["predict.py", "tiny"])
            runpy.run_path(str(folder / "predict.py"), run_name="__main__")
        return hand_in(folder, workspace, tmp_path / "mine.zip", load_task(task))

    return call


@pytest.mark.parametrize(("task", "kind", "beside", "mode"), KINDS)
def test_an_honest_model_is_packed_verified_signed_and_added(
    task, kind, beside, mode, engine, workspace, key, how, hand_in_for, tmp_path
):
    archive = hand_in_for(task, kind)
    # A cell of torch_geometric starts slowly: its template is checked with the others, and runs in
    # cells below.
    checked = (
        () if kind == "pyg" else check_submission(tmp_path / "mine", workspace, dataset="tiny")
    )
    assert [str(result) for result in checked if not result.passed] == []
    record, results = check_record_file(archive, how)
    assert all_passed(results), list(map(str, results))
    assert ("rotation_probe" in record["conditions"][0]) == (ROTATION_FILE in beside)
    assert ("transfer" in record["conditions"][0]) == (TRANSFER_FILE in beside)

    verification = Verification(
        workspace=workspace,
        engine=engine,
        key=key,
        signer="tester",
        floors=False,
        limits=Limits(wall_seconds=120),
        retrain=mode == "retrain",
    )
    with open_bundle(archive, workspace) as bundle:
        (files,) = bundle.predictions.values()
        assert set(files) == {PREDICTIONS_FILE} | beside
        verified = verify_bundle(bundle, verification, tmp_path / "verified.zip")
    assert verified.record["verification"]["mode"] == mode
    assert verified.record["verification"]["largest_difference"] < 1e-3
    primary = record["task"]["primary_metric"]
    before, after = (
        r["conditions"][0]["scores"][primary]["value"] for r in (record, verified.record)
    )
    assert after == pytest.approx(before, rel=0.05)

    board = tmp_path / "board"
    accepted = add_record(verified.archive, how, board)
    assert accepted.path is not None, list(map(str, accepted.results))
    record, results = check_record_file(accepted.path, how)
    assert all_passed(results), list(map(str, results))
    assert read_record(accepted.path)["status"] == "verified"
    assert 'class="chip verified"' in page_of(board, how, task)


@pytest.mark.parametrize("task", ["ka_propensity", "lj2d_plasticity", "ka_pair_distance"])
def test_predictions_alone_are_scored_and_shown_and_never_verified(
    task, engine, workspace, key, how, hand_in_for, tmp_path
):
    archive = hand_in_for(task, "predictions")
    results = {r.name: r for r in check_submission(tmp_path / "mine", workspace, dataset="tiny")}
    assert [r.name for r in results.values() if not r.passed] == ["conformance"]
    assert results["conformance"].passed is None
    accepted = add_record(archive, how, tmp_path / "board")
    record = read_record(accepted.path).to_json()
    assert (record["status"], record["model"]["reads"]) == ("measured", ["predictions"])
    view = open_view(load_task(task), workspace.datasets / "tiny.zarr")
    stored = read_predictions(tmp_path / "mine" / "predictions.npz")
    for entry in record["conditions"]:
        assert not {"transfer", "rotation_probe"} & set(entry)
        condition = Condition.of(**entry["condition"])
        scores = score_condition(load_task(task), view, condition, stored[condition.name]).scores
        for name, score in scores.items():
            assert entry["scores"][name]["value"] == pytest.approx(score.value, nan_ok=True)
    assert "predictions alone" in page_of(tmp_path / "board", how, task)
    verification = Verification(workspace, engine, key, "tester")
    with open_bundle(archive, workspace) as bundle:
        with pytest.raises(SubmissionError, match="scored and shown, never verified"):
            verify_bundle(bundle, verification, tmp_path / "verified.zip")
    assert not (tmp_path / "verified.zip").exists()


def test_what_a_file_of_predictions_lacks_is_named(hand_in_for, tmp_path):
    hand_in_for("ka_pair_distance", "predictions")
    card = read_model_card(tmp_path / "mine")
    model = load_model_class(card)()
    structure = SimpleNamespace(configuration="another")
    with pytest.raises(UserError, match="has no configuration another at temperature=0.64"):
        model.predict([structure], Condition.of(temperature=0.64, time=0.5))
    with pytest.raises(UserError, match="has nothing at temperature=1 time=1"):
        model.predict([structure], Condition.of(temperature=1, time=1))
    (card.folder / "predictions.npz").unlink()
    with pytest.raises(UserError, match="is not there: write it"):
        load_model_class(read_model_card(tmp_path / "mine"))


def page_of(board: Path, how: Checking, task: str) -> str:
    """Return the page of a task on a board, built anew."""
    build_site(read_sources(board / "records", how.trusted), board / "site")
    return (board / "site" / "task" / f"{task}.html").read_text(encoding="utf-8")


def test_a_rotation_probe_without_its_predictions_is_refused(hand_in_for, workspace, how):
    archive = hand_in_for("lj2d_plasticity", "numpy")
    with open_bundle(archive, workspace) as bundle:
        alone = {
            digest: {file: path for file, path in files.items() if file != ROTATION_FILE}
            for digest, files in bundle.predictions.items()
        }
        results = check_bundle(replace(bundle, predictions=alone), how)
    (wrong,) = [result.message for result in results if not result.passed]
    assert "rotation_probe is in the record, its predictions do not give it" in wrong
