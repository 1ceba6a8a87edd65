from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path

import pytest

from glassbench.contract import checked, model_card
from glassbench.contract.errors import UserError
from glassbench.home import workspace
from glassbench.home.workspace import KINDS, content_folder
from glassbench.plugins import registry
from glassbench.plugins.registry import (
    list_models,
    list_tasks,
    load_model_card,
    load_model_class,
    load_task,
)

MODEL_TOML = """\
name = "{name}"
title = "A model"
authors = ["A. Author"]
year = 2024
licence = "MIT"
entry = "model:Guess"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"
"""
MODEL_PY = """\
from .helper import WHO

class Guess:
    who = WHO
    def fit(self, train, valid, run): ...
    def predict(self, structures, condition): ...
"""
REPOSITORY = Path(__file__).resolve().parents[2]


def _write_model(folder: Path, name: str, who: str = "", code: str = MODEL_PY) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(MODEL_TOML.format(name=name))
    (folder / "model.py").write_text(code)
    (folder / "helper.py").write_text(f"WHO = {who or name!r}\n")
    return folder


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a copy of the tasks and no models."""
    root = tmp_path / "checkout"
    (root / "glassbench").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    shutil.copytree(
        REPOSITORY / "tasks", root / "tasks", ignore=shutil.ignore_patterns("*.zip", "*.npz")
    )
    monkeypatch.setattr(workspace, "__file__", str(root / "glassbench" / "home" / "workspace.py"))
    return root


@pytest.fixture
def entry_points(monkeypatch):
    """Entry points that the test adds to those of the installed packages."""
    added: list[importlib.metadata.EntryPoint] = []
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [p for p in added if p.group == group]
    )
    return added


def test_the_folders_lie_beside_the_package_in_a_checkout_and_inside_it_in_a_wheel(tmp_path):
    checkout, wheel = tmp_path / "checkout", tmp_path / "site-packages"
    for package in (checkout / "glassbench", wheel / "glassbench"):
        package.mkdir(parents=True)
    (checkout / "pyproject.toml").touch()
    (wheel / "glassbench" / "_content" / "tasks").mkdir(parents=True)
    (wheel / "tasks").mkdir()  # a stranger's package of that name
    for kind in KINDS:
        assert content_folder(kind, checkout / "glassbench") == checkout / kind
        inside = wheel / "glassbench" / "_content" / kind
        assert content_folder(kind, wheel / "glassbench") == inside


def test_a_package_without_its_folders_says_so(tmp_path):
    with pytest.raises(UserError, match="install glassbench again"):
        content_folder("tasks", tmp_path / "glassbench")


def test_this_repository_is_a_checkout_with_a_task():
    assert content_folder("tasks") == REPOSITORY / "tasks"
    assert load_task("ka_propensity").folder == REPOSITORY / "tasks" / "ka_propensity"
    assert all(item.error is None for item in (*list_tasks(), *list_models()))


def test_models_come_from_baselines_submissions_paths_and_packages(
    checkout, tmp_path, monkeypatch, entry_points
):
    _write_model(checkout / "baselines" / "one", "one")
    _write_model(checkout / "submissions" / "two", "two")
    package = tmp_path / "site" / "installed_models"
    _write_model(package / "three", "three")
    (package / "__init__.py").write_text("raise RuntimeError('imported too early')\n")
    monkeypatch.syspath_prepend(str(package.parent))
    entry_points.append(
        importlib.metadata.EntryPoint("three", "installed_models.three", "glassbench.models")
    )
    own = _write_model(tmp_path / "own", "own")
    assert [(m.name, m.origin.split()[0]) for m in list_models()] == [
        ("one", "baselines"),
        ("three", "package"),
        ("two", "submissions"),
    ]
    assert load_model_card(str(own)).name == "own"
    assert load_model_card(own / "model.toml").folder == own
    assert load_model_class(load_model_card("three")).who == "three"


def test_a_task_comes_from_an_entry_point(checkout, tmp_path, monkeypatch, entry_points):
    folder = tmp_path / "site" / "installed_task"
    shutil.copytree(checkout / "tasks" / "ka_propensity", folder)
    toml = (folder / "task.toml").read_text()
    (folder / "task.toml").write_text(toml.replace('"ka_propensity"', '"other"', 1))
    monkeypatch.syspath_prepend(str(folder.parent))
    entry_points.append(
        importlib.metadata.EntryPoint("other", "installed_task", "glassbench.tasks")
    )
    names = [task.name for task in list_tasks()]
    assert "other" in names and "ka_propensity" in names
    assert load_task("other").folder == folder


def test_two_models_of_one_name_are_refused_with_both_places(checkout):
    first = _write_model(checkout / "baselines" / "one", "same")
    second = _write_model(checkout / "submissions" / "two", "same")
    with pytest.raises(UserError, match="two models are named `same`") as caught:
        load_model_card("same")
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)


def test_one_folder_that_is_found_twice_is_one_model(checkout, tmp_path, monkeypatch, entry_points):
    folder = _write_model(checkout / "submissions" / "mine", "mine")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine").symlink_to(folder)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    entry_points.append(importlib.metadata.EntryPoint("mine", "mine", "glassbench.models"))
    assert [model.name for model in list_models()] == ["mine"]


@pytest.mark.parametrize(
    "toml", ["name = ", "title = 'no name'\n", MODEL_TOML.format(name="bad") + "extra = 1\n"]
)
def test_a_broken_model_is_listed_with_the_reason_and_hides_no_other(checkout, toml):
    _write_model(checkout / "baselines" / "good", "good")
    bad = _write_model(checkout / "submissions" / "bad", "bad")
    (bad / "model.toml").write_text(toml)
    broken, whole = list_models()
    assert (whole.name, whole.error) == ("good", None)
    assert broken.name == "bad"
    assert str(bad / "model.toml") in broken.error
    assert load_model_card("good").name == "good"
    with pytest.raises(UserError, match="model `bad` cannot be used: .*model.toml"):
        load_model_card("bad")


def test_an_entry_point_to_nowhere_is_listed_as_broken(checkout, entry_points):
    entry_points.append(
        importlib.metadata.EntryPoint("gone", "no_such_package.gone", "glassbench.models")
    )
    (found,) = list_models()
    assert found.name == "gone"
    assert "holds no model.toml" in found.error


@pytest.mark.parametrize("value", ["", "my-pkg.models", "a b", "."])
def test_a_malformed_entry_point_is_listed_as_broken_and_hides_no_other(
    checkout, entry_points, value
):
    _write_model(checkout / "baselines" / "good", "good")
    entry_points.append(importlib.metadata.EntryPoint("odd", value, "glassbench.models"))
    whole, broken = list_models()
    assert (whole.name, whole.error) == ("good", None)
    assert f"`odd = {value}`" in broken.error or "holds no model.toml" in broken.error
    assert load_model_card("good").name == "good"


def test_a_broken_model_takes_no_name_from_a_whole_one(checkout):
    _write_model(checkout / "baselines" / "one", "one")
    (_write_model(checkout / "submissions" / "one", "one") / "model.toml").write_text("name = ")
    assert load_model_card("one").folder == checkout / "baselines" / "one"
    assert [model.error is None for model in list_models()] == [True, False]


def test_a_listing_reads_each_card_once_and_hashes_no_folder(checkout, monkeypatch):
    for name in ("a", "b", "c"):
        _write_model(checkout / "baselines" / name, name)
    read: list[Path] = []
    original = checked.read_toml

    def counted(path, *arguments):
        read.append(path)
        return original(path, *arguments)

    monkeypatch.setattr(model_card, "read_toml", counted)
    monkeypatch.setattr(model_card, "folder_digest", lambda folder: pytest.fail("hashed"))
    assert [card.name for card in registry.whole_models()] == ["a", "b", "c"]
    assert len(read) == 3


def test_a_wrong_name_is_answered_with_the_nearest_and_the_list(checkout):
    _write_model(checkout / "baselines" / "botan", "botan")
    _write_model(checkout / "baselines" / "ridge", "ridge")
    with pytest.raises(UserError, match=r"did you mean `botan`\? There are botan, ridge"):
        load_model_card("botn")
    with pytest.raises(UserError, match=r"no task `ka_propensty`: did you mean `ka_prop"):
        load_task("ka_propensty")
    with pytest.raises(UserError, match=r"holds no model\.toml"):
        load_model_card("./nowhere")


def test_models_with_the_same_module_names_do_not_meet(tmp_path):
    first = load_model_class(_write_model(tmp_path / "a", "a"))
    second = load_model_class(_write_model(tmp_path / "b", "b"))
    assert (first.who, second.who) == ("a", "b")
    assert "model" not in sys.modules
    assert first.__module__.startswith("glassbench_plugin_")


def test_a_changed_model_is_imported_anew(tmp_path):
    folder = _write_model(tmp_path / "a", "a", who="before")
    assert load_model_class(folder).who == "before"
    (folder / "helper.py").write_text("WHO = 'after, and longer'\n")
    assert load_model_class(folder).who == "after, and longer"


def test_a_model_that_moved_is_imported_from_its_new_place(tmp_path):
    folder = _write_model(tmp_path / "a", "moved")
    registry.plugin_package(folder, load_model_card(folder).digest)
    folder.rename(tmp_path / "b")
    assert load_model_class(tmp_path / "b").who == "moved"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_module\n", "cannot be imported: ModuleNotFoundError.*no_such_module"),
        ("Guess = 3\n", "has no class `Guess`"),
        ("class Guess:\n    def fit(self): ...\n", "class `Guess` has no `predict`"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_named_with_the_cause(tmp_path, code, message):
    folder = _write_model(tmp_path / "bad", "bad", code=code)
    with pytest.raises(UserError, match=message):
        load_model_class(folder)


def test_bytecode_in_a_plugins_folder_is_neither_read_nor_written(tmp_path):
    """Compiled code that no digest covers would run in place of the source."""
    import py_compile

    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "helper.py").write_text("VALUE = 'evil'")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(folder / "helper.py"), invalidation_mode=unchecked)
    before = sorted(folder.rglob("*.pyc"))
    (folder / "helper.py").write_text("VALUE = 'as reviewed'")
    package = registry.plugin_package(folder, "b" * 64)
    assert importlib.import_module(f"{package}.helper").VALUE == "as reviewed"
    assert before and sorted(folder.rglob("*.pyc")) == before
