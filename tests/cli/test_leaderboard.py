"""`glassbench leaderboard` and `glassbench explain` at the command line."""

from __future__ import annotations

import hashlib
import json
import re


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


def test_a_release_is_a_frozen_folder_with_the_digest_of_every_file(
    glassbench, make_record, tmp_path
):
    folder, out = tmp_path / "records", tmp_path / "out"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(make_record()), encoding="utf-8")
    words = (f"records={folder}", f"out={out}", "url=https://glass.example/")
    answer = glassbench("leaderboard", "release", "2026.11", *words, "--json")
    assert answer.code == 0
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    told = json.loads(answer.out)["manifest_sha256"]
    assert told == hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert (manifest["version"], manifest["records"]) == ("2026.11", 1)
    assert manifest["sha256"] == {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    # Permalinks lead below the version; what pages load lies beside them.
    for name in ("task/ka_propensity.html", "export/ka_propensity.tex", "feed.xml"):
        text = (out / name).read_text(encoding="utf-8").replace(r"\allowbreak{}", "")
        assert "https://glass.example/2026.11/" in text
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loads = re.findall(
            r'<(?:script|img|link rel="(?:icon|style)[^>]*) [^>]*(?:src|href)="([^"]+)"', text
        )
        assert loads and all((page.parent / load).resolve().is_file() for load in loads)
    # Nothing changes it: neither a second release nor a build into its folder.
    before = {path: path.read_bytes() for path in files}
    again = glassbench("leaderboard", "release", "2026.11", *words)
    assert again.code == 2 and "a release is never changed" in again.err
    build = glassbench("leaderboard", "build", f"records={folder}", f"out={out}")
    assert build.code == 2 and "holds files that no build made" in build.err
    assert before == {path: path.read_bytes() for path in files}


def test_a_release_has_a_version_that_is_a_name(glassbench, tmp_path):
    for words in ((), ("../up",), ("a b",), ("",), ("x" * 40,)):
        answer = glassbench("leaderboard", "release", *words, f"out={tmp_path / 'out'}")
        assert answer.code == 2 and "version" in answer.err
    assert not (tmp_path / "out").exists()


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
