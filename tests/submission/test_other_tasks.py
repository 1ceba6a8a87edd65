"""Submissions to every kind of task: under load, per particle, per pair; in numpy and in torch."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from glassbench.contract.check_result import all_passed
from glassbench.plugins.registry import load_task
from glassbench.record.record import read_record
from glassbench.submission.accept import add_record
from glassbench.submission.bundle import open_bundle
from glassbench.submission.record_check import check_bundle, check_record_file
from glassbench.submission.sandbox import Limits
from glassbench.submission.scaffold import write_scaffold
from glassbench.submission.verify import Verification, verify_bundle
from glassbench.trial.stages import PREDICTIONS_FILE, ROTATION_FILE, TRANSFER_FILE

from .handing_in import hand_in, link_dataset

KINDS = [
    ("lj2d_plasticity", "numpy", {TRANSFER_FILE, ROTATION_FILE}),
    ("cuzr_plasticity", "torch", {TRANSFER_FILE, ROTATION_FILE}),
    ("cuzr_stiffness", "numpy", {TRANSFER_FILE}),
    ("ka_pair_distance", "numpy", set()),
]


@pytest.fixture
def hand_in_for(workspace, small_datasets, tiny_dataset, tmp_path):
    """Return a function that runs and packs a scaffold of a task on a small dataset."""

    def call(task: str, kind: str) -> Path:
        shutil.rmtree(workspace.datasets)
        link_dataset(small_datasets.get(task, tiny_dataset), workspace)
        folder = write_scaffold("mine", kind, task, parent=tmp_path)
        card = (folder / "model.toml").read_text().replace("epochs = 20", "epochs = 1")
        (folder / "model.toml").write_text(card)
        return hand_in(folder, workspace, tmp_path / "mine.zip", load_task(task))

    return call


@pytest.mark.parametrize(("task", "kind", "beside"), KINDS)
def test_an_honest_model_is_packed_verified_signed_and_added(
    task, kind, beside, engine, workspace, key, how, hand_in_for, tmp_path
):
    archive = hand_in_for(task, kind)
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
    )
    with open_bundle(archive, workspace) as bundle:
        (files,) = bundle.predictions.values()
        assert set(files) == {PREDICTIONS_FILE} | beside
        verified = verify_bundle(bundle, verification, tmp_path / "verified.zip")
    assert verified.record["verification"]["largest_difference"] < 1e-3

    board = tmp_path / "board"
    accepted = add_record(verified.archive, how, board)
    assert accepted.path is not None, list(map(str, accepted.results))
    record, results = check_record_file(accepted.path, how)
    assert all_passed(results), list(map(str, results))
    assert read_record(accepted.path)["status"] == "verified"


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
