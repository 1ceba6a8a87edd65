"""Files named as hyperparameters mean their content, not their place."""

from __future__ import annotations

import pytest

from glassbench.contract.errors import UserError
from glassbench.home.workspace import Workspace, find_given_files, keep_given_files


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "home")


def test_a_file_is_kept_by_content_and_found_again(workspace, tmp_path):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"first")
    kept = keep_given_files({"pretrained": str(weights), "p": 0.4}, workspace)
    assert kept["p"] == 0.4 and kept["pretrained"].startswith("file:")
    weights.write_bytes(b"second")
    other = keep_given_files({"pretrained": str(weights)}, workspace)
    assert other["pretrained"] != kept["pretrained"]
    for values, content in ((kept, b"first"), (other, b"second")):
        with open(find_given_files(values, workspace)["pretrained"], "rb") as file:
            assert file.read() == content


def test_the_same_content_elsewhere_is_the_same(workspace, tmp_path):
    values = []
    for folder in ("one", "two"):
        path = tmp_path / folder / "weights.pth"
        path.parent.mkdir()
        path.write_bytes(b"same")
        values.append(keep_given_files({"pretrained": str(path)}, workspace))
    assert values[0] == values[1]
    assert keep_given_files(values[0], workspace) == values[0]


def test_words_and_folders_stay_what_they_are(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auto").write_text("a file that happens to have the name of a choice")
    values = {"precision": "auto", "place": str(tmp_path), "gone": "weights.pth", "layers": [1, 2]}
    assert keep_given_files(values, workspace) == values
    assert find_given_files(values, workspace) == values


def test_a_name_that_a_word_and_a_file_share_is_refused(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.model").write_text("weights")
    with pytest.raises(UserError, match=r"model\.kind=my\.model .* write \./my\.model"):
        keep_given_files({"kind": "my.model"}, workspace)
    assert keep_given_files({"kind": "./my.model"}, workspace)["kind"].endswith("/my.model")


@pytest.mark.parametrize(
    "name", ["0123456789abcdef/weights.pth", "../../etc/passwd", "../secret.bin", "", "x"]
)
def test_a_file_that_is_not_there_is_named(workspace, name):
    (workspace.given).mkdir(parents=True, exist_ok=True)
    (workspace.home / "secret.bin").write_text("of the maintainer")
    with pytest.raises(UserError, match=r"model\.pretrained is file:.*sha256 begins with"):
        find_given_files({"pretrained": f"file:{name}"}, workspace)
