"""The board: records are added after every check, superseded, and never overwritten."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.plugins.registry import load_task
from glassbench.record.record import read_record
from glassbench.submission.accept import add_record
from glassbench.submission.bundle import SubmissionError, open_bundle
from glassbench.submission.record_check import check_model, check_record_file
from glassbench.submission.sandbox.bounded import write_archive

from .handing_in import HONEST, hand_in, write_model


@pytest.fixture
def board(tmp_path):
    folder = tmp_path / "board"
    (folder / "records").mkdir(parents=True)
    return folder


def altered(archive, path, change) -> object:
    """Write an archive again with changed members."""
    with zipfile.ZipFile(archive) as file:
        files = {name: file.read(name) for name in file.namelist()}
    change(files)
    write_archive(path, files)
    return path


def tree(folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_record_is_added_with_its_model_and_predictions_and_checked_there(archive, how, board):
    accepted = add_record(archive, how, board)
    record, findings = check_record_file(accepted.path, how)
    assert all(finding.passed for finding in findings), [str(f) for f in findings]
    assert record["supersedes"] is None and record["status"] == "measured"
    model = board / "models" / record["model"]["digest"]
    assert (model / "model.toml").is_file() and (model / "README.md").is_file()


def test_the_same_record_changes_nothing(archive, how, board):
    add_record(archive, how, board)
    before = tree(board)
    again = add_record(archive, how, board)
    assert not again.new
    assert tree(board) == before


def test_a_new_version_supersedes_and_the_old_record_stays(
    archive, how, board, tmp_path, workspace
):
    first = add_record(archive, how, board)
    before = tree(board)
    folder = write_model(tmp_path / "second", HONEST.replace("/ 1.2", "/ 1.1"))
    second = add_record(hand_in(folder, workspace, tmp_path / "second.zip"), how, board)
    assert second.superseded == first.path.stem
    assert read_record(second.path).supersedes == first.path.stem
    assert before.items() <= tree(board).items()


@pytest.mark.attempt("another's name")
@pytest.mark.parametrize(
    ("name", "author", "reason"),
    [
        ("mine", "Mallory", "none of whom is an author"),
        ("botan", "Ada", "is the name of a baseline"),
    ],
)
def test_anothers_name_cannot_be_taken(
    name, author, reason, archive, how, board, tmp_path, workspace
):
    add_record(archive, how, board)
    before = tree(board)
    folder = write_model(tmp_path / "thief", HONEST + "\n# mine\n", name, author)
    stolen = hand_in(folder, workspace, tmp_path / "thief.zip")
    try:
        accepted = add_record(stolen, how, board)
    except SubmissionError as error:
        message = str(error)
    else:
        message = " ".join(map(str, accepted.results))
        assert accepted.path is None
    assert reason in message
    assert tree(board) == before


def test_a_record_in_the_way_is_not_overwritten(archive, how, board):
    path = add_record(archive, how, board).path
    record = read_record(path).to_json()
    record["created"] = "2026-01-01T00:00:00+00:00"
    path.write_text(json.dumps(record))
    with pytest.raises(SubmissionError, match="no record is overwritten"):
        add_record(archive, how, board)
    assert json.loads(path.read_text()) == record


def test_authors_replace_a_record_whose_model_is_not_on_the_board(
    archive, how, board, tmp_path, workspace, monkeypatch
):
    """The board ships records alone: the owners are those of the installed model of that name."""
    import shutil

    from glassbench.contract.model_card import read_model_card
    from glassbench.submission import board as of_board

    first = add_record(archive, how, board)
    shutil.rmtree(board / "models")
    folder = write_model(tmp_path / "second", HONEST.replace("/ 1.2", "/ 1.1"))
    second = hand_in(folder, workspace, tmp_path / "second.zip")
    record = json.loads(first.path.read_text())
    record["model"].pop("authors", None)
    first.path.write_text(json.dumps(record))
    with pytest.raises(SubmissionError, match="by unknown authors"):
        add_record(second, how, board)
    installed = read_model_card(write_model(tmp_path / "installed"))
    monkeypatch.setattr(of_board, "whole_models", lambda: [installed])
    assert add_record(second, how, board).superseded == first.path.stem


def test_a_shipped_record_holds_as_far_as_it_can_be_checked(how):
    """Of an older protocol, or without its model, it says so in one line."""
    from glassbench.home.workspace import content_folder

    shipped = sorted((content_folder("leaderboard") / "records").glob("*.json"))
    # Its signature would be of a key that this test does not trust.
    path = next(p for p in shipped if '"verification"' not in p.read_text(encoding="utf-8"))
    record, results = check_record_file(path, how)
    assert record is not None
    assert all(result.passed is not False for result in results), list(map(str, results))
    unchecked = [result.message for result in results if result.passed is None]
    present = load_task(record["task"]["name"]).protocol_version
    if record["task"]["protocol_version"] != present:
        assert len(unchecked) == 1 and "run the model again" in unchecked[0]


def test_a_record_whose_model_is_nowhere_says_so_in_one_line(archive, how, board):
    import shutil

    path = add_record(archive, how, board).path
    shutil.rmtree(board / "models")
    _, results = check_record_file(path, how)
    (unchecked,) = [result.message for result in results if result.passed is None]
    assert "not on this machine" in unchecked and "packed archive" in unchecked


def number_changed(files):
    record = json.loads(files["record.json"])
    score = record["conditions"][0]["scores"]["pearson_a"]
    score["value"] += 1e-6
    files["record.json"] = json.dumps(record).encode()


def interval_changed(files):
    record = json.loads(files["record.json"])
    record["conditions"][0]["scores"]["pearson_a"]["interval"][0] += 1e-6
    files["record.json"] = json.dumps(record).encode()


def ceiling_changed(files):
    record = json.loads(files["record.json"])
    record["conditions"][0]["ceiling"]["pearson_a"]["value"] += 1e-6
    files["record.json"] = json.dumps(record).encode()


def called_verified(files):
    record = json.loads(files["record.json"])
    record["status"] = "verified"
    files["record.json"] = json.dumps(record).encode()


def predictions_changed(files):
    (name,) = [n for n in files if n.startswith("predictions/")]
    files[name] = files[name][:-200] + bytes(100) + files[name][-100:]


def model_changed(files):
    files["model/model.py"] += b"\n# better\n"


def dataset_changed(files):
    record = json.loads(files["record.json"])
    record["dataset"]["digest"] = "0" * 64
    files["record.json"] = json.dumps(record).encode()


def collective_metrics_left_out(files, kept=()):
    """Leave out all collective metrics but those that are kept."""
    record = json.loads(files["record.json"])
    for entry in record["conditions"]:
        for name in {"spread_a", "s4_a", "xi4_a", "chi4_a"} - set(kept):
            del entry["scores"][name], entry["ceiling"][name], entry["truth"][name]
        if not entry["truth"]:
            del entry["truth"]
    files["record.json"] = json.dumps(record).encode()


def one_collective_metric_chosen(files):
    collective_metrics_left_out(files, kept=["spread_a"])


def link_added(files):
    files["model/../../escaped"] = b"x"


def deep_json(files):
    files["record.json"] = b"[" * 10**6


def endless_toml(files):
    files["model/model.toml"] = b"a = " + b"[" * 10**5


def long_toml(files):
    files["model/model.toml"] += b"# " + b"x" * 10**6


def two_seeds_of_one(files):
    record = json.loads(files["record.json"])
    record["seeds"] = [0, 0]
    files["record.json"] = json.dumps(record).encode()


def name_is_a_path(part, name):
    def change(files):
        record = json.loads(files["record.json"])
        record[part]["name"] = name
        files["record.json"] = json.dumps(record).encode()

    change.__name__ = f"{part}_is_{name}"
    return change


def predictions_are_nan(files):
    """Write NaN where no metric looks, under the digest of what is written."""
    import hashlib
    import io

    (name,) = [n for n in files if n.startswith("predictions/")]
    with np.load(io.BytesIO(files.pop(name))) as stored:
        arrays = dict(stored)
    place = next(n for n in arrays if n.endswith("/configuration")).rpartition("/")[0]
    number = len(arrays[f"{place}/configuration"])
    arrays[f"{place}/bond_breaking"] = np.full((number, 3), np.nan)
    written = io.BytesIO()
    np.savez(written, **arrays)
    digest = hashlib.sha256(written.getvalue()).hexdigest()
    files[f"predictions/{digest}.npz"] = written.getvalue()
    record = json.loads(files["record.json"])
    for entry in record["predictions"]:
        entry["sha256"] = digest
    files["record.json"] = json.dumps(record).encode()


PATHS = [
    name_is_a_path("task", "./ka_propensity"),
    name_is_a_path("task", "/tmp/ka_propensity"),
    name_is_a_path("dataset", "~/Downloads/x.zip"),
    name_is_a_path("dataset", "../tiny"),
    name_is_a_path("dataset", "tiny\n"),
]
CHANGES = (
    *PATHS, predictions_are_nan, number_changed, interval_changed, ceiling_changed,
    called_verified, predictions_changed, model_changed, dataset_changed, link_added, deep_json,
    endless_toml, long_toml, two_seeds_of_one, one_collective_metric_chosen,
    collective_metrics_left_out,
)  # fmt: skip


@pytest.mark.attempt("a record or an archive was altered")
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_altered_is_refused_and_leaves_the_board_alone(
    change, archive, how, board, tmp_path
):
    evil = altered(archive, tmp_path / "evil.zip", change)
    before = sorted(tmp_path.rglob("*"))
    try:
        accepted = add_record(evil, how, board)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert accepted.path is None
        wrong = [str(result) for result in accepted.results if result.passed is False]
        assert wrong
        if change in PATHS:
            assert "a name has up to" in wrong[0]
        if change is predictions_are_nan:
            assert "not finite" in wrong[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_was_run_on_other_data_says_on_which(archive, workspace, tmp_path):
    for asked, message in (
        ({"dataset": "tinny"}, "with dataset=tinny, but with task=ka_propensity dataset=tiny: run"),
        ({"task": "cuzr_stiffness"}, "with task=cuzr_stiffness, but with task=ka_propensity"),
        ({"record": "of_another"}, "there is no record `of_another` of"),
    ):
        with pytest.raises(SubmissionError, match=message):
            with open_bundle(tmp_path / "mine", workspace, **asked):
                pass
    (record,) = workspace.records.glob("*.json")
    with open_bundle(tmp_path / "mine", workspace, record=str(record)) as bundle:
        assert bundle.record == json.loads(record.read_text())
    card = tmp_path / "mine" / "model.toml"
    card.write_text(card.read_text().replace("A stranger's model", "A better title"))
    with open_bundle(tmp_path / "mine", workspace) as bundle:
        with pytest.raises(SubmissionError, match="has 'A better title': run and pack it again"):
            check_model(bundle)
    (tmp_path / "mine" / "model.py").write_text(HONEST + "\n# changed since\n")
    with pytest.raises(SubmissionError, match="as it is in .*: run it first"):
        with open_bundle(tmp_path / "mine", workspace):
            pass


def test_a_flipped_bit_is_found_or_changes_nothing_that_is_read(archive, how, tmp_path):
    data = archive.read_bytes()
    untouched, _ = check_record_file(archive, how)
    for place in np.linspace(100, len(data) - 100, 20).astype(int):
        changed = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        path = tmp_path / "changed.zip"
        path.write_bytes(changed)
        record, findings = check_record_file(path, how)
        refused = record is None or not all(finding.passed for finding in findings)
        assert refused or record == untouched


def test_only_a_verified_record_takes_the_place_of_a_verified_one(
    archive, how, board, tmp_path, workspace, key
):
    from glassbench.submission.signature import sign_record

    first = add_record(archive, how, board)
    record = read_record(first.path).to_json()
    environment = record["provenance"]["environments"][0]["packages"]["sha256"]
    verification = {
        "by": "tester", "mode": "weights", "labels": "public", "sandbox": "bubblewrap 0.8",
        "walls": {}, "largest_difference": 0.0, "submitted": "0" * 64,
        "environment": environment, "public_key": "", "signature": "",
    }  # fmt: skip
    signed = sign_record(record | {"status": "verified", "verification": verification}, key)
    verified = add_record(
        altered(archive, tmp_path / "v.zip", lambda files: files.update(
            {"record.json": json.dumps(signed).encode()}
        )), how, board,
    )  # fmt: skip
    assert verified.superseded == first.path.stem
    folder = write_model(tmp_path / "second", HONEST.replace("/ 1.2", "/ 1.1"))
    later = add_record(hand_in(folder, workspace, tmp_path / "second.zip"), how, board)
    assert later.path is not None and later.superseded is None


@pytest.mark.attempt("another's name")
@pytest.mark.parametrize("name", ["Mine", "m1ne", "mi_ne", "b0tan"])
def test_a_name_that_could_be_taken_for_anothers_is_refused(
    name, archive, how, board, tmp_path, workspace
):
    add_record(archive, how, board)
    before = tree(board)
    alike = hand_in(write_model(tmp_path / "x", HONEST, name), workspace, tmp_path / "x.zip")
    with pytest.raises(SubmissionError, match="could be taken for"):
        add_record(alike, how, board)
    assert tree(board) == before


def test_a_record_put_on_a_board_by_hand_is_checked_for_its_owner(
    archive, how, board, tmp_path, workspace
):
    """A pull request may bring the files of a record; the names of others stay theirs."""
    import shutil

    add_record(archive, how, board)
    other = tmp_path / "other"
    folder = write_model(tmp_path / "thief", HONEST + "\n# more\n", "mine", "Mallory")
    stolen = add_record(hand_in(folder, workspace, tmp_path / "thief.zip"), how, other)
    shutil.copytree(other, board, dirs_exist_ok=True)
    _, results = check_record_file(board / "records" / stolen.path.name, how)
    (wrong,) = [result for result in results if not result.passed]
    assert wrong.name == "owner" and "none of whom is an author" in wrong.message


def test_a_record_that_takes_the_place_of_a_newer_one_is_refused(archive, how, board):
    old = add_record(archive, how, board).path
    record = json.loads(old.read_text())
    new = old.with_name("new.json")
    new.write_text(json.dumps(record | {"created": "2999-01-01T00:00:00+00:00"}))
    old.write_text(json.dumps(record | {"supersedes": "new"}))
    (result,) = check_record_file(old, how)[1]
    assert not result.passed and "takes the place of new, which is newer" in result.message


@pytest.mark.attempt("links beside a record")
@pytest.mark.parametrize("part", ["models", "predictions"])
def test_links_beside_a_record_are_refused_and_not_followed(part, archive, how, board, tmp_path):
    path = add_record(archive, how, board).path
    with open(tmp_path / "endless", "wb") as file:
        file.truncate(2**42)
    shipped = next((board / "predictions").iterdir())
    link = next((board / "models").iterdir()) / "w.npz" if part == "models" else shipped
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "endless")
    (result,) = check_record_file(path, how)[1]
    assert not result.passed and "is a link" in result.message


def test_the_authors_of_a_record_are_those_of_its_model(archive, how, tmp_path):
    def renamed(files):
        record = json.loads(files["record.json"])
        record["model"]["authors"] = ["Mallory"]
        files["record.json"] = json.dumps(record).encode()

    _, results = check_record_file(altered(archive, tmp_path / "a.zip", renamed), how)
    assert any("model/authors" in r.message for r in results if r.passed is False)
