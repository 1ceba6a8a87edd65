"""The templates are small, real models that pass their own test as they stand."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from glassbench.conformance import glassy_structure
from glassbench.contract.errors import UserError
from glassbench.contract.model_card import read_model_card
from glassbench.plugins.registry import list_tasks, load_model_class
from glassbench.submission.scaffold import kinds_for, write_scaffold

KINDS = sorted(kinds_for("particle"))
TASKS = sorted(task.name for task in list_tasks())


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_under_sixty_lines_and_names_the_model(kind, tmp_path):
    folder = write_scaffold("deep_thought", kind, parent=tmp_path, author='Ada "Countess" L.')
    more = "predict.py" if kind == "predictions" else "test_deep_thought.py"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["README.md", "model.py", "model.toml", more]
    assert len((folder / "model.py").read_text().splitlines()) < 60
    card = read_model_card(folder)
    assert (card.name, card.entry) == ("deep_thought", "model:DeepThought")
    assert card.authors == ("Ada 'Countess' L.",)
    for path in folder.iterdir():
        text = path.read_text()
        assert not any(
            word in text for word in ("my_model", "MyModel", "PATH", "My Name", "my_task")
        )


@pytest.mark.parametrize(
    ("kind", "task"),
    [
        *((kind, None) for kind in KINDS if kind != "predictions"),
        *(("numpy", task) for task in TASKS),
    ],
)
def test_the_test_of_a_template_passes_as_it_stands(kind, task, tmp_path, monkeypatch):
    folder = write_scaffold("deep_thought", kind, task, parent=tmp_path)
    assert read_model_card(folder).tasks == (task or "ka_propensity",)
    monkeypatch.syspath_prepend(folder)
    source = (folder / "test_deep_thought.py").read_text()
    names = {"__file__": str(folder / "test_deep_thought.py"), "__name__": "test_deep_thought"}
    exec(compile(source, str(folder / "test_deep_thought.py"), "exec"), names)
    names["test_the_model_conforms"]()
    assert "test_deep_thought" not in sys.modules


def test_the_graph_of_a_template_is_the_same_in_every_unit_of_length(tmp_path):
    folder = write_scaffold("deep_thought", "pyg", parent=tmp_path)
    card = read_model_card(folder)
    model = load_model_class(card)(**card.hyperparameters)
    small = glassy_structure(500)
    large = replace(small, positions=2.7 * small.positions, box=2.7 * small.box)
    first, second = model.encode(small), model.encode(large)
    assert first.edge_index.shape[1] > 10 * len(small.positions)
    assert first.edge_index.equal(second.edge_index)
    assert first.edge_attr.allclose(second.edge_attr, atol=1e-5)


def test_a_kind_that_does_not_suit_the_task_is_refused_with_those_that_do(tmp_path):
    with pytest.raises(UserError, match="one value per pair.*There are numpy"):
        write_scaffold("mine", "torch", "ka_pair_distance", parent=tmp_path)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("../escape", "numpy", "is no name"),
        ("class", "numpy", "is no name"),
        ("Ümlaut", "numpy", "is no name"),
        ("botan", "numpy", "there is a model"),
        ("mine", "nunpy", "did you mean `numpy`"),
    ],
)
def test_a_name_or_kind_that_cannot_be_is_refused(name, kind, message, tmp_path):
    with pytest.raises(UserError, match=message):
        write_scaffold(name, kind, parent=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    folder = write_scaffold("mine", parent=tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserError, match="exists already"):
        write_scaffold("mine", "torch", parent=tmp_path)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
