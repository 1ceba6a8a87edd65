"""A digest covers what a trial runs, and a spelling mistake costs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.folder_digest import (
    folder_digest,
    imported_helpers,
    plugin_files,
    uncounted_imports,
)
from glassbench.contract.model_card import read_model_card
from glassbench.plugins.registry import whole_models

CARD = """\
name = "toy"
title = "A toy"
authors = ["A. Author"]
year = 2024
licence = "MIT"
entry = "model:Toy"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"

[hyperparameters]
width = 3

[defaults.ka_propensity.mini]
width = 4
"""
CODE = "from glassbench.structure import neighbour_pairs\n\n\nclass Toy: ...\n"


@pytest.fixture
def model(tmp_path) -> Path:
    folder = tmp_path / "toy"
    (folder / "weights").mkdir(parents=True)
    (folder / "model.toml").write_text(CARD)
    (folder / "model.py").write_text(CODE)
    (folder / "helper.py").write_text("SIGN = 1\n")
    (folder / "weights" / "mini.npz").write_bytes(b"weights")
    (folder / "README.md").write_text("# A tyo\n")
    (folder / "picture.png").write_bytes(b"picture")
    (folder / "test_toy.py").write_text("def test(): ...\n")
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("README.md", "tyo", "toy"),
        ("picture.png", "picture", "other"),
        ("test_toy.py", "...", "pass"),
        ("model.toml", "A toy", "A very good toy"),
        ("model.toml", "A. Author", "B. Author"),
        ("model.toml", '["ka_propensity"]', '["ka_propensity", "cuzr_stiffness"]'),
        ("model.toml", "width = 4", "width = 5"),
        ("model.toml", "width = 3", "width = 6"),
        ("model.toml", "[hyperparameters]", "# a remark\n\n[hyperparameters]"),
    ],
)
def test_what_people_read_costs_nothing(model, file, old, new):
    before = folder_digest(model)
    text = (model / file).read_text()
    assert old in text
    (model / file).write_text(text.replace(old, new, 1))
    assert folder_digest(model) == before
    assert read_model_card(model).digest == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("model.py", "...", "pass"),
        ("helper.py", "1", "-1"),
        ("weights/mini.npz", "weights", "Weights"),
        ("model.toml", '"thermal"', '"inherent"'),
        ("model.toml", '"one"', '"all"'),
        ("model.toml", "model:Toy", "model:Other"),
        ("model.toml", '"toy"', '"other"'),
    ],
)
def test_what_a_trial_runs_counts(model, file, old, new):
    before = folder_digest(model)
    text = (model / file).read_text()
    assert old in text
    (model / file).write_text(text.replace(old, new, 1))
    assert folder_digest(model) != before


def test_a_new_file_and_a_new_name_count(model):
    before = folder_digest(model)
    (model / "helper.py").rename(model / "helpers.py")
    renamed = folder_digest(model)
    (model / "table.csv").write_text("1,2\n")
    assert len({before, renamed, folder_digest(model)}) == 3


def test_what_tools_leave_behind_is_no_file_of_a_plugin(model):
    names = [name for name, _ in plugin_files(model)]
    before = folder_digest(model)
    (model / "__pycache__").mkdir()
    (model / "__pycache__" / "model.pyc").write_bytes(b"x")
    (model / ".cache").write_text("x")
    assert [name for name, _ in plugin_files(model)] == names == sorted(names)
    assert folder_digest(model) == before


def test_a_linked_folder_counts_with_its_files_and_no_loop_is_followed(model, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "constants.py").write_text("SIGN = 1.0\n")
    (model / "lib").symlink_to(shared)
    before = folder_digest(model)
    (shared / "constants.py").write_text("SIGN = -1.0\n")
    assert folder_digest(model) != before
    assert "lib/constants.py" in [name for name, _ in plugin_files(model)]
    (model / "lib").unlink()
    (model / "lib").symlink_to(model)
    with pytest.raises(UserError, match="a link to a folder that it lies in"):
        folder_digest(model)


@pytest.fixture
def installed(tmp_path) -> Path:
    """A package with a model that takes a helper from elsewhere in the package."""
    package = tmp_path / "site" / "myglass"
    folder = package / "models" / "depend"
    folder.mkdir(parents=True)
    for name in (package, package / "models"):
        (name / "__init__.py").write_text("")
    (package / "common.py").write_text("from .signs import SIGN\nimport numpy\n")
    (package / "signs.py").write_text("SIGN = 1.0\n")
    (package / "unused.py").write_text("")
    (folder / "model.toml").write_text(CARD)
    (folder / "model.py").write_text("def fit():\n    from myglass.common import SIGN\n" + CODE)
    return folder


def test_helpers_of_an_installed_package_count(installed):
    files = [path for _, path in plugin_files(installed)]
    assert set(imported_helpers(installed, files)) == {"myglass", "myglass.common", "myglass.signs"}
    package = installed.parents[1]
    before = folder_digest(installed)
    (package / "unused.py").write_text("X = 1\n")
    assert folder_digest(installed) == before
    (package / "signs.py").write_text("SIGN = -1.0\n")
    assert folder_digest(installed) != before


def test_data_that_an_installed_package_ships_count(installed):
    package, before = installed.parents[1], folder_digest(installed)
    (package / "README.md").write_text("no data")
    assert folder_digest(installed) == before
    (package / "signs.json").write_text("1")
    after = folder_digest(installed)
    assert after != before
    (package / "signs.json").write_text("-1")
    assert folder_digest(installed) not in (before, after)
    # A model that does not name the package has none of its data.
    (installed / "model.py").write_text(CODE)
    alone = folder_digest(installed)
    (package / "signs.json").unlink()
    assert folder_digest(installed) == alone


def test_helpers_of_an_installed_package_without_init_files_count(installed, monkeypatch):
    package = installed.parents[1]
    for file in package.rglob("__init__.py"):
        file.unlink()
    monkeypatch.syspath_prepend(package.parent)
    before = folder_digest(installed)
    (package / "signs.py").write_text("SIGN = -1.0\n")
    assert folder_digest(installed) != before


def test_modules_that_do_not_count_are_named(model, installed, tmp_path, monkeypatch):
    (tmp_path / "aside.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    imports = "import aside, os, json.decoder, numpy.linalg, sys, nowhere\nfrom . import helper\n"
    (model / "model.py").write_text(imports + CODE)
    assert uncounted_imports(model) == {"aside": str(tmp_path / "aside.py")}
    monkeypatch.syspath_prepend(installed.parents[2])
    assert uncounted_imports(installed) == {}


@pytest.mark.parametrize("source", ["x = " + "-" * 100_000 + "1", "x = a" + ".b" * 30_000])
def test_a_source_that_is_nested_too_deeply_names_no_imports(source, model):
    (model / "deep.py").write_text(source)
    assert uncounted_imports(model) == {}


def test_models_of_the_house_have_digests_of_their_own():
    cards = whole_models()
    assert len({card.digest for card in cards}) == len(cards)
