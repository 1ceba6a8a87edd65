from __future__ import annotations

from dataclasses import replace

import pytest

from glassbench.cli.tables import (
    above_floor,
    in_columns,
    place_lines,
    result_table,
    runs_table,
    summary_lines,
)
from glassbench.metrics import MetricSpecification
from glassbench.tracking.delivery import Delivered

PRIMARY = MetricSpecification("pearson_a", "pearson", "propensity", title="Pearson A")
ERROR = replace(PRIMARY, function="rmse")
PUBLISHED = [
    {"model": "nt_gnn", "value": 0.61, "source": "x"},
    {"model": "BOTAN", "value": 0.58, "source": "y"},
]


def _cells(lines: list[str]) -> dict[str, str]:
    """Return a table of one row as cells by title; cells are two spaces or more apart."""
    titles, row = ([part.strip() for part in line.split("  ") if part.strip()] for line in lines)
    return dict(zip(titles, row, strict=True))


def test_the_row_holds_score_interval_ceiling_share_floor_and_published_number(
    make_record, make_condition
):
    record = make_record(make_condition(value=0.4, reported=PUBLISHED))
    assert _cells(result_table(record, PRIMARY, 160)) == {
        "T": "0.64",
        "t": "16.5",
        "t/tau_alpha": "1",
        "Pearson A [95 %]": "0.400 [0.350, 0.450]",
        "ceiling": "0.800",
        "score/ceiling": "0.50",
        "best floor": "0.300 number_of_neighbours",
        "above floor": "yes",
        "published": "0.580 BOTAN",
    }


def test_a_model_without_a_published_number_is_shown_beside_the_best_one(
    make_record, make_condition
):
    record = make_record(make_condition(reported=PUBLISHED), model="mine")
    assert _cells(result_table(record, PRIMARY, 160))["published"] == "0.610 nt_gnn"


def test_of_an_error_the_smallest_is_the_best(make_record, make_condition):
    record = make_record(make_condition(value=0.4, reported=PUBLISHED), model="mine")
    cells = _cells(result_table(record, ERROR, 160))
    assert cells["best floor"].startswith("0.200") and cells["published"] == "0.580 BOTAN"


def test_what_is_undefined_is_shown_so_and_not_as_zero(make_record, make_condition):
    lost = make_condition(value=None, ceiling={}, floors=[], above_floor=None, tau_alpha=None)
    *table, note = result_table(make_record(lost), PRIMARY, 160)
    cells = _cells(table)
    assert cells["Pearson A [95 %]"] == "undefined"
    assert "5 of 5 configurations have no score: their predictions or labels do not vary" in note
    assert cells["ceiling"] == cells["score/ceiling"] == cells["t/tau_alpha"] == "undefined"
    assert cells["best floor"] == cells["above floor"] == "-"
    assert "published" not in cells


def test_a_score_of_few_samples_has_no_interval(make_record, make_condition):
    entry = {"pearson_a": {"value": 0.5, "interval": None}}
    cells = _cells(result_table(make_record(make_condition(scores=entry)), PRIMARY, 160))
    assert cells["Pearson A [95 %]"] == "0.500 [undefined]"
    few = make_condition(parents=list("ppqqq"))
    cells = _cells(result_table(make_record(few), PRIMARY, 160))
    assert cells["Pearson A [95 %]"] == "0.500 [2 samples]"
    assert cells["above floor"] == "2 samples"


def test_a_ceiling_of_zero_gives_no_share(make_record, make_condition):
    record = make_record(make_condition(ceiling={"pearson_a": {"value": 0.0}}))
    assert _cells(result_table(record, PRIMARY, 160))["score/ceiling"] == "undefined"


@pytest.mark.parametrize(
    ("interval", "word"),
    [
        ([0.01, 0.2], "yes"),
        ([-0.1, 0.2], "not significant"),
        ([0.0, 0.2], "not significant"),
        ([-0.3, -0.1], "no"),
        (None, "undefined"),
    ],
)
def test_the_interval_of_the_difference_says_whether_the_model_is_above_the_floor(interval, word):
    comparison = {"floor": "local_energy", "difference": 0.1, "interval": interval}
    assert above_floor({"above_floor": comparison}) == word


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_line_is_wider_than_the_terminal_and_no_cell_is_lost(make_record, make_condition, width):
    record = make_record(
        *(make_condition(time=time, reported=PUBLISHED) for time in (0.52, 5.2, 16.5))
    )
    lines = result_table(record, PRIMARY, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for cell in ("score/ceiling", "0.300 number_of_neighbours", "0.580 BOTAN", "yes"):
        assert cell in text
    assert text.count("16.5") >= (1 if width == 160 else 2)  # a folded block repeats its keys
    assert max(map(len, runs_table([(None, record)], width))) <= width


def test_columns_stand_below_each_other():
    columns = [("a", ["x", "long"]), ("number>", ["1", "22"])]
    assert in_columns(columns, 80) == ["a     number", "x          1", "long      22"]


def test_a_column_wider_than_the_terminal_is_shown_all_the_same():
    assert in_columns([("key", ["k"]), ("b", ["x" * 50])], 40) == [
        "key  b",
        "k    " + "x" * 50,
    ]


def test_the_summary_names_task_dataset_model_and_cost(make_record):
    text = "\n".join(summary_lines(make_record()))
    for part in ("ka_propensity, protocol 1", "mini (0123456789ab)", "52417 parameters", "61 s"):
        assert part in text


def test_tables_say_another_target_and_training_elsewhere(make_record, make_condition):
    there = {"trained_at": {"temperature": 0.56, "time": 52.0}}
    record = make_record(make_condition(time=16.5) | there)
    record["task"] = record["task"] | {"target": "bond_breaking"}
    summary = "\n".join(summary_lines(record))
    assert "ka_propensity, target bond_breaking, protocol 1" in summary
    assert "at T=0.56 t=52, not where it was tested" in summary
    listed = "\n".join(runs_table([(None, record)], 160))
    assert "ka_propensity bond_breaking" in listed and "trained at T=0.56 t=52" in listed


def test_a_run_that_was_not_delivered_says_so(tmp_path):
    tracking = Delivered("http://x", None, False, "no answer")
    lines = place_lines(tmp_path / "r.json", tracking, [tmp_path / f"{k}.npz" for k in range(9)])
    assert "not delivered yet: no answer" in lines[0]
    assert str(tmp_path / "r.json") in lines[1]
    assert lines[-1].split() == ["and", "3", "more,", "all", "named", "in", "the", "record"]


def test_runs_are_ordered_by_date(make_record):
    records = [
        (None, make_record(created="2026-02-01T00:00:00Z", model="later")),
        (None, make_record(created="2026-01-01T00:00:00Z", model="earlier")),
    ]
    lines = runs_table(records, 200)
    assert lines[:3] == ["task     ka_propensity", "dataset  mini", ""]
    assert [row.split()[2] for row in lines[4:]] == ["earlier", "later"]


def test_what_differs_between_runs_has_a_column(make_record):
    other = make_record() | {"dataset": {"name": "published", "digest": "sha256:1"}}
    lines = runs_table([(None, make_record()), (None, other)], 200)
    assert lines[0] == "task  ka_propensity"
    assert lines[2].split()[:3] == ["created", "model", "dataset"]
    assert {line.split()[3] for line in lines[3:]} == {"mini", "published"}
