"""`glassbench leaderboard` and `glassbench explain` at the command line."""

from __future__ import annotations

import json


def test_a_site_is_built_from_a_folder_of_records(glassbench, make_record, tmp_path):
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(make_record()), encoding="utf-8")
    (folder / "torn.json").write_text("{", encoding="utf-8")
    words = ("leaderboard", "build", f"records={folder}", f"out={tmp_path / 'site'}")
    answer = glassbench(*words)
    assert answer.code == 0
    assert "1 records" in answer.out and "torn.json" in answer.err
    assert (tmp_path / "site" / "record" / "one.html").is_file()
    told = json.loads(glassbench(*words, "--json").out)
    assert (told["records"], told["written"]) == (1, 0)


def test_a_folder_that_is_not_there_and_a_wrong_address_are_named(glassbench, tmp_path):
    answer = glassbench("leaderboard", "build", f"records={tmp_path / 'none'}")
    assert answer.code == 2 and "there is no such folder" in answer.err
    answer = glassbench("leaderboard", "build", f"out={tmp_path / 'site'}", "url=example.org")
    assert answer.code == 2 and "https://" in answer.err


def test_explain_names_the_runs_that_there_are(glassbench, home, make_record):
    answer = glassbench("explain", "nothing")
    assert answer.code == 2 and "there is no run `nothing`" in answer.err
    answer = glassbench("explain")
    assert answer.code == 2 and "glassbench runs" in answer.err
    home.joinpath("records").mkdir(parents=True)
    for name in ("a", "b"):
        path = home / "records" / f"{name}.json"
        path.write_text(json.dumps(make_record(model="botan")), encoding="utf-8")
    answer = glassbench("explain", "botan")
    assert answer.code == 2 and "2 records" in answer.err
    answer = glassbench("explain", "a", "curve=perhaps")
    assert answer.code == 2
