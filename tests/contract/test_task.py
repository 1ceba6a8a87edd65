"""A `task.toml` is checked, and what is wrong with it is named."""

import pickle
import re
import tomllib
from pathlib import Path

import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.task import parse_task, read_task
from glassbench.home.workspace import content_folder

FOLDER = Path(content_folder("tasks")) / "ka_propensity"
TABLE = tomllib.loads((FOLDER / "task.toml").read_text(encoding="utf-8"))
METRIC = TABLE["metrics"][0]


def changed(**changes):
    return {key: value for key, value in (TABLE | changes).items() if value is not None}


def test_the_propensity_task_is_whole():
    task = read_task(FOLDER)
    assert task.primary_metric.name == "pearson_a"
    assert [axis.name for axis in task.axes] == ["temperature", "time"]
    assert task.axis("time").unit == "tau"
    assert task.transfer == ()
    assert task.default_values("mini") == {"temperature": (0.64,), "time": (0.52, 5.2, 16.5)}
    assert task.default_values("another") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targt": "x"}, "unknown key `targt`: did you mean `target` or `targets` or "),
        ({"transfr": ["time"]}, "unknown key `transfr`: did you mean `transfer`?"),
        ({"folder": "/"}, "unknown key `folder`"),
        ({"protocol_version": "2"}, "`protocol_version` is '2': it should be a valid integer"),
        ({"title": 3}, "`title` is 3: it should be a valid string"),
        ({"name": "../x"}, "`name` is '../x': a name has up to 64 letters"),
        ({"citation": None}, "key `citation` is missing"),
        ({"symmetry": "round"}, "`symmetry` is 'round': There are cubic, none"),
        ({"target": "speed"}, "target: `speed` is not known: There are bond_breaking"),
        ({"default_dataset": "maxi"}, "default_dataset: `maxi` is not known: did you mean `mini`?"),
        ({"metrics": [METRIC | {"primary": False}]}, "exactly one of"),
        ({"metrics": "pearson"}, "`metrics` must be tables"),
        ({"transfer": ["strain"]}, "transfer: `strain` is not known: There are temperature, time"),
    ],
)
def test_what_breaks_the_contract_is_named(changes, message):
    with pytest.raises(UserError, match=re.escape(message)):
        parse_task(changed(**changes), FOLDER)


def test_files_that_are_no_task_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no task.toml"):
        read_task(tmp_path)
    (tmp_path / "task.toml").write_text("name = ")
    with pytest.raises(UserError, match="not valid TOML"):
        read_task(tmp_path)
    text = (FOLDER / "task.toml").read_text(encoding="utf-8").replace('per = "particle"', "")
    (tmp_path / "task.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="task.toml: key `targets.propensity.per` is missing"):
        read_task(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function": "pearsn"}, "unknown function 'pearsn': did you mean pearson"),
        ({"averge": "pooled"}, "unknown key 'averge': did you mean average"),
        ({"particles": "typ_a"}, "unknown particles 'typ_a': did you mean type_a"),
        ({"target": "propensty"}, "target: `propensty` is not known: did you mean `propensity`?"),
        ({"at_condition": ["fraction"]}, "unknown option 'fraction'"),
        ({"particles": None, "pairs": "type_a"}, "pairs, and target `propensity` is per particle"),
        ({"name": "a/b"}, "`name` is 'a/b': a name has up to 64"),
        ({"primary": "yes"}, "`primary` is 'yes': it should be a valid boolean"),
        ({"max_distance": "1"}, "`max_distance` is '1': it should be a valid number"),
    ],
)
def test_a_wrong_metric_is_refused_when_the_task_is_read(changes, message):
    metric = {key: value for key, value in (METRIC | changes).items() if value is not None}
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        parse_task(changed(metrics=[metric]), FOLDER)
    assert str(FOLDER / "task.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"per": "particles"}, "`targets.propensity.per` is 'particles': did you mean `particle`"),
        ({"pre": "particle"}, "unknown key `targets.propensity.pre`: did you mean `per`"),
        ({"label_of": "d2mn"}, "targets.propensity.label_of: `d2mn` is not known"),
        ({"name": "other"}, "[propensity] has a `name`"),
    ],
)
def test_a_wrong_target_is_refused_when_the_task_is_read(table, message):
    targets = TABLE["targets"] | {"propensity": TABLE["targets"]["propensity"] | table}
    with pytest.raises(UserError, match=re.escape(message)):
        parse_task(changed(targets=targets), FOLDER)


def test_default_conditions_name_axes():
    datasets = TABLE["datasets"] | {"mini": {"default": {"temprature": [0.64]}}}
    with pytest.raises(UserError, match="`temprature` is not known: did you mean `temperature`"):
        parse_task(changed(datasets=datasets), FOLDER)


def test_a_file_from_an_editor_that_writes_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "task.toml").write_bytes(b"\xef\xbb\xbf" + (FOLDER / "task.toml").read_bytes())
    assert read_task(tmp_path).name == "ka_propensity"


@pytest.mark.parametrize("name", [path.name for path in FOLDER.parent.iterdir()])
def test_every_task_is_whole(name):
    task = read_task(FOLDER.parent / name)
    assert task.name == name and (task.folder / "README.md").exists()


def test_an_axis_may_have_a_default_on_every_dataset():
    task = read_task(FOLDER.parent / "lj2d_plasticity")
    assert task.default_values("another") == {"fraction": (0.005,)}
    assert task.default_values("mini")["strain"]
    assert task.targets["rearranging"].label_of == "d2min"


def test_a_task_asked_for_another_target_is_ranked_by_its_first_metric():
    task = read_task(FOLDER)
    other = task.asked_for("non_affine_displacement")
    assert (other.target, other.other_target) == ("non_affine_displacement",) * 2
    assert other.primary_metric.name == "non_affine_pearson_a"
    assert [metric.name for metric in other.metrics] == [metric.name for metric in task.metrics]
    assert (task.other_target, task.primary_metric.name) == ("", "pearson_a")
    assert other.asked_for("propensity") == task and task.asked_for("") is task
    assert task.asked_for("propensity").other_target == ""
    assert pickle.loads(pickle.dumps(other)).other_target == "non_affine_displacement"


@pytest.mark.parametrize(
    ("task", "target", "message"),
    [
        ("ka_propensity", "propensty", "did you mean `propensity`"),
        ("ka_propensity", "pair_distance_change", "is per pair, and ka_propensity is about one"),
        ("lj2d_plasticity", "d2min", "has no metric: give one of rearranging"),
    ],
)
def test_a_target_that_cannot_be_asked_for_is_refused(task, target, message):
    with pytest.raises(UserError, match=message):
        read_task(FOLDER.parent / task).asked_for(target)
