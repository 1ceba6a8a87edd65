"""A `task.toml` is checked, and what is wrong with it is named."""

import tomllib
from pathlib import Path

import pytest

from glassbench.contract.task import TaskError, parse_task, read_task
from glassbench.home.content import content_folder
from glassbench.metrics import MetricSpecification

FOLDER = Path(content_folder("tasks")) / "ka_propensity"
TABLE = tomllib.loads((FOLDER / "task.toml").read_text(encoding="utf-8"))


def changed(**changes):
    return {key: value for key, value in (TABLE | changes).items() if value is not None}


def test_the_propensity_task_is_whole():
    task = read_task(FOLDER)
    assert task.primary_metric["name"] == "pearson_a"
    assert [axis.name for axis in task.axes] == ["temperature", "time"]
    assert task.axis("time").unit == "tau"
    assert task.transfer == ()
    assert task.default_values("mini") == {"temperature": (0.64,), "time": (0.52, 5.2, 16.5)}
    assert task.default_values("another") == {}
    for table in task.metrics:
        assert MetricSpecification.from_table(table).target in task.targets


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targt": "x"}, "unknown key `targt`: did you mean `target`?"),
        ({"citation": None}, "key `citation` is missing"),
        ({"symmetry": "round"}, "symmetry `round` is not one of"),
        ({"target": "speed"}, "target `speed` is not described"),
        ({"default_dataset": "maxi"}, "default_dataset `maxi` is not under"),
        ({"metrics": [{"name": "a"}]}, "exactly one of"),
        ({"transfer": ["strain"]}, "transfer names `strain`: axes are temperature, time"),
    ],
)
def test_what_breaks_the_contract_is_named(changes, message):
    with pytest.raises(TaskError, match=message.replace("?", r"\?")):
        parse_task(changed(**changes), FOLDER)


def test_files_that_are_no_task_are_refused(tmp_path):
    with pytest.raises(TaskError, match="holds no task.toml"):
        read_task(tmp_path)
    (tmp_path / "task.toml").write_text("name = ")
    with pytest.raises(TaskError, match="not valid TOML"):
        read_task(tmp_path)
    text = (FOLDER / "task.toml").read_text(encoding="utf-8").replace('per = "particle"', "")
    (tmp_path / "task.toml").write_text(text, encoding="utf-8")
    with pytest.raises(TaskError, match="KeyError: 'per'"):
        read_task(tmp_path)


@pytest.mark.parametrize("name", [path.name for path in FOLDER.parent.iterdir()])
def test_every_task_is_whole(name):
    task = read_task(FOLDER.parent / name)
    assert task.name == name and (task.folder / "README.md").exists()
    for table in task.metrics:
        specification = MetricSpecification.from_table(table)
        assert {specification.target, specification.prediction} <= set(task.targets)
    axes = {axis.name for axis in task.axes}
    for entry in task.datasets.values():
        assert set(entry.default) <= axes


def test_an_axis_may_have_a_default_on_every_dataset():
    task = read_task(FOLDER.parent / "lj2d_plasticity")
    assert task.default_values("another") == {"fraction": (0.005,)}
    assert task.default_values("mini")["strain"]
    assert task.targets["rearranging"].label_of == "d2min"
