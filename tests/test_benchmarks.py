"""One command prints what is measured side by side; its rows are of the other scripts."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def table():
    specification = importlib.util.spec_from_file_location("all_benchmarks", FOLDER / "all.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_each_row_is_made_by_a_script_that_is_there(table):
    for function, script in table.ROWS.values():
        assert callable(function) and (FOLDER / script).is_file()


def test_peers_stand_beside_ours_and_those_that_are_not_installed_are_named(
    table, monkeypatch, capsys
):
    measured = [
        {"measure": "D2min, 4.5 A", "program": "glassbench 0.1", "us": 10.0},
        {"measure": "D2min, 4.5 A", "program": "ovito 3", "us": 5.0},
        {"measure": "radical Voronoi", "program": "glassbench 0.1", "us": 40.0},
        {"measure": "RDF, 40 bins", "program": "glassbench 0.1", "us": 1.0},
    ]
    monkeypatch.setattr(table, "output_of", lambda script, *words: json.dumps(measured))
    monkeypatch.setattr(sys, "argv", ["all.py", "voronoi"])
    table.main()
    machine, header, title, first, second = capsys.readouterr().out.splitlines()
    assert "cores" in machine and "ratio" in header and "structure_functions.py" in title
    assert first.split()[-3:] == ["3", "5", "0.50"]
    assert second.split()[-4:] == ["ovito", "is", "not", "installed"]


def test_a_script_that_fails_leaves_the_other_rows(table, monkeypatch, capsys):
    def fail(script, *words):
        raise RuntimeError("no such file")

    monkeypatch.setattr(table, "output_of", fail)
    monkeypatch.setattr(sys, "argv", ["all.py", "density", "pages"])
    table.main()
    assert capsys.readouterr().out.count("not measured: no such file") == 2


def test_a_wrong_row_is_refused():
    words = [sys.executable, str(FOLDER / "all.py"), "voronio"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1 and "no row voronio: there are waits, overhead" in done.stderr
