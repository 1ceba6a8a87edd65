"""Predictions as they are scored and shipped: as good as those that were made, and small."""

from __future__ import annotations

import lzma

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.trial_plan import DatasetReference
from glassbench.datasets.view import open_view
from glassbench.home.workspace import content_folder, open_workspace
from glassbench.plugins.registry import load_task
from glassbench.submission.bundle import open_bundle, ship, shipped_predictions, trials_of
from glassbench.submission.record_check import Checking, check_record_file
from glassbench.submission.rescore import FINEST, as_scored, read_finite_predictions, rounded
from glassbench.submission.rescore import spread as spread_of
from glassbench.submission.scaffold import write_scaffold
from glassbench.trial.predictions import write_predictions
from glassbench.trial.stages import PREDICTIONS_FILE, ROTATION_FILE, score_trial

from .handing_in import hand_in, link_dataset

GENERATOR = np.random.default_rng(0)
NORMAL = GENERATOR.normal(size=4000)
ARRAYS = {
    "normal": NORMAL, "far from zero": 1e6 + NORMAL, "small": 1e-30 * NORMAL,
    "near one": 1 - 1e-12 * np.exp(NORMAL), "heavy": NORMAL**9, "large": 1e300 * NORMAL,
    "outlier": np.append(NORMAL, 1e12), "single": NORMAL.astype(np.float32),
}  # fmt: skip


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
def test_rounding_keeps_values_and_all_but_the_closest_order(values):
    short = rounded(values)
    exact = np.asarray(values, float)
    assert np.abs(short - exact).max() <= FINEST * spread_of(exact)
    order = np.argsort(exact)
    assert (np.diff(short[order].astype(float)) >= 0).all()
    assert len(np.unique(short)) > 1000


@pytest.mark.parametrize(
    "values", [np.full(10, 0.3), np.array([0.0, 0.5, 1.0] * 4), np.arange(100), np.zeros(0)]
)
def test_what_has_few_values_keeps_them(values):
    assert rounded(values) == pytest.approx(values, rel=2e-3)
    assert len(np.unique(rounded(values))) == len(np.unique(values))
    assert np.array_equal(rounded(np.array([0.0, 0.5, 1.0])), [0.0, 0.5, 1.0])


@pytest.mark.parametrize("task", ["ka_propensity", "lj2d_plasticity", "ka_pair_distance"])
def test_scores_of_shipped_predictions_are_those_of_the_model_and_the_same_again(
    task, workspace, small_datasets, tiny_dataset, tmp_path
):
    import shutil

    shutil.rmtree(workspace.datasets)
    link_dataset(small_datasets.get(task, tiny_dataset), workspace)
    folder = write_scaffold("mine", "numpy", task, parent=tmp_path)
    archive = hand_in(folder, workspace, tmp_path / "mine.zip", load_task(task))
    with open_bundle(archive, workspace) as bundle:
        path = workspace.datasets / "tiny.zarr"
        task = load_task(task)
        view = open_view(task, path)
        (trial,) = trials_of(bundle, task, DatasetReference("tiny", str(path), view.digest))
        (stored,) = bundle.predictions.values()
        files = {file: read_finite_predictions(p) for file, p in stored.items()}
        digest = next(iter(bundle.predictions))

    def scored(predictions):
        return score_trial(trial, task, view, predictions, digest, {}, None)

    shipped = as_scored(task, view, files)
    first, second = scored(files), scored(shipped)
    for before, after in zip(
        first.conditions + first.transfer, second.conditions + second.transfer
    ):
        for name, score in before.scores.items():
            assert after.scores[name].value == pytest.approx(score.value, abs=2e-3), name
    scored_targets = {metric.prediction for metric in task.metrics}
    for by_configuration in shipped[PREDICTIONS_FILE].values():
        assert all(set(targets) <= scored_targets for targets in by_configuration.values())
    if ROTATION_FILE in files:
        # Of turned structures, what is predicted for the particles that rearrange alone.
        (turned, *_) = shipped[ROTATION_FILE].values()
        assert all((t[task.target] == 0).mean() > 0.5 for t in turned.values())
        assert second.rotation[0].by_configuration == pytest.approx(
            first.rotation[0].by_configuration, abs=5e-3
        )

    # Through the files of a board, to the last digit.
    sources = {file: tmp_path / file for file in shipped}
    names = {PREDICTIONS_FILE: "d.npz"}
    for file, source in sources.items():
        write_predictions(source, shipped[file])
        ship(source, tmp_path / "board" / names.get(file, f"d.{file}"))
    (tmp_path / "scratch").mkdir()
    back = shipped_predictions(tmp_path / "board", "d", tmp_path / "scratch")
    assert {f: p.read_bytes() for f, p in back.items()} == {
        f: p.read_bytes() for f, p in sources.items()
    }
    again = scored({file: read_finite_predictions(p) for file, p in back.items()})
    assert again.conditions == second.conditions and again.rotation == second.rotation


def test_a_number_takes_less_than_two_bytes(tmp_path):
    source = tmp_path / "p.npz"
    one = {"": {"a": {"propensity": rounded(GENERATOR.normal(size=100_000))}}}
    write_predictions(source, one)
    ship(source, tmp_path / "q.npz")
    assert (tmp_path / "q.npz.xz").stat().st_size < 1.8 * 100_000


@pytest.mark.parametrize(
    "content",
    [b"", b"no xz", lzma.compress(b"x")[:-4], lzma.compress(bytes(10**6)) + b"more"],
)
def test_a_broken_file_is_one_message(content, tmp_path):
    (tmp_path / "d.npz.xz").write_bytes(content)
    try:
        found = shipped_predictions(tmp_path, "d", tmp_path)
        read_finite_predictions(found[PREDICTIONS_FILE])
    except UserError as error:
        assert "\n" not in str(error)
    else:
        raise AssertionError("it was read")


def test_a_record_of_a_dataset_that_is_elsewhere_cannot_be_checked_and_is_not_wrong(tmp_path):
    path = next((content_folder("leaderboard") / "records").glob("*published_small-cage_ridge*"))
    _, results = check_record_file(path, Checking(open_workspace(tmp_path), floors=False))
    by_name = {result.name: result for result in results}
    assert by_name["scores"].passed is None and "data download" in by_name["scores"].message
    assert not [result for result in results if result.passed is False]
