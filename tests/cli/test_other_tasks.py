"""Every task runs, is scored, tabled and described through the same commands."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from glassbench.cli.tables import transfer_table
from glassbench.datasets.view import open_view
from glassbench.model import Condition
from glassbench.plugins.registry import load_task
from glassbench.trial.predictions import write_predictions

AT = {
    "lj2d_plasticity": ("strain=0.05", "fraction=0.02"),
    "cuzr_plasticity": ("strain=0.05", "fraction=0.05"),
    "cuzr_stiffness": (),
}
pytestmark = pytest.mark.usefixtures("without_tracking")
METRICS = {
    "lj2d_plasticity": {"c_rank", "accuracy", "overlap_ratio", "roc_auc", "average_precision"},
    "cuzr_plasticity": {"c_rank", "accuracy", "overlap_ratio", "roc_auc", "average_precision"},
    "cuzr_stiffness": {
        "pearson", "mse", "rmse", "mae", "offset", "r2", "binned_pearson",
        "binned_pearson_of_binning", "binned_slope",
        "spatial_pearson", "sample_means",
    },
}  # fmt: skip


@pytest.mark.parametrize("task", AT)
def test_a_model_runs_and_is_scored_with_ceiling_floors_and_transfer(
    glassbench, small_datasets, task
):
    answer = glassbench(
        "run", f"task={task}", f"dataset={small_datasets[task]}", "model=debye_waller",
        *AT[task], "cluster=none", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    record = _record(answer)
    (entry,) = record["conditions"]
    assert set(entry["scores"]) == METRICS[task]
    primary = record["task"]["primary_metric"]
    assert entry["scores"][primary]["value"] > 0.3
    assert 0.5 < entry["ceiling"][primary]["value"] <= 1
    assert entry["above_floor"]["difference"] > 0
    (other,) = entry["transfer"]["conditions"]
    changed = {
        axis for axis in entry["condition"] if other["condition"][axis] != entry["condition"][axis]
    }
    assert changed <= set(load_task(task).transfer) and len(changed) == 1
    assert set(other["scores"]) == METRICS[task]


def _record(answer) -> dict:
    return json.loads(answer.out)["runs"][0]["record"]


def test_a_stiffness_that_changed_with_the_rate_is_ranked_and_its_offset_told(
    glassbench, small_datasets
):
    answer = glassbench(
        "run", "task=cuzr_stiffness", f"dataset={small_datasets['cuzr_stiffness']}",
        "model=species_mean", "floors=off", "cluster=none", "--json",
    )  # fmt: skip
    (entry,) = _record(answer)["conditions"]
    (other,) = entry["transfer"]["conditions"]
    # The samples of the other rate are stiffer by 0.1, of which a mean knows nothing.
    assert other["scores"]["offset"]["value"] == pytest.approx(-0.1, abs=0.03)
    assert other["means"]["target"] > entry["transfer"]["means"]["target"]
    record = _record(answer)
    lines = transfer_table(record, load_task("cuzr_stiffness"), width=120)
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["cooling_rate=1e+13", "cooling_rate=1e+13"], ["cooling_rate=1e+13", "cooling_rate=1e+12"],
    ]  # fmt: skip
    assert f"{other['scores']['offset']['value']:.3f}" in lines[2]
    # The rank order of two points says nothing; that of four is told.
    assert len(lines) == 3
    again = copy.deepcopy(record)
    again["conditions"][0]["transfer"]["conditions"] *= 3
    (told,) = transfer_table(again, load_task("cuzr_stiffness"), width=120)[5:]
    assert told.endswith(f"over 4 conditions: {entry['transfer']['rank_order']:g}")


def test_predictions_of_any_framework_are_scored(glassbench, small_datasets, tmp_path):
    task = load_task("lj2d_plasticity")
    view = open_view(task, small_datasets["lj2d_plasticity"])
    condition = Condition.of(quench_time=1e4, fraction=0.02, strain=0.05)
    perfect = {
        example.structure.configuration: {
            "rearranging": np.where(example.targets["rearranging"] > 0, 0.6, 0.4)
            + 1e-3 * example.targets["d2min"] / example.targets["d2min"].max()
        }
        for example in view.examples("test", [condition])
    }
    path = tmp_path / "perfect.npz"
    write_predictions(path, {condition.name: perfect})
    words = ("score", str(path), "task=lj2d_plasticity", f"dataset={view.dataset.path}")
    answer = glassbench(*words, "--json")
    assert answer.code == 0, answer.err
    scores = json.loads(answer.out)["conditions"][0]["scores"]
    assert scores["c_rank"]["value"] == pytest.approx(1 - 0.02)
    for name in ("accuracy", "overlap_ratio", "roc_auc", "average_precision"):
        assert scores[name]["value"] == pytest.approx(1, abs=0.02)
    table = glassbench(*words).out
    assert "quench_time=1e+04 fraction=0.02" in table and "tau_alpha" not in table


@pytest.mark.parametrize("task", AT)
def test_a_dataset_is_described(glassbench, small_datasets, task):
    out = glassbench("data", "info", str(small_datasets[task])).out
    if task == "cuzr_stiffness":
        assert "cooling_rate" in out and "50, 300" in out
    else:
        assert "0.01, 0.05" in out and "protocol" in out and "threshold_state" in out


@pytest.mark.parametrize("task", AT)
def test_a_task_is_shown(glassbench, task):
    out = glassbench("show", task).out
    for axis in load_task(task).axes:
        assert f"axis {axis.name}" in out


def test_pairs_are_a_task_of_their_own(glassbench, tiny_dataset):
    answer = glassbench(
        "run", "task=ka_pair_distance", f"dataset={tiny_dataset}", "model=pair_distance",
        "time=0.5", "cluster=none", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    (entry,) = _record(answer)["conditions"]
    assert set(entry["scores"]) == {"pair_pearson_a", "pair_pearson_a_pooled"}
    assert "transfer" not in entry and entry["tau_alpha"] == 10.0
