import json
import shutil
from pathlib import Path

import pytest

from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.home.workspace import Workspace
from glassbench.model import Condition
from glassbench.tracking.delivery import RequestDelivery, TrialDelivery
from glassbench.tracking.mlflow_store import ensure_store
from glassbench.trial.result import ConditionScores, Score, TrialResult, write_result


@pytest.fixture(autouse=True)
def _no_other_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """A SQLite store as the first run of a workspace creates it."""
    home = tmp_path_factory.mktemp("store")
    ensure_store(home / "mlflow.db")
    return home / "mlflow.db"


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture
def with_store(workspace, empty_store) -> Workspace:
    """Return the workspace with its default store, empty."""
    workspace.home.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_store, workspace.database)
    return workspace


def make_trial(seed: int = 0, floor: bool = False) -> Trial:
    return Trial(
        task="ka_propensity",
        task_folder="/nowhere",
        protocol_version=1,
        dataset=DatasetReference("mini", "/nowhere/mini", "d" * 64),
        model=ModelReference("local_energy" if floor else "botan", "/nowhere", "e" * 64),
        conditions=(Condition.of(temperature=0.64, time=16.5),),
        hyperparameters={"width": 64},
        seed=seed,
        floor=floor,
    )


def finish(workspace: Workspace, trial: Trial, value: float = 0.5) -> None:
    """Leave behind what a finished trial leaves."""
    folder = workspace.trial_folder(trial.key)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predictions.npz").write_bytes(b"predictions")
    (folder / "log.txt").write_text("a word\n")
    (folder / "system.jsonl").write_text(
        json.dumps({"time": 1e9, "cpu_utilization_percentage": 180.0}) + "\n"
    )
    (folder / "provenance.json").write_text(json.dumps({"git": {"commit": "c" * 40}}))
    history = ({"epoch": e, "loss": 1 / e, "validation_score": None} for e in (1, 2, 3))
    scores = ConditionScores(
        condition={"temperature": 0.64, "time": 16.5},
        configurations=("a", "b"),
        parents=("p", "q"),
        scores={"pearson_a": Score(value, (value, value)), "pearson_b": Score(None, (None, 0.1))},
    )
    write_result(
        workspace,
        TrialResult(
            key=trial.key,
            trial=trial.to_json(),
            conditions=(scores,),
            history=tuple(history),
            cost={"wall_seconds": 2.0, "cpu_seconds": 3.0, "gpu_seconds": 0.0,
                  "peak_memory_bytes": 1e9},
            predictions={"path": "predictions.npz", "sha256": "f" * 64},
        ),
    )  # fmt: skip


def make_request(workspace: Workspace, trials, errors=None, content="1") -> RequestDelivery:
    """Return a delivery of trials, with a figure and no record."""
    errors = errors or {}
    figure = workspace.home / "figures" / "parity.png"
    figure.parent.mkdir(parents=True, exist_ok=True)
    figure.write_bytes(b"png")
    return RequestDelivery(
        digest="0123456789abcdef" * 4,
        name="botan on mini",
        experiment="glassbench/ka_propensity",
        record=None,
        content=content,
        trials=tuple(TrialDelivery(t.key, t.name, t.to_json(), errors.get(t.key)) for t in trials),
        figures=("figures/parity.png",),
    )
