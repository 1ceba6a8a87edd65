"""The five lines of a notebook."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench import load_task
from glassbench.contract.errors import UserError
from glassbench.home.workspace import Workspace
from glassbench.plugins.datasets import find_dataset, list_datasets
from glassbench.plugins.registry import load_task as read


@pytest.fixture
def problem(tiny_dataset):
    return load_task("ka_propensity", tiny_dataset)


def test_splits_structures_targets_and_metrics(problem):
    splits = problem.splits(time=5.0)
    assert {split: len(names) for split, names in splits.items()} == {
        "train": 4,
        "valid": 2,
        "test": 3,
    }
    structures = problem.structures("test", time=5.0)
    assert tuple(s.configuration for s in structures) == splits["test"]
    example = problem.examples("train", time=5.0)[0]
    assert example.targets["propensity"].shape == (len(example.structure.positions),)
    assert problem.targets["propensity"].unit == "sigma_AA"
    assert [m.name for m in problem.metrics if m.primary] == ["pearson_a"]


def test_the_truth_scores_one_and_its_negative_minus_one(problem):
    truth = {
        e.structure.configuration: {"propensity": e.targets["propensity"]}
        for e in problem.examples("test", time=5.0)
    }
    assert problem.score(truth, time=5.0).scores["pearson_a"].value == pytest.approx(1.0)
    opposite = {c: {"propensity": -p["propensity"]} for c, p in truth.items()}
    assert problem.score(opposite, time=5.0).scores["pearson_a"].value == pytest.approx(-1.0)
    assert 0 < problem.ceilings(time=5.0)["pearson_a"].value <= 1


def test_an_axis_with_several_values_must_be_given(problem):
    assert problem.condition(time=0.5)["temperature"] == 0.64
    with pytest.raises(UserError, match="names temperature and time"):
        problem.condition()
    with pytest.raises(UserError, match="it has 0.5, 5"):
        problem.structures("test", time=3.0)


def test_structures_carry_nothing_of_the_future(problem):
    structure = problem.structures("test", time=5.0)[0]
    assert not any(
        isinstance(value, np.ndarray) and value.dtype.kind == "f" and name != "positions"
        for name, value in vars(structure).items()
        if name != "box"
    )


def test_names_lead_to_embedded_datasets_first_then_to_the_workspace(tmp_path):
    task = read("ka_propensity")
    workspace = Workspace(tmp_path)
    for name in ("mine", "ka_propensity-own.zarr.zip", "half.importing"):
        (workspace.datasets / name).mkdir(parents=True)
        (workspace.datasets / name / "zarr.json").touch()
    assert find_dataset(task, "mine", workspace).path == workspace.datasets / "mine"
    assert find_dataset(task, "own", workspace).name == "ka_propensity-own"
    assert [d.name for d in list_datasets([], workspace)] == ["ka_propensity-own", "mine"]
    with pytest.raises(UserError, match="dataset `half` is not finished: run its import again"):
        find_dataset(task, "half", workspace)
    with pytest.raises(UserError, match=r"no dataset `min`: did you mean .*`mine`"):
        find_dataset(task, "min", workspace)
    with pytest.raises(UserError, match="glassbench data import botan"):
        find_dataset(task, "published", workspace)
    with pytest.raises(UserError, match="there is no dataset at"):
        find_dataset(task, "./mine", workspace)


def test_a_dataset_at_a_path_has_the_name_that_it_states_itself(tmp_path, tiny_dataset):
    (tmp_path / "mini_copy.zarr").symlink_to(tiny_dataset)
    assert load_task("ka_propensity", tmp_path / "mini_copy.zarr").dataset == "tiny"
    task = read("ka_propensity")
    (embedded,) = (d for d in list_datasets([task], Workspace(tmp_path)) if d.name == "mini")
    (tmp_path / "x.zarr.zip").symlink_to(embedded.path)
    assert find_dataset(task, str(tmp_path / "x.zarr.zip"), Workspace(tmp_path)).name == "mini"


def test_the_data_are_a_tree_with_names_and_units(problem):
    propensity = problem.data["T0.64"].propensity.sel(time=5.0)
    assert propensity.dims == ("configuration", "particle")
    assert propensity.attrs["units"] == "sigma_AA"
    example = problem.examples("test", time=5.0)[0]
    name = example.structure.configuration
    truth = propensity.sel(configuration=name)
    assert np.array_equal(truth.values.astype(np.float32), example.targets["propensity"])
    assert truth.split.item() == "test"
