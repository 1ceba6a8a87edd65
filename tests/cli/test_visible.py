"""A stranger's words on a terminal: one line, that does nothing and hides nothing."""

from __future__ import annotations

import json
import logging
import unicodedata

import pytest

from glassbench.cli import lists
from glassbench.cli.output import say, write_json, write_lines
from glassbench.cli.progress import Display
from glassbench.contract.errors import HIDDEN, UserError, escaped, printable, visible
from glassbench.contract.model_card import parse_model_card
from glassbench.experiments.jobs import Event

ATTACKS = {
    "cursor": "\x1b[2J\x1b[1;1H", "clipboard": "\x1b]52;c;ZXZpbA==\x07", "C1": "\x9b31m\x85",
    "line": "x\nglassbench: verified by ada\r\nok    signature", "separator": "\u2028ok    scores",
    "order": "\u202eabc\u2066", "unseen": "a\u200bb\u00ad\U000e0041\ufeff\u3164",
    "delete": "\x7f\x08", "command": "\n::error::x", "old command": "##[add-mask]*",
    "indented": "  ::stop-commands::x", "hidden command": "\u200b::set-output name=x::y",
    "surrogate": "\udcff\ud800",
}  # fmt: skip


class Trial:
    name = "mine temperature=0.64 seed=0"


def is_harmless(text: str) -> bool:
    """Return whether all of a text is visible, and no line of it is a command."""
    lines = text.split("\n")
    return not any(
        HIDDEN.search(line) or line.lstrip().startswith("::") or "##[" in line for line in lines
    )


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_message_that_quotes_a_stranger_is_one_harmless_line(
    attack, glassbench, capsys, monkeypatch, home
):
    def wrong():
        raise UserError(attack)

    monkeypatch.setattr(lists, "list_tasks", wrong)
    answer = glassbench("tasks")
    assert answer.err.count("\n") == 1 and is_harmless(answer.err)

    def unexpected():
        raise RuntimeError(attack)

    monkeypatch.setattr(lists, "list_tasks", unexpected)
    answer = glassbench("tasks")
    assert answer.err.count("\n") == 3 and is_harmless(answer.err)
    (log,) = (home / "logs").iterdir()
    text = log.read_text()
    assert is_harmless(text)
    # What an error says is never a line like one of ours.
    assert not [line for line in text.splitlines() if line.startswith(("glassbench:", "ok "))]

    write_lines([attack, f"model  {attack}"])
    Display()(Event("failed", Trial(), message=attack))
    # As a warning is written where nobody has set up logging.
    logging.lastResort.handle(logging.makeLogRecord({"msg": attack, "levelno": 30}))
    output = capsys.readouterr()
    assert output.out.count("\n") == 2 and is_harmless(output.out)
    assert output.err.count("\n") == 2 and is_harmless(output.err)

    write_json({attack: [attack]})
    text = capsys.readouterr().out
    assert json.loads(text) == {attack: [attack]}
    assert not any(HIDDEN.search(line) for line in text.split("\n"))


@pytest.mark.parametrize("field", ["title", "licence", "authors", "hyperparameters"])
@pytest.mark.parametrize("attack", [a for n, a in ATTACKS.items() if n != "surrogate"])
def test_a_card_is_shown_harmless(field, attack, tmp_path, capsys):
    table = {
        "name": "mine", "title": "t", "authors": ["Ada"], "year": 2026, "licence": "MIT",
        "entry": "model:M", "reads": ["thermal"], "tasks": ["ka_propensity"],
        "conditions_per_fit": "one",
    }  # fmt: skip
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.py").write_text("class M: ...\n")
    table[field] = {"authors": ["x" + attack], "hyperparameters": {attack: attack}}.get(
        field, attack
    )
    try:
        write_lines(lists.model_lines(parse_model_card(table, folder)))
    except UserError as error:
        # Names of authors are refused when they are read.
        assert field == "authors"
        say(str(error))
    output = capsys.readouterr()
    assert is_harmless(output.out) and is_harmless(output.err) and output.out + output.err


def test_every_character_that_is_not_seen_is_known():
    """By the categories of Unicode; signs that are drawn around numbers may stay."""
    drawn = {*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    drawn |= set(range(0x13430, 0x13440))
    for code in range(0x110000):
        letter = chr(code)
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            assert HIDDEN.match(letter) or code in drawn, hex(code)


def test_what_people_write_stays():
    text = "Müller, Ørsted, 王小明, Ἀρχιμήδης: τ_α ≤ 10⁻³ σ — “q̇”, 𝜏 ✓\u00a0\u202f5"
    assert visible(text) == printable(text) == escaped(text) == text
