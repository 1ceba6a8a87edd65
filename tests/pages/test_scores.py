"""What boards read of a record is what the record says."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.pages import read_sources
from glassbench.pages.boards import make_boards
from glassbench.pages.sources import by_configuration, sample_means, shown_interval

from .synthetic_records import make_record, put

POINTS = [{"temperature": 0.64, "time": time} for time in (0.5, 5.0, 16.5)]


@pytest.fixture
def record(task):
    return make_record(task, "m", 0.5, POINTS, parents=6, seeds=(0, 1))


def row_of(record, folder):
    put(folder, "r", record)
    (board,) = [board for board in make_boards(read_sources(folder)) if board.rows]
    return board.rows[0]


def test_a_row_has_the_scores_of_its_record(record, tmp_path):
    row = row_of(record, tmp_path)
    for entry in record["conditions"]:
        point = (entry["condition"]["temperature"], entry["condition"]["time"])
        for metric, score in entry["scores"].items():
            assert row.value(metric, point) == score["value"]
            assert row.interval(metric, point) == tuple(score["interval"])
        for metric, ceiling in entry["ceiling"].items():
            assert row.ceiling(metric, point) == ceiling["value"]


def test_values_by_configuration_are_means_over_seeds(record):
    primary = record["task"]["primary_metric"]
    entry = record["conditions"][1]
    seeds = [seed["by_configuration"] for seed in entry["scores"][primary]["seeds"]]
    assert by_configuration(entry, primary) == pytest.approx(np.mean(seeds, axis=0))


def test_what_a_record_does_not_say_is_nothing(record, tmp_path):
    primary = record["task"]["primary_metric"]
    record["conditions"][0]["scores"][primary] |= {"value": None, "interval": None}
    for seed in record["conditions"][2]["scores"][primary]["seeds"]:
        seed["by_configuration"] = []
    row = row_of(record, tmp_path)
    assert (row.value(primary, (0.64, 0.5)), row.interval(primary, (0.64, 0.5))) == (None, None)
    assert (row.value(primary, (0.44, 0.5)), row.ceiling(primary, (0.44, 0.5))) == (None, None)
    assert row.value("none", (0.64, 5.0)) is None
    assert by_configuration(record["conditions"][2], primary) is None


@pytest.mark.parametrize(("parents", "shown"), [(4, None), (5, (0.1, 0.9))])
def test_fewer_than_five_samples_have_no_interval(parents, shown, task):
    (entry,) = make_record(task, "m", 0.5, POINTS[:1], parents=parents)["conditions"]
    assert shown_interval(entry, [0.1, 0.9]) == shown
    assert shown_interval(entry, None) is None


def test_the_value_of_a_sample_is_the_mean_over_its_configurations(task):
    (entry,) = make_record(task, "m", 0.5, POINTS[:1], parents=4)["conditions"]
    entry["parents"] = ["a", "b", "a", "b"]
    values = by_configuration(entry, "pearson_a")
    expected = {"a": values[[0, 2]].mean(), "b": values[[1, 3]].mean()}
    assert sample_means(entry, "pearson_a") == pytest.approx(expected)
