from __future__ import annotations

import json
import shutil

import pytest

from glassbench.cli import doctor
from glassbench.home.workspace import Workspace


@pytest.fixture
def findings(home, monkeypatch):
    """Return a function that examines this machine, without the checks that are slow to import."""
    for slow in ("_gpu", "_ray", "_lammps"):
        monkeypatch.setattr(doctor, slow, lambda: (doctor.OK, "-"))

    def examine(workspace: Workspace | None = None) -> dict[str, doctor.Finding]:
        return {f.check: f for f in doctor.examine(workspace or Workspace(home))}

    return examine


def test_versions_and_places_are_told(findings, home):
    found = findings()
    assert found["torch"].detail.startswith("2.")
    assert str(home) in found["workspace"].detail
    assert str(home / "mlflow.db") in found["mlflow"].detail
    assert "ka_propensity" in found["tasks"].detail


def test_a_check_that_fails_does_not_hide_the_others(findings, monkeypatch):
    def fail():
        raise OSError("no such disk")

    monkeypatch.setattr(doctor, "_processor", fail)
    found = findings()
    assert found["processor"].state == doctor.BROKEN
    assert "OSError: no such disk" in found["processor"].detail
    assert found["numpy"].state == doctor.OK


def test_a_missing_package_comes_with_the_command_that_installs_it(findings, monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    found = findings()["no-such-package"]
    assert (found.state, found.remedy) == (doctor.BROKEN, "`pip install no-such-package`")


def test_a_machine_without_a_compiler_hears_how_to_get_one(findings, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = findings()["compiler"]
    assert found.state == doctor.ABSENT
    assert "g++" in found.remedy


def test_a_workspace_that_cannot_be_written_is_broken(findings, tmp_path):
    (tmp_path / "file").touch()
    found = findings(Workspace(tmp_path / "file" / "home"))["workspace"]
    assert found.state == doctor.BROKEN
    assert "GLASSBENCH_HOME" in found.remedy


def test_the_exit_code_says_whether_something_is_broken(glassbench, monkeypatch):
    whole = doctor.Finding("a", doctor.OK, "here")
    absent = doctor.Finding("b", doctor.ABSENT, "not here", "get it")
    monkeypatch.setattr(doctor, "examine", lambda workspace: [whole, absent])
    answer = glassbench("doctor")
    assert answer.code == 0
    assert answer.out.splitlines() == ["a  here", "b  ABSENT: not here. get it"]
    monkeypatch.setattr(
        doctor, "examine", lambda workspace: [doctor.Finding("c", doctor.BROKEN, "cracked")]
    )
    answer = glassbench("doctor", "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["findings"][0]["state"] == "broken"
