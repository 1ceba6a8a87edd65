"""A file appears whole or not at all, and a torn line takes no other one along."""

import json

import pytest

from glassbench.home.files import (
    append_json_line,
    read_json_lines,
    whole_file,
    whole_folder,
    write_file,
    write_json,
)


def test_a_file_whose_writing_is_stopped_stays_as_it_was(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_file(path, "first, ü\n")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "first, ü\n"
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]


def test_a_folder_whose_filling_is_stopped_does_not_appear(tmp_path):
    with pytest.raises(OSError), whole_folder(tmp_path / "a") as partial:
        partial.mkdir()
        (partial / "file").write_text("half")
        raise OSError
    assert not list(tmp_path.iterdir())
    with whole_folder(tmp_path / "a") as partial:
        partial.mkdir()
        (partial / "file").write_text("whole")
    assert (tmp_path / "a" / "file").read_text() == "whole"


def test_numbers_that_json_has_not_are_refused(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}


def test_a_torn_line_is_skipped_and_the_next_one_stands_alone(tmp_path):
    path = tmp_path / "lines.jsonl"
    assert read_json_lines(path) == []
    append_json_line(path, {"x": 1})
    with open(path, "a") as file:
        file.write('{"x": 2, "y"')
    append_json_line(path, {"x": 3})
    assert read_json_lines(path) == [{"x": 1}, {"x": 3}]
