import os
import sys
from pathlib import Path

import pytest

from glassbench.cluster import open_session
from glassbench.contract.folder_digest import folder_digest
from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.home.workspace import Workspace
from glassbench.model import Condition

HERE = Path(__file__).resolve().parent


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture
def make_trial(tmp_path):
    """Return a trial of a small plugin on a dataset that is an empty file."""
    model = tmp_path / "models" / "counter"
    model.mkdir(parents=True)
    (model / "model.py").write_text("answer = 42\n")
    task = tmp_path / "tasks" / "counting"
    (task / "data").mkdir(parents=True)
    (task / "task.toml").write_text('name = "counting"\n')
    (task / "data" / "mini").write_text("")

    def make(seed=0, floor=False, **hyperparameters) -> Trial:
        return Trial(
            task="counting",
            task_folder=str(task),
            protocol_version=1,
            dataset=DatasetReference("mini", str(task / "data" / "mini"), "0" * 64),
            model=ModelReference("counter", str(model), folder_digest(model)),
            conditions=(Condition.of(temperature=0.64, time=16.5),),
            hyperparameters=hyperparameters,
            seed=seed,
            floor=floor,
        )

    return make


@pytest.fixture(scope="session")
def environment_of_workers():
    """Let worker processes import the stubs beside the tests, and this checkout."""
    with pytest.MonkeyPatch.context() as patch:
        path = [str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setattr(sys, "path", [str(HERE), *sys.path])
        yield


@pytest.fixture(scope="session")
def two_cores(environment_of_workers):
    """Ray on two cores of this machine, for all tests of this process."""
    with open_session("local", cores=2) as session:
        yield session
