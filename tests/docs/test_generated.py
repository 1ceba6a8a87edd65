"""What is generated is up to date, and the example of the README works as it stands there."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glassbench.cli import main
from glassbench.contract.schemas import schema_file

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = """
name = "crowding"
title = "A line in the number of neighbours"
authors = ["A. Reader"]
year = 2026
licence = "MIT"
entry = "model:Crowding"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"

[hyperparameters]
cutoff = 1.4
"""


def script(name: str):
    """Return a program of docs/make as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "make" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_results_is_made_from_the_records():
    assert (ROOT / "docs" / "results.md").read_text(encoding="utf-8") == script("results").page()


@pytest.mark.parametrize("name", ["record", "explanation", "leaderboard", "sweep"])
def test_the_published_schemas_are_those_of_the_models(name):
    published, schemas = schema_file(name).read_text(encoding="utf-8"), script("schemas")
    assert published == schemas.schema_text(schemas.MODELS[name]), "python docs/make/schemas.py"


def test_picture_and_table_of_the_rooms_follow_the_imports():
    rooms = script("rooms")
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.drawing()
    assert rooms.PAGE.read_text(encoding="utf-8") == rooms.page()


def test_a_run_crosses_at_most_40_files_which_the_docs_list(tiny_dataset):
    """One fit of botan on 108 particles takes the path of any other."""
    command = [sys.executable, str(ROOT / "benchmarks" / "path_of_a_run.py")]
    command += [f"dataset={tiny_dataset}", "time=5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    step = re.compile(r"^\d+\. (`.*`)$", re.M)
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    crossed = step.findall(done.stdout)
    assert len(crossed) <= 40
    assert sorted(crossed) == sorted(step.findall(page)), "python benchmarks/path_of_a_run.py"


def test_the_readme_has_at_most_120_lines_and_shows_the_scores_of_the_record():
    assert len(README.splitlines()) <= 120
    (path,) = (ROOT / "leaderboard" / "records").glob("ka_propensity-mini-botan-*.json")
    for entry in json.loads(path.read_text(encoding="utf-8"))["conditions"]:
        score = entry["scores"]["pearson_a"]
        low, high = score["interval"]
        assert f"{score['value']:.3f} [{low:.3f}, {high:.3f}]" in README


@pytest.mark.usefixtures("without_tracking")
def test_the_model_of_the_readme_runs_as_it_stands_there(tiny_dataset, tmp_path, capsys):
    (source,) = re.findall(r"```python\n(import numpy.*?)```", README, re.S)
    folder = tmp_path / "crowding"
    folder.mkdir()
    (folder / "model.py").write_text(source, encoding="utf-8")
    (folder / "model.toml").write_text(CARD, encoding="utf-8")
    words = f"run task=ka_propensity model={folder} time=5 cluster=none floors=off --json"
    with pytest.raises(SystemExit) as left:
        main([*words.split(), f"dataset={tiny_dataset}", f"home={tmp_path / 'home'}"])
    assert not left.value.code
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["record"]["conditions"][0]["scores"]["pearson_a"]["value"] > 0.1


def test_the_site_of_the_documentation_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e '.[docs]'")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-3000:]
    assert "<math" in (tmp_path / "metrics" / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "tasks" / "ka_propensity" / "index.html").is_file()
