"""A plan on another machine: what moved is found, what changed is refused by name."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from glassbench.contract.folder_digest import folder_digest
from glassbench.contract.task import read_task
from glassbench.contract.trial_plan import DatasetReference, ModelReference
from glassbench.experiments.sweep.make import located
from glassbench.experiments.sweep.plan import PlanError, Series, SweepPlan, with_trials
from glassbench.home.workspace import Workspace
from glassbench.model import Condition

TASK = Path(__file__).resolve().parents[3] / "tasks" / "ka_propensity"
NAME = "number_of_neighbours"
BASELINE = TASK.parents[1] / "baselines" / NAME
CONDITION = (Condition.of(temperature=0.64, time=0.5),)


@pytest.fixture
def here(tmp_path):
    return Workspace(tmp_path / "home")


@pytest.fixture
def plan(tmp_path):
    model = tmp_path / "model"
    shutil.copytree(BASELINE, model)
    dataset = tmp_path / "data"
    dataset.mkdir()
    task = read_task(TASK)
    return with_trials(
        SweepPlan(
            name="sweep",
            task=task.name,
            task_folder=str(TASK),
            protocol_version=task.protocol_version,
            dataset=DatasetReference("mini", str(dataset), "sha256:0"),
            series=(
                Series(ModelReference(NAME, str(model), folder_digest(model)), {}, (0,), CONDITION),
            ),
        )
    )


@pytest.fixture(autouse=True)
def dataset_digest(monkeypatch):
    """The digest of every dataset, which a test may change."""
    view = SimpleNamespace(digest="sha256:0")
    monkeypatch.setattr("glassbench.experiments.sweep.make.open_view", lambda task, path: view)
    return view


def test_a_plan_that_fits_stays_as_it_is(plan, here):
    assert located(plan, here) == plan


def test_what_lies_elsewhere_here_is_found_by_name(plan, here):
    moved = replace(
        plan,
        task_folder="/gone/task",
        dataset=replace(plan.dataset, path="/gone/data"),
        series=tuple(replace(s, model=replace(s.model, folder="/gone/model")) for s in plan.series),
    )
    found = located(with_trials(moved), here)
    assert [p.key for p in found.planned] == [p.key for p in plan.planned]
    (trial,) = found.trials
    assert Path(trial.model.folder) == BASELINE and Path(trial.task_folder) == TASK
    assert Path(trial.dataset.path).exists()


def test_a_changed_model_is_refused_by_name(plan, here):
    (series,) = plan.series
    with open(Path(series.model.folder) / "model.py", "a") as file:
        file.write("# changed\n")
    with pytest.raises(PlanError, match=f"model {NAME} at .* has the digest .* it was changed"):
        located(plan, here)


def test_a_changed_dataset_and_task_are_refused_by_name(plan, here, dataset_digest):
    with pytest.raises(PlanError, match="task ka_propensity in .* has protocol"):
        located(replace(plan, protocol_version=99), here)
    dataset_digest.digest = "sha256:1"
    with pytest.raises(PlanError, match="dataset mini at .* has the digest sha256:1"):
        located(plan, here)


def test_what_is_not_here_is_named(plan, here):
    lost = replace(plan.dataset, name="paper", path="/gone")
    with pytest.raises(PlanError, match="the plan's dataset paper is not here"):
        located(replace(plan, dataset=lost), here)
    (series,) = plan.series
    unknown = replace(series, model=ModelReference("nobody", "/gone", "0" * 64))
    with pytest.raises(PlanError, match="the plan's model nobody is not here"):
        located(replace(plan, series=(unknown,)), here)
