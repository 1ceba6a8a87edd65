"""A trial goes from fit to scores in stages, and goes on where it stopped."""

import json
from pathlib import Path

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.model_card import read_model_card
from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.datasets.store import open_dataset
from glassbench.home.workspace import Workspace, content_folder
from glassbench.model import Condition
from glassbench.trial.attempt import Job, attempt_here
from glassbench.trial.predictions import PredictionsError
from glassbench.trial.result import read_result, result_path
from glassbench.trial.run import run_trial

CARD = """
name = "counter"
title = "Neighbour counter"
authors = ["Nobody"]
year = 2026
licence = "MIT"
entry = "model:Counter"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"
[hyperparameters]
cutoff = 1.3
fail = ""
"""
SOURCE = """
import json
import multiprocessing
from pathlib import Path
import numpy as np
from glassbench.model import Progress
from glassbench.structure.neighbours import neighbour_pairs

def count(positions, box, cutoff):
    pairs = neighbour_pairs(positions, box, cutoff)
    return np.bincount(pairs.receivers, minlength=len(positions)).astype(float)

class Stopped(BaseException):
    pass

class Counter:
    parameters = 2
    def __init__(self, cutoff, fail):
        if fail == "init":
            raise ValueError("cutoff is wrong")
        self.cutoff, self.fail = cutoff, fail
    def _count(self, structure):
        return count(structure.positions, structure.box, self.cutoff)
    def fit(self, train, valid, run):
        run.folder.mkdir(parents=True, exist_ok=True)
        with open(run.folder.parent / "fits", "a") as file:
            file.write("x")
        x = np.concatenate([self._count(e.structure) for e in train])
        y = np.concatenate([e.targets[run.target] for e in train])
        self.line = np.polyfit(x, y, 1).tolist()
        guesses = self.predict([e.structure for e in valid], None)
        for epoch in (1, 2):
            run.report(Progress(epoch=epoch, epochs=2, loss=float("nan"),
                                validation_score=run.score(guesses, valid)))
    def predict(self, structures, condition):
        if self.fail == "predict" and condition is not None:
            raise RuntimeError("stopped")
        if self.fail == "base":
            raise Stopped("a library stopped it")
        if self.fail == "write":
            structures[0].positions[:] += 1
        if self.fail == "spawn":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                pool.apply_async(count, (structures[0].positions, structures[0].box, 1.3)).get(60)
        if self.fail == "loky":
            from joblib import Parallel, delayed
            Parallel(2)(delayed(count)(s.positions, s.box, 1.3) for s in structures)
        wrong = np.nan if self.fail == "nan" and condition is not None else 0.0
        return [{"propensity": np.polyval(self.line, self._count(s)) + wrong} for s in structures]
    def save(self, folder):
        folder.mkdir(parents=True)
        (folder / "line.json").write_text(json.dumps(self.line))
    def load(self, folder):
        self.line = json.loads((folder / "line.json").read_text())
"""


@pytest.fixture
def make(tmp_path, tiny_dataset):
    folder = tmp_path / "counter"
    folder.mkdir()
    (folder / "model.toml").write_text(CARD)
    (folder / "model.py").write_text(SOURCE)

    def one_trial(digest=None, **hyperparameters):
        card = read_model_card(folder)
        return Trial(
            task="ka_propensity",
            task_folder=str(Path(content_folder("tasks")) / "ka_propensity"),
            protocol_version=1,
            dataset=DatasetReference(
                "tiny", str(tiny_dataset), digest or open_dataset(tiny_dataset).digest
            ),
            model=ModelReference("counter", str(folder), card.digest),
            conditions=(Condition.of(temperature=0.64, time=5.0),),
            hyperparameters=dict(card.hyperparameters) | hyperparameters,
            seed=0,
        )

    return one_trial


def test_a_trial_fits_predicts_scores_and_is_never_computed_again(make, tmp_path):
    workspace, trial = Workspace(tmp_path / "home"), make()
    seen = []
    result = run_trial(trial, workspace, report=seen.append)
    assert result.conditions[0].scores["pearson_a"].value > 0.2
    assert [p.epoch for p in seen] == [1, 2]
    assert [entry["epoch"] for entry in result.history] == [1, 2]
    assert result.history[0]["loss"] is None
    assert result.parameters == 2
    assert result.cost["fit_seconds"] > 0
    assert read_result(workspace, trial) == result
    assert run_trial(trial, workspace) == result
    assert (workspace.trial_folder(trial.key) / "fits").read_text() == "x"


