from __future__ import annotations

import json

import pytest

from ..submission.handing_in import hand_in, link_dataset, write_model


@pytest.fixture
def archive(home, tiny_dataset, tmp_path):
    """Return the packed submission of a stranger who ran it in the home of the test."""
    from glassbench.home.workspace import Workspace

    workspace = Workspace(home)
    link_dataset(tiny_dataset, workspace)
    return hand_in(write_model(tmp_path / "mine"), workspace, tmp_path / "mine.zip")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["submission", "new"], "one word, as `my_model`; 0 were given"),
        (["submission", "new", "a", "b"], "2 were given"),
        (["submission", "new", "x", "knd=numpy"], "did you mean `kind`?"),
        (["submission", "check", "./nowhere"], "there is no folder"),
        (["submission", "pack", "./nowhere"], "there is no submission"),
        (["submission", "verify", "x.zip"], "there is no key at"),
        (["record", "add", "x.zip", "bord=y"], "did you mean `board`?"),
    ],
)
def test_a_wrong_request_is_one_message(glassbench, words, message):
    answer = glassbench(*words)
    assert answer.code == 2
    assert message in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_new_makes_a_folder_and_says_how_to_check_it(glassbench, tmp_path):
    answer = glassbench("submission", "new", "mine", f"folder={tmp_path}", "--json")
    plain = json.loads(answer.out)
    assert plain["files"] == ["README.md", "model.py", "model.toml", "test_mine.py"]
    again = glassbench("submission", "new", "mine", f"folder={tmp_path}")
    assert again.code == 2 and "exists already" in again.err


def test_a_folder_is_packed_verified_by_its_scores_and_taken_onto_a_board(
    glassbench, archive, tmp_path
):
    packed = tmp_path / "packed.zip"
    answer = glassbench("submission", "pack", str(tmp_path / "mine"), f"out={packed}", "--json")
    assert answer.code == 0 and json.loads(answer.out)["weights"] == 1
    assert packed.read_bytes() == archive.read_bytes()
    checked = glassbench("record", "verify", str(packed), "--json")
    assert checked.code == 0, checked.err
    assert json.loads(checked.out)["status"] == "measured"
    added = glassbench("record", "add", str(packed), f"board={tmp_path / 'board'}")
    assert added.code == 0 and "/records/ka_propensity-tiny-mine-" in added.out
    again = glassbench("record", "add", str(packed), f"board={tmp_path / 'board'}")
    assert "nothing was changed" in again.out


def test_what_does_not_hold_leaves_with_1(glassbench, archive, tmp_path):
    archive.write_bytes(archive.read_bytes()[:-100])
    answer = glassbench("record", "verify", str(archive))
    assert answer.code == 1
    assert "FAILED  file" in answer.out and "does not hold" in answer.out


def test_a_key_is_made_once(glassbench, home):
    first = json.loads(glassbench("record", "key", "name=ada", "--json").out)
    assert first["name"] == "ada"
    assert glassbench("record", "key").code == 2


def test_records_of_a_board_are_scored_again_from_what_lies_beside_them(
    glassbench, archive, tmp_path
):
    board = tmp_path / "board"
    glassbench("record", "add", str(archive), f"board={board}")
    (predictions,) = (board / "predictions").iterdir()
    assert predictions.name.endswith(".npz.xz")
    (tmp_path / "home" / "trials").rename(tmp_path / "elsewhere")
    answer = glassbench("record", "verify", str(board / "records"), "strict=on")
    assert answer.code == 0 and "1 records in" in answer.out, answer.out
    assert "1 hold in all that they say, 0 of them verified; 0 do not hold" in answer.out

    content = predictions.read_bytes()
    predictions.unlink()
    answer = glassbench("record", "verify", str(board / "records"))
    assert answer.code == 0 and "neither shipped with the record nor on this machine" in answer.out
    assert "1 could not be checked in full" in answer.out
    assert glassbench("record", "verify", str(board / "records"), "strict=on").code == 1

    for broken in (content[:-20], b"", content[:100] + b"\0" * 20 + content[120:], b"\xfd7zXZ\0"):
        predictions.write_bytes(broken)
        answer = glassbench("record", "verify", str(board / "records"), "--json")
        assert answer.code == 1
        (entry,) = [json.loads(answer.out)]
        assert entry["records"][0]["holds"] is False


def test_a_folder_without_records_is_named(glassbench, tmp_path):
    answer = glassbench("record", "verify", str(tmp_path))
    assert answer.code == 2 and "no record in" in answer.err
