"""While a model is tuned, it finds no way through the harness to the test split."""

import json
import pickle

import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.store import closed_splits, open_dataset
from glassbench.datasets.view import open_view
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.trial.run import run_trial

from ...climber import study_of, write_climber

# A model that tries every way it knows, and writes down what it was told.
PEEKING = """
import json
import pickle
from glassbench.datasets.store import open_dataset
from glassbench.datasets.view import open_view

class Climber:
    def __init__(self, **hyperparameters):
        pass
    def fit(self, train, valid, run):
        view, condition = train.view, run.conditions[0]
        test = [i for i, s in enumerate(view.dataset.state("T0.64").splits) if s == "test"]
        name = view.dataset.state("T0.64").configuration_ids[test[0]]
        ways = {
            "examples": lambda: list(view.examples("test", (condition,))),
            "structures": lambda: view.structures("test", condition),
            "halves": lambda: view.halves("propensity", condition, name),
            "values": lambda: view.dataset.state("T0.64").values(test[0], "propensity"),
            "tree": lambda: view.dataset.tree(),
            "opened again": lambda: list(
                open_view(view.task, view.dataset.path).examples("test", (condition,))
            ),
            "dataset again": lambda: (
                open_dataset(view.dataset.path).state("T0.64").values(test[0], "propensity")
            ),
            "copied": lambda: pickle.loads(pickle.dumps(view)).structures("test", condition),
        }
        told = {}
        for way, read in ways.items():
            try:
                read()
                told[way] = "read"
            except Exception as error:
                told[way] = type(error).__name__
        told["all configurations"] = [int(i) for i in view.dataset.state("T0.64").configurations()]
        told["test configurations"] = test
        run.folder.parent.mkdir(parents=True, exist_ok=True)
        (run.folder.parent / "told.json").write_text(json.dumps(told))
    def predict(self, structures, condition):
        return [{"propensity": s.species.astype(float)} for s in structures]
"""


def test_a_model_that_peeks_is_refused_and_scored_on_validation(tmp_path, tiny_dataset):
    model = write_climber(tmp_path / "climber")
    (model / "model.py").write_text(PEEKING)
    (fit,) = study_of(model, tiny_dataset).fits({"quality": 0.5, "epochs": 1})
    workspace = Workspace(tmp_path / "home")
    result = run_trial(fit, workspace)
    told = json.loads((workspace.trial_folder(fit.key) / "told.json").read_text())
    known, test = told.pop("all configurations"), told.pop("test configurations")
    assert set(told.values()) == {"DatasetError"}, told
    assert test and not set(known) & set(test)
    (scored,) = result.conditions
    assert scored.configurations == ("valid0", "valid1")
    assert scored.scores["pearson_a"].by_configuration
    assert result.transfer == () and result.rotation == ()


def test_a_split_that_was_closed_stays_closed_after_the_block(tiny_dataset):
    task = load_task("ka_propensity")
    with closed_splits("test"):
        view = open_view(task, tiny_dataset)
    condition = view.conditions()[0]
    with pytest.raises(DatasetError, match="the test split of .* is closed"):
        view.structures("test", condition)
    with pytest.raises(DatasetError, match="closed"):
        pickle.loads(pickle.dumps(view)).dataset.state("T0.64").configurations("test")
    assert len(view.structures("valid", condition)) == 2
    assert len(open_view(task, tiny_dataset).structures("test", condition)) == 3
    assert len(open_dataset(tiny_dataset).state("T0.64").configurations()) == 9
