"""The check says in plain words whether a submission would be accepted, and which line to mend."""

from __future__ import annotations

import json

import pytest

from glassbench.contract.errors import UserError
from glassbench.submission import check
from glassbench.submission.check import check_submission
from glassbench.submission.source import check_dependencies, check_licence, check_sources

from .handing_in import HONEST, write_model


def found(folder, workspace, **options) -> list:
    """Return the findings; the embedded data are too large for a test, so there is no trial."""
    return list(check_submission(folder, workspace, dataset="tiny", **options))


def failures(findings) -> list[str]:
    return [str(finding) for finding in findings if finding.passed is False]


def test_an_honest_model_would_be_accepted(engine, tmp_path, workspace):
    folder = write_model(tmp_path / "mine")
    findings = found(folder, workspace)
    assert failures(findings) == []
    names = [finding.name for finding in findings]
    assert names == [
        "files", "model.toml", "licence", "dependencies", "source", "import", "conformance",
        "asked from outside", "trial", "outside", "folder",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "changed", "where", "message"),
    [
        ('reads = ["thermal"]', 'reads = ["future"]', "model.toml:7", "is 'future'"),
        ('year = 2026', 'yaer = 2026', "model.toml:4", "unknown key `yaer`"),
        ('entry = "model:Stranger"', 'entry = "model"', "model.toml:6", "is not `module:Class`"),
        ('year = 2026', 'year = 2026 7', "model.toml:4", "not valid TOML"),
        ('licence = "MIT"', 'licence = "mine"', "model.toml:5", "no SPDX expression"),
        ('name = "mine"', 'name = "../x"', "model.toml:1", "`name` is '../x'"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_told_with_its_line(
    engine, line, changed, where, message, tmp_path, workspace, monkeypatch
):
    for name in ("_check_import", "_check_conformance", "_check_trial"):
        monkeypatch.setattr(check, name, lambda subject: [])
    folder = write_model(tmp_path / "mine")
    card = (folder / "model.toml").read_text().strip()
    assert line in card
    (folder / "model.toml").write_text(card.replace(line, changed))
    (finding,) = failures(found(folder, workspace))
    assert where in finding and message in finding


IMPORTING = {
    "print('hello')": "prints `hello`",
    "import os; os.environ['A'] = 'b'": "changes the environment variables",
    "open('/scratch/../opt/x', 'a') if False else None\nopen('/opt/x', 'a')": "writes '/opt/x'",
    "np.random.seed(0)": "changes the global random numbers of numpy",
    "import glassbench.metrics as m; m.ranking = m.score_configurations = print": "replaces",
    "import socket; s = socket.socket(); s.connect(('192.0.2.1', 9))": "connect",
}


@pytest.mark.parametrize("statement", IMPORTING)
def test_an_import_with_side_effects_is_told(engine, statement, tmp_path, workspace, monkeypatch):
    for name in ("_check_conformance", "_check_trial"):
        monkeypatch.setattr(check, name, lambda subject: [])
    guarded = f"try:\n    {statement.splitlines()[-1]}\nexcept OSError:\n    pass\n"
    folder = write_model(tmp_path / "mine", HONEST + "\n" + guarded)
    messages = failures(found(folder, workspace))
    assert any(IMPORTING[statement] in message for message in messages), messages
    if "open" in statement:
        assert any("model.py:" in message for message in messages)


def test_what_a_prediction_writes_outside_is_told_with_its_line(
    engine, tmp_path, workspace, monkeypatch
):
    monkeypatch.setattr(check, "_check_conformance", lambda subject: [])
    writing = (
        "    def predict(self, structures, condition):\n"
        "        try:\n"
        "            open('/var/notes.txt', 'w')\n"
        "        except OSError:\n"
        "            pass\n"
    )
    source = HONEST.replace("    def predict(self, structures, condition):\n", writing)
    folder = write_model(tmp_path / "mine", source)
    line = 1 + source.splitlines().index("            open('/var/notes.txt', 'w')")
    (message,) = failures(found(folder, workspace))
    assert f"model.py:{line}" in message and "/var/notes.txt" in message


# It writes the report of its own checks, and answers by the place of a particle in its array.
REPORTS_ITSELF = (
    HONEST.replace("crowding(s) @ self.w}", "crowding(s) @ self.w + np.arange(len(s.positions))}")
    + """

import glassbench.conformance.check as c

c.CHECKS.clear()
"""
)


def test_a_submission_that_writes_its_own_report_is_asked_from_outside(
    engine, tmp_path, workspace, monkeypatch
):
    monkeypatch.setattr(check, "_check_import", lambda subject: [])
    folder = write_model(tmp_path / "mine", REPORTS_ITSELF)
    (message,) = failures(found(folder, workspace))
    assert "asked from outside, permutation" in message and "another order" in message


def test_an_error_names_the_line_of_the_submission(engine, tmp_path, workspace):
    source = HONEST.replace("        self.w = np.linalg", "        self.w = np.linlag")
    folder = write_model(tmp_path / "mine", source)
    (message,) = failures(found(folder, workspace))
    assert "linlag" in message and "model.py:" in message


EXECUTING = {
    "import pickle\npickle.load(open('x', 'rb'))": "`pickle.load` executes",
    "import torch\ntorch.load('x')": "`torch.load` without weights_only=True",
    "from torch import load\nload('x', weights_only=False)": "`torch.load` without",
    "import numpy\nnumpy.load('x', allow_pickle=True)": "`numpy.load` without allow_pickle=False",
    "eval('1')": "`eval` executes",
    "import os as o\no.system('x')": "`os.system` executes",
    "def f(:\n": "line 1",
}


@pytest.mark.parametrize("source", EXECUTING)
def test_calls_that_execute_what_they_read_are_told_with_their_line(source, tmp_path):
    (tmp_path / "model.py").write_text(source)
    (finding,) = check_sources(tmp_path, ())
    assert finding.passed is False
    assert finding.where.startswith("model.py")
    assert EXECUTING[source] in finding.message


def test_safe_calls_pass(tmp_path):
    source = "import numpy as np, torch\nnp.load('x')\ntorch.load('x', weights_only=True)\n"
    (tmp_path / "model.py").write_text(source)
    (finding,) = check_sources(tmp_path, ())
    assert finding.passed


def test_an_undeclared_package_is_told_and_a_declared_one_is_taken(tmp_path):
    (tmp_path / "model.py").write_text("import numpy\nimport hypothesis\nimport no_such_package\n")
    undeclared = check_sources(tmp_path, ())
    assert [f.where for f in undeclared] == ["model.py:2", "model.py:3"]
    assert 'dependencies = ["hypothesis"]' in undeclared[0].message
    (other,) = check_sources(tmp_path, ("hypothesis>=6",))
    assert other.where == "model.py:3"


@pytest.mark.parametrize(
    ("text", "passed", "message"),
    [
        ("numpy>=1", True, "numpy"),
        ("numpy>=999", False, "is wanted"),
        ("no-such-package", False, "is not installed"),
        ("not a requirement", False, "is no requirement"),
    ],
)
def test_a_declared_dependency_is_looked_up_with_its_licence(text, passed, message):
    (finding,) = check_dependencies((text,), "model.toml:9")
    assert finding.passed is passed
    assert message in finding.message


def test_a_licence_is_an_spdx_expression():
    assert check_licence("Apache-2.0 OR MIT", "").passed
    assert not check_licence("do what you want", "").passed


def test_no_folder_is_a_message(tmp_path, workspace):
    with pytest.raises(UserError, match="there is no folder"):
        found(tmp_path / "nowhere", workspace)


def test_findings_are_plain_values(engine, tmp_path, workspace):
    folder = tmp_path / "empty"
    folder.mkdir()
    (finding,) = [f for f in found(folder, workspace) if f.passed is False]
    assert "holds no model.toml" in json.dumps(vars(finding))
