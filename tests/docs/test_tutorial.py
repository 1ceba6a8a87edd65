"""Every command of the tutorial is run, in its order, and does what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from glassbench.cli import main
from glassbench.record.record import read_record
from glassbench.submission.sandbox.engines import choose_engine
from glassbench.submission.sandbox.limits import SandboxError
from glassbench.submission.sandbox.walls import try_engine

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"


def commands() -> list[str]:
    """Return the lines of all shell blocks of the page."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def sandbox():
    try:
        try_engine(choose_engine()).require()
    except SandboxError as error:
        pytest.skip(str(error))


def test_the_page_begins_with_the_installation_of_this_repository():
    first, *rest = commands()
    assert first == "pip install -c constraints.txt -e ."
    assert (ROOT / "constraints.txt").is_file() and (ROOT / "pyproject.toml").is_file()
    assert all(command.startswith("glassbench ") for command in rest)


@pytest.mark.usefixtures("without_tracking")
def test_every_command_of_the_page_works(sandbox, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLASSBENCH_HOME", str(tmp_path / "home"))
    for command in commands()[1:]:
        with pytest.raises(SystemExit) as left:
            main(shlex.split(command)[1:])
        output = capsys.readouterr()
        assert not left.value.code, f"{command}\n{output.out}\n{output.err}"
    (record,) = (tmp_path / "board" / "records").glob("*.json")
    assert read_record(record)["model"]["name"] == "my_model"
    assert (tmp_path / "verified.zip").is_file()


def test_the_other_pages_name_commands_and_options_that_exist(capsys):
    """Each `glassbench …` in the text is a command, and each `word=` one of its options."""
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for words in re.findall(r"`?glassbench ((?:submission|record) \w+)", text):
            with pytest.raises(SystemExit) as left:
                main([*words.split(), "--help"])
            assert not left.value.code, words
            capsys.readouterr()
