"""Boards hold what may be compared, and one record a model."""

from __future__ import annotations

import pytest

from glassbench.pages import read_sources
from glassbench.pages.boards import make_boards
from glassbench.pages.standing import make_standing
from glassbench.plugins.registry import list_tasks, load_task

from .synthetic_records import grid, make_record, put

POINT = {"temperature": 0.64, "time": 5.0}


def boards_of(folder, task):
    return [b for b in make_boards(read_sources(folder)) if b.task.name == task.name and b.rows]


def test_two_datasets_and_two_protocols_are_never_on_one_board(task, tmp_path):
    for k, (dataset, protocol) in enumerate([("mini", 0), ("mini", 0), ("mini", 1), ("other", 0)]):
        record = make_record(
            task, f"m{k}", 0.5, [POINT], dataset=(dataset, f"sha256:{dataset}0000")
        )
        record["task"]["protocol_version"] = protocol or task.protocol_version
        put(tmp_path, f"r{k}", record)
    one_more = make_record(task, "m9", 0.5, [POINT], dataset=("mini", "sha256:altered0"))
    put(tmp_path, "r9", one_more)
    boards = boards_of(tmp_path, task)
    assert sorted(sorted(row.name for row in board.rows) for board in boards) == [
        ["m0", "m1"], ["m2"], ["m3"], ["m9"],
    ]  # fmt: skip
    assert len({board.name for board in boards}) == len(boards)
    assert boards[0].name == task.name
    assert [board.superseded for board in boards].count(True) == 1


def test_other_targets_and_other_places_of_training_have_boards_of_their_own(task, tmp_path):
    other = task.asked_for("bond_breaking")
    put(tmp_path, "own", make_record(task, "m0", 0.5, [POINT]))
    spelled = make_record(task, "m1", 0.5, [POINT])
    spelled["task"]["target"] = task.target
    put(tmp_path, "spelled", spelled)
    broken = make_record(other, "m0", 0.4, [POINT])
    broken["task"]["target"] = other.target
    put(tmp_path, "target", broken)
    moved = make_record(task, "m0", 0.3, [POINT], trained={"temperature": 0.56})
    moved["conditions"][0]["trained_at"] = {"temperature": 0.56, "time": 16.5}
    put(tmp_path, "moved", moved)
    own, trained, of_target = boards_of(tmp_path, task)
    assert [len(b.rows) for b in (own, trained, of_target)] == [2, 1, 1]
    assert (own.label, own.main) == ("mini", True)
    assert trained.label == "mini, trained at T = 0.56" and not trained.main
    assert of_target.label == "mini, bond breaking"
    assert of_target.primary.name == "bond_breaking_pearson_a"
    assert make_standing(of_target).places[0].value == pytest.approx(0.4, abs=0.02)
    assert len({board.name for board in (own, trained, of_target)}) == 3


def test_a_model_has_a_row_for_each_kind_of_positions_that_it_was_given(task, tmp_path):
    for name, positions in (("own", "thermal"), ("other", "cage")):
        record = make_record(task, "schnet", 0.5, [POINT], reads=(positions,))
        put(tmp_path, name, record | {"hyperparameters": {"positions": positions}})
    (board,) = boards_of(tmp_path, task)
    assert [row.name for row in board.rows] == ["schnet", "schnet, cage positions"]
    assert {row.model for row in board.rows} == {"schnet"}
    assert [row.tier for row in board.rows] == ["thermal", "cage"]


def test_a_model_that_reads_more_than_before_has_one_row(task, tmp_path):
    for day, reads in ((1, ("thermal",)), (2, ("thermal", "inherent"))):
        created = f"2026-01-0{day}T00:00:00Z"
        put(tmp_path, f"r{day}", make_record(task, "m", 0.5, [POINT], reads=reads, created=created))
    ((row,),) = (board.rows for board in boards_of(tmp_path, task))
    assert row.tier == "inherent" and len(row.earlier) == 1


def test_a_record_of_a_target_with_the_metric_of_another_is_left_out(task, tmp_path):
    record = make_record(task, "m0", 0.5, [POINT])
    record["task"]["target"] = "bond_breaking"
    put(tmp_path, "wrong", record)
    (problem,) = read_sources(tmp_path).problems
    assert "its primary metric is `pearson_a`, that of target bond_breaking is" in problem


def test_a_verified_record_stands_for_its_model_and_the_others_are_kept(sources, task):
    board = next(b for b in make_boards(sources) if b.name == task.name)
    (botan,) = [row for row in board.rows if row.name == "botan"]
    assert botan.status == "verified"
    assert [entry.name for entry in botan.earlier] == ["ka-mini-botan"]


def test_published_numbers_stand_on_the_board_of_their_dataset_alone(sources, task):
    boards = {b.dataset: b for b in make_boards(sources) if b.task.name == task.name}
    assert not boards["mini"].reported
    assert boards["roadmap"].reported and not boards["roadmap"].rows


def test_floors_are_those_of_all_records_since_the_record_of_a_floor_leaves_itself_out(
    task, tmp_path
):
    for model, floor, value in [
        ("local_density", "local_energy", 0.1),
        ("m", "local_density", 0.3),
    ]:
        record = make_record(task, model, 0.5, [POINT])
        record["conditions"][0]["floors"][0].update(model=floor, value=value)
        put(tmp_path, model, record)
    (board,) = boards_of(tmp_path, task)
    point = board.points[0]
    assert board.floors == {"local_density": {point: 0.3}, "local_energy": {point: 0.1}}
    standing = make_standing(board)
    assert (standing.floor_name, standing.floor) == ("local_density", 0.3)


@pytest.mark.parametrize("name", [found.name for found in list_tasks() if not found.error])
def test_every_task_has_a_board_whatever_its_axes(name, tmp_path):
    task = load_task(name)
    put(tmp_path, "one", make_record(task, "m", 0.5, grid(task, 16)))
    (board,) = boards_of(tmp_path, task)
    assert len(board.points) == len(grid(task, 16))
    assert all(len(board.words(board.condition(point))) > 3 for point in board.points)