def test_a_trial_stopped_after_fitting_does_not_fit_again(make, tmp_path):
    workspace, trial = Workspace(tmp_path / "home"), make(fail="predict")
    with pytest.raises(RuntimeError, match="stopped"):
        run_trial(trial, workspace)
    folder = workspace.trial_folder(trial.key)
    assert (folder / "fitted" / "line.json").exists()
    with pytest.raises(RuntimeError, match="stopped"):
        run_trial(trial, workspace)
    assert (folder / "fits").read_text() == "x"


def test_a_trial_stopped_before_scoring_scores_the_stored_predictions(make, tmp_path):
    workspace, trial = Workspace(tmp_path / "home"), make()
    first = run_trial(trial, workspace)
    (workspace.trial_folder(trial.key) / "result.json").unlink()
    again = run_trial(trial, workspace)
    assert again.conditions == first.conditions
    assert again.predictions == first.predictions
    assert again.parameters == 2
    assert (workspace.trial_folder(trial.key) / "fits").read_text() == "x"


def test_predictions_that_are_not_finite_are_refused(make, tmp_path):
    with pytest.raises(
        PredictionsError, match="`propensity` holds 108 of 108 values that are not finite"
    ):
        run_trial(make(fail="nan"), Workspace(tmp_path))


def test_another_dataset_is_refused(make, tmp_path):
    with pytest.raises(UserError, match="plan the run again"):
        run_trial(make(digest="sha256:0"), Workspace(tmp_path))


def test_wrong_hyperparameters_are_reported_in_the_models_words(make, tmp_path):
    with pytest.raises(UserError, match="refuses its hyperparameters: cutoff is wrong"):
        run_trial(make(fail="init"), Workspace(tmp_path))


def test_the_key_depends_on_what_changes_the_result_alone(make):
    trial = make()
    assert trial.key == make().key
    assert trial.key != make(cutoff=1.4).key
    assert trial.key != make(digest="sha256:0").key
    moved = json.loads(json.dumps(trial.to_json()))
    moved["model"]["folder"] = moved["dataset"]["path"] = "/elsewhere"
    from glassbench.contract.trial_plan import trial_from_json

    assert trial_from_json(moved).key == trial.key
    assert np.isfinite(trial_from_json(moved).conditions[0]["time"])


@pytest.mark.parametrize(
    ("fail", "message"),
    [("base", "Stopped: a library stopped it"), ("write", "copy it first"), ("init", "is wrong")],
)
def test_whatever_a_model_raises_is_the_error_of_its_attempt(make, tmp_path, fail, message):
    attempt = attempt_here(Job(make(fail=fail), str(tmp_path)), lambda *_: None)
    assert attempt.result is None and message in attempt.error


@pytest.mark.slow
@pytest.mark.parametrize("fail", ["spawn", "loky"])
def test_a_model_may_start_processes_anew(make, tmp_path, fail):
    for cutoff in (1.3, 1.4):
        job = Job(make(fail=fail, cutoff=cutoff), str(tmp_path))
        assert attempt_here(job, lambda *_: None).error is None


def test_a_result_of_an_older_version_is_scored_again_from_its_predictions(make, tmp_path):
    workspace, trial = Workspace(tmp_path / "home"), make()
    now = run_trial(trial, workspace)
    path = result_path(workspace, trial.key)
    plain = json.loads(path.read_text())
    for condition in plain["conditions"]:
        condition["scores"] = {"pearson_a": condition["scores"]["pearson_a"]}
    path.write_text(json.dumps(plain | {"version": 1}))
    assert read_result(workspace, trial) is None
    assert set(read_result(workspace, trial, any_version=True).conditions[0].scores) == {
        "pearson_a"
    }
    again = run_trial(trial, workspace)
    assert again.conditions == now.conditions and "spread_a" in now.conditions[0].scores
    assert (workspace.trial_folder(trial.key) / "fits").read_text() == "x"
