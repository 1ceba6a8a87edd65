"""The order of a board against direct evaluations."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

from glassbench.metrics import interval_of_mean, paired_difference
from glassbench.pages import read_sources
from glassbench.pages.board_page import pareto_front
from glassbench.pages.boards import make_boards
from glassbench.pages.standing import configuration_scores, make_standing, ranking_points
from glassbench.plugins.registry import load_task

from .conftest import QUALITIES
from .synthetic_records import make_record, put


def board_of(sources, task):
    return next(b for b in make_boards(sources) if b.name == task.name)


def whole(row):
    """Return the record as it stands in its file."""
    return json.loads(row.entry.path.read_text(encoding="utf-8"))


def values_of(row, metric="pearson_a"):
    """Return (conditions, configurations): the mean over seeds."""
    return np.array(
        [
            np.mean([s["by_configuration"] for s in entry["scores"][metric]["seeds"]], axis=0)
            for entry in whole(row)["conditions"]
        ]
    )


def test_the_order_follows_the_mean_over_conditions(sources, task):
    standing = make_standing(board_of(sources, task))
    names = [place.row.name for place in standing.places]
    assert names[0] == "averaged_ridge" and names.index("local_density") == 3
    for place in standing.places:
        assert place.value == pytest.approx(values_of(place.row).mean(), abs=1e-12)


def test_intervals_and_differences_are_those_of_the_metrics(sources, task):
    standing = make_standing(board_of(sources, task))
    vectors = {p.row.name: values_of(p.row).mean(axis=0) for p in standing.places}
    parents = whole(standing.places[0].row)["conditions"][0]["parents"]
    for place in standing.places:
        own = interval_of_mean(vectors[place.row.name], parents)
        assert place.interval == pytest.approx((own.low, own.high), abs=1e-9)
    last = standing.places[-1]
    expected = paired_difference(
        vectors[last.row.name], vectors[standing.places[0].row.name], parents
    ).difference
    assert last.behind == pytest.approx(expected.mean, abs=1e-9)
    assert last.behind_interval == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_rank_counts_the_significantly_better_models(sources, task):
    ranks = {p.row.name: p.rank for p in make_standing(board_of(sources, task)).places}
    assert ranks["averaged_ridge"] == 1
    assert ranks["botan"] == ranks["nt_gnn"] == 2
    assert ranks["local_density"] == 4
    assert set(QUALITIES) < set(ranks)


def test_few_samples_have_values_in_place_of_an_interval(task, tmp_path):
    points = [{"temperature": 0.64, "time": t} for t in (0.5, 5.0)]
    for k in range(2):
        put(tmp_path, f"r{k}", make_record(task, f"m{k}", 0.9 - 0.3 * k, points, parents=4))
    best, other = make_standing(board_of(read_sources(tmp_path), task)).places
    assert best.interval is None and other.behind_interval is None
    assert best.samples == pytest.approx(values_of(best.row).mean(axis=0))
    assert other.behind == pytest.approx(other.value - best.value)
    assert [best.rank, other.rank] == [1, 1]


def test_errors_are_best_where_they_are_lowest(tmp_path):
    task = load_task("cuzr_stiffness")
    record = make_record(task, "m", 0.5, [{"cooling_rate": 1e13}])
    record["conditions"][0]["floors"] = [
        {"model": name, "value": value, "interval": None, "by_configuration": [value] * 12}
        for name, value in (("coarse", 0.9), ("fine", 0.05))
    ]
    put(tmp_path, "r", record)
    put(tmp_path, "s", make_record(task, "n", 0.4, [{"cooling_rate": 1e13}]))
    board = board_of(read_sources(tmp_path), task)
    error = next(metric for metric in board.metrics if metric.name == "rmse")
    by_error = dataclasses.replace(board)
    by_error.__dict__["metrics"] = (error,)
    standing = make_standing(by_error)
    assert [place.row.name for place in standing.places] == ["n", "m"]
    assert [place.rank for place in standing.places] == [1, 2]
    assert (standing.floor_name, standing.floor) == ("fine", 0.05)
    assert make_standing(board).floor_name == "coarse"


def test_a_model_without_a_ranking_condition_has_no_rank(task, tmp_path):
    points = [{"temperature": 0.64, "time": t} for t in (0.5, 5.0)]
    for k in range(3):
        own = points if k else points[:1]
        put(tmp_path, f"r{k}", make_record(task, f"m{k}", 0.9 - 0.1 * k, own))
    standing = make_standing(board_of(read_sources(tmp_path), task))
    assert standing.places[-1].row.name == "m0"
    assert (standing.places[-1].rank, standing.places[-1].missing) == (None, 1)


def test_an_undefined_score_leaves_a_model_without_value_and_rank(task, tmp_path):
    for k in range(2):
        record = make_record(task, f"m{k}", 0.5, [{"temperature": 0.64, "time": 0.5}])
        if k == 0:
            score = record["conditions"][0]["scores"]["pearson_a"]
            score |= {"value": None, "interval": None}
            score["seeds"][0] |= {"value": None}
            score["seeds"][0]["by_configuration"][0] = None
        put(tmp_path, f"r{k}", record)
    places = make_standing(board_of(read_sources(tmp_path), task)).places
    assert [(p.row.name, p.rank) for p in places] == [("m1", 1), ("m0", None)]
    assert places[1].value is None


def test_conditions_with_other_configurations_weigh_as_conditions(task, tmp_path):
    few = make_record(task, "m", 0.9, [{"temperature": 0.5, "time": 1.0}], parents=3)
    many = make_record(task, "m", 0.1, [{"temperature": 0.64, "time": 1.0}], parents=12)
    for entry in many["conditions"]:
        entry["configurations"] = [f"other-{name}" for name in entry["configurations"]]
    put(tmp_path, "r", few | {"conditions": few["conditions"] + many["conditions"]})
    board = board_of(read_sources(tmp_path), task)
    scores, parents = configuration_scores(board, board.rows[0], ranking_points(board))
    assert len(scores) == len(parents) == 15
    means = [
        np.mean(c["scores"]["pearson_a"]["seeds"][0]["by_configuration"])
        for c in whole(board.rows[0])["conditions"]
    ]
    assert scores.mean() == pytest.approx(np.mean(means), abs=1e-12)


def test_models_that_read_more_are_ranked_apart(task, tiered):
    standing = make_standing(board_of(read_sources(tiered), task))
    assert [(p.row.tier, p.rank, p.row.name) for p in standing.places] == [
        ("thermal", 1, "good"),
        ("thermal", 2, "poor"),
        ("inherent", 1, "modes"),
        ("dynamics", 1, "shaken"),
        ("dynamics", 2, "trembling"),
    ]
    assert [p.behind is None for p in standing.places] == [True, False, True, True, False]
    values = {p.row.name: values_of(p.row).mean(axis=0) for p in standing.places}
    parents = whole(standing.places[0].row)["conditions"][0]["parents"]
    for own, first in ((1, "good"), (4, "shaken")):
        place = standing.places[own]
        expected = paired_difference(values[place.row.name], values[first], parents).difference
        assert place.behind == pytest.approx(expected.mean, abs=1e-9)


def test_what_a_model_reads_leaves_the_ranks_of_the_others_alone(task, tiered, tmp_path):
    alone = tmp_path / "records"
    alone.mkdir()
    for name in ("good", "poor"):
        shutil.copy(tiered / f"ka-mini-{name}.json", alone)
    few = make_standing(board_of(read_sources(alone), task)).places
    many = make_standing(board_of(read_sources(tiered), task)).tiers["thermal"]
    assert [(p.rank, p.behind) for p in few] == [(p.rank, p.behind) for p in many]


def test_each_tier_has_its_own_pareto_front(task, tiered):
    board = board_of(read_sources(tiered), task)
    # Costs grow with quality in these records, so that every model is on a front but for ties.
    costs = {row.name: row.entry.record["cost"]["cpu_seconds"] for row in board.rows}
    assert costs["poor"] < costs["modes"] < costs["good"] < costs["trembling"] < costs["shaken"]
    front = pareto_front(board, make_standing(board))["cpu_seconds"]
    assert front == set(costs)
    board.rows[-1].entry.record["cost"]["cpu_seconds"] = 1000.0  # trembling: dearer than the better
    front = pareto_front(board, make_standing(board))["cpu_seconds"]
    assert front == set(costs) - {"trembling"}
