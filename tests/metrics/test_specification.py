"""Metrics as a task's file names them."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest

from glassbench.metrics import METRICS, MetricSpecification
from glassbench.metrics.specification import NEEDS_STRUCTURE, function_options

TABLES = """
[[metrics]]
name = "pearson_a"
function = "pearson"
target = "propensity"
particles = "type_a"
average = "configuration"
primary = true

[[metrics]]
name = "pair_pearson_a"
title = "Pearson of pairs"
function = "pearson"
target = "pair_distance_change"
pairs = "type_a"
max_distance = 1.35

[[metrics]]
name = "rank"
function = "c_rank"
target = "d2min"
fraction = 0.01
"""


def _table(**words):
    return {"name": "m", "function": "pearson", "target": "t", **words}


def test_tables_of_a_task_are_read():
    first, second, third = (
        MetricSpecification.from_table(t) for t in tomllib.loads(TABLES)["metrics"]
    )
    assert first.primary and first.particles == "type_a" and not first.on_pairs
    assert first.title == "pearson_a" and first.average == "configuration"
    assert second.on_pairs and second.max_distance == 1.35 and second.particles is None
    assert second.title == "Pearson of pairs" and not second.primary
    assert third.options == {"fraction": 0.01} and third.particles == "all"
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.name = "other"


def test_every_task_of_the_project_has_metrics_that_exist():
    folder = Path(__file__).resolve().parents[2] / "tasks"
    files = sorted(folder.glob("*/task.toml"))
    assert files
    for file in files:
        for table in tomllib.loads(file.read_text(encoding="utf-8"))["metrics"]:
            MetricSpecification.from_table(table)


@pytest.mark.parametrize("function", METRICS)
def test_every_metric_takes_a_prediction_and_a_target(function):
    rng = np.random.default_rng(0)
    target = np.arange(300) % 2 if function in _CLASSES else rng.normal(size=300)
    structure = {"positions": rng.uniform(size=(300, 3)) * 20, "box": np.full(3, 20.0)}
    extra = structure if function in NEEDS_STRUCTURE else {}
    value = METRICS[function](target + 0.1 * rng.normal(size=300), target, **extra)
    assert np.shape(value) == () and np.isfinite(value)


_CLASSES = {"balanced_accuracy", "roc_auc", "average_precision"}


def test_errors_are_better_when_low():
    better = {
        name: MetricSpecification.from_table(_table(function=name)).higher_is_better
        for name in METRICS
    }
    assert {name for name, higher in better.items() if not higher} == {"mse", "rmse", "mae"}


def test_options_are_those_of_the_function():
    assert function_options("c_rank") == ("fraction",)
    assert function_options("binned_pearson") == ("bin_size",)
    assert function_options("spatially_averaged_pearson") == ("radius",)
    assert function_options("balanced_accuracy") == ("threshold",)
    assert function_options("pearson") == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"function": "pearsen"}, "unknown function 'pearsen': did you mean pearson"),
        ({"particles": "type_c"}, "unknown particles 'type_c': did you mean type_b or type_a"),
        ({"pairs": "type_a_below"}, "unknown pairs 'type_a_below': did you mean .*type_a"),
        ({"average": "configurations"}, "unknown average .* did you mean configuration"),
        ({"averge": "pooled"}, "unknown key 'averge': did you mean average"),
        ({"fraction": 0.1}, "unknown key 'fraction'"),
        ({"particles": "all", "pairs": "all"}, "both particles and pairs"),
        ({"max_distance": 1.35}, "max_distance but no pairs"),
        ({"pairs": "all", "max_distance": -1}, "max_distance -1 is not above 0"),
        ({"function": "c_rank", "fraction": 50}, "fraction 50 is not between 0 and 1"),
        ({"function": "binned_pearson", "bin_size": "many"}, "options .*bin_size"),
        ({"function": "spatially_averaged_pearson", "radius": -6.0}, "not positive"),
        ({"function": "spatially_averaged_pearson", "average": "pooled"}, "within one config"),
        ({"function": "spatially_averaged_pearson", "pairs": "all"}, "use it on particles"),
    ],
)
def test_wrong_words_are_named_with_the_nearest_right_ones(words, message):
    with pytest.raises(ValueError, match=f"metric m: .*{message}|metric m .*{message}"):
        MetricSpecification.from_table(_table(**words))


@pytest.mark.parametrize("key", ["name", "function", "target"])
def test_missing_keys_are_named(key):
    table = _table()
    del table[key]
    with pytest.raises(ValueError, match=f"key `{key}` is missing"):
        MetricSpecification.from_table(table)


def test_a_specification_made_in_python_is_checked_as_well():
    with pytest.raises(ValueError, match="unknown function 'spearmen': did you mean spearman"):
        MetricSpecification("m", "spearmen", "t")
    with pytest.raises(ValueError, match="unknown option 'frction': did you mean fraction"):
        MetricSpecification("m", "c_rank", "t", options={"frction": 0.1})


def test_an_option_may_follow_the_condition():
    metric = MetricSpecification(
        "c_rank", "c_rank", "d2min", prediction="rearranging", at_condition=["fraction"]
    )
    assert metric.at({"fraction": 0.02, "strain": 0.05}).options == {"fraction": 0.02}
    assert metric.prediction == "rearranging" and metric.options == {}
    with pytest.raises(ValueError, match="takes `fraction` from the condition, which has strain"):
        metric.at({"strain": 0.05})
    with pytest.raises(ValueError, match="fraction 1.0 is not between"):
        metric.at({"fraction": 1.0})
    with pytest.raises(ValueError, match="unknown option 'strain'"):
        MetricSpecification("c_rank", "c_rank", "d2min", at_condition=["strain"])


def test_the_prediction_is_that_of_the_target_unless_said_otherwise():
    assert MetricSpecification("m", "mse", "stiffness").prediction == "stiffness"


def test_an_offset_ranks_no_model():
    assert MetricSpecification("m", "mean_error", "stiffness").title == "m"
    with pytest.raises(ValueError, match="mean_error is no score and ranks no model"):
        MetricSpecification("m", "mean_error", "stiffness", primary=True)


def test_a_collective_metric_is_a_ratio_over_all_configurations():
    table = _table(function="s4", average="pooled", largest_q=0.6)
    assert MetricSpecification.from_table(table).is_collective
    for change, message in (
        ({"average": "configuration"}, "over all configurations"),
        ({"largest_q": -1}, "largest_q -1 of s4 is not positive"),
        ({"primary": True}, "s4 is no score and ranks no model"),
    ):
        with pytest.raises(ValueError, match=message):
            MetricSpecification.from_table(table | change)
    del table["largest_q"]
    with pytest.raises(ValueError, match="s4 needs largest_q"):
        MetricSpecification.from_table(table)
