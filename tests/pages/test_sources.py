"""Records are read, checked and named; a broken one never stops the others."""

from __future__ import annotations

import copy
import json

import pytest

from glassbench.pages import read_sources
from glassbench.record.record import RecordError, validate_record

from .synthetic_records import make_record, put

POINT = {"temperature": 0.64, "time": 5.0}


def test_a_broken_record_is_named_and_left_out(sources):
    names = {entry.name for entry in sources.entries}
    assert not names & {"broken", "no_conditions", "nan", "other_task"}
    for name, reason in [
        ("broken.json", ""),
        ("no_conditions.json", "conditions"),
        ("nan.json", ""),
        ("other_task.json", "no_such_task"),
    ]:
        (told,) = [problem for problem in sources.problems if name in problem]
        assert reason in told


def alterations():
    def without_primary(record):
        del record["conditions"][0]["scores"]["pearson_a"]

    def other_axes(record):
        record["conditions"][0]["condition"] = {"strain": 0.1}

    def fewer_parents(record):
        record["conditions"][0]["parents"].pop()

    def fewer_values(record):
        record["conditions"][0]["scores"]["pearson_a"]["seeds"][0]["by_configuration"].pop()

    def fewer_floors(record):
        record["conditions"][0]["floors"][0]["by_configuration"].pop()

    def more_ceilings(record):
        record["conditions"][0]["ceiling"]["pearson_a"]["by_configuration"].append(0.9)

    def other_failure(record):
        record["failed"] = [{"condition": {"strain": 1.0}, "seed": 0, "error": "no"}]

    def newer_protocol(record):
        record["task"]["protocol_version"] = 999

    return [
        without_primary, other_axes, fewer_parents, fewer_values, fewer_floors, more_ceilings,
        other_failure, newer_protocol,
    ]  # fmt: skip


@pytest.mark.parametrize("alter", alterations())
def test_a_record_that_does_not_fit_its_task_is_left_out(alter, task, tmp_path):
    record = make_record(task, "botan", 0.5, [POINT])
    alter(record)
    put(tmp_path, "odd", record)
    put(tmp_path, "right", make_record(task, "botan", 0.5, [POINT]))
    sources = read_sources(tmp_path)
    assert [entry.name for entry in sources.entries] == ["right"]
    assert any("odd.json" in problem for problem in sources.problems)


def test_a_record_without_a_field_is_left_out(task, tmp_path):
    right = make_record(task, "botan", 0.5, [POINT])
    validate_record(right)
    for key in right:
        wrong = copy.deepcopy(right)
        del wrong[key]
        with pytest.raises(RecordError):
            validate_record(wrong)
        put(tmp_path, f"without_{key}", wrong)
    assert read_sources(tmp_path).entries == ()


def test_an_explanation_of_another_model_is_left_out_and_its_record_stays(task, tmp_path):
    put(tmp_path / "records", "one", make_record(task, "botan", 0.5, [POINT]))
    beside = tmp_path / "explain" / "one.json"
    beside.parent.mkdir()
    beside.write_text(json.dumps({"schema_version": 1}), encoding="utf-8")
    sources = read_sources(tmp_path / "records")
    assert sources.entries[0].explanation is None
    assert any("explanation one.json" in problem for problem in sources.problems)
