from __future__ import annotations

from pathlib import Path

import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.model_card import (
    HyperparameterError,
    parse_model_card,
    read_model_card,
)

TABLE = {
    "name": "ridge",
    "title": "Ridge regression",
    "authors": ["A. Author"],
    "year": 2021,
    "licence": "MIT",
    "entry": "model:Ridge",
    "reads": ["thermal"],
    "tasks": ["ka_propensity"],
    "conditions_per_fit": "one",
    "hyperparameters": {
        "epochs": 10,
        "rate": 1.0,
        "augment": True,
        "weights": "none",
        "radii": [1.0, 2.0],
    },
    "defaults": {"ka_propensity": {"mini": {"epochs": 3, "rate": 2}}},
}
FOLDER = Path("somewhere")


def _card(**changes):
    return parse_model_card(TABLE | changes, FOLDER)


def test_a_card_says_what_the_file_says():
    card = _card(claims=["rotation"], resources={"gpus": 1})
    assert card.authors == ("A. Author",)
    assert card.doi == ""
    assert card.claims == ("rotation",)
    assert card.resources == {"cpus": 1.0, "gpus": 1.0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tytle": "x"}, r"unknown key `tytle`: did you mean `title`\?"),
        ({"reads": ["thermals"]}, r"`reads.0` is 'thermals': did you mean `thermal`\?"),
        ({"reads": []}, "`reads` is .*: name at least one"),
        ({"authors": "A. Author"}, "`authors` is 'A. Author': a list is wanted"),
        ({"authors": [1]}, "`authors.0` is 1: it should be a valid string"),
        ({"year": True}, "`year` is True: it should be a valid integer"),
        ({"entry": "model"}, "is not `module:Class`"),
        ({"entry": "../model:Ridge"}, "is not `module:Class`"),
        ({"conditions_per_fit": "each"}, "There are all, one"),
        ({"hyperparameters": {"day": {"a": 1}}}, "hyperparameter `day` is .* a number, text"),
        ({"folder": "/"}, "unknown key `folder`"),
        ({"claims": ["telepathy"]}, "`claims.0` is 'telepathy': There are"),
        ({"resources": {"gpu": 1}}, "unknown resource `gpu`: did you mean `gpus`"),
        ({"resources": {"cpus": -1}}, "a number >= 0"),
        ({"search_space": {"width": {}}}, r"\[search_space.width\]"),
        (
            {"defaults": {"ka_propensity": {"mini": {"epoch": 3}}}},
            "has `epoch`: did you mean `epochs`",
        ),
        ({"defaults": {"ka_propensity": {"mini": {"epochs": 3.5}}}}, "not a whole number"),
        (
            {"defaults": {"ka_propensity": {"epochs": 3}}},
            "`defaults.ka_propensity.epochs` is 3: a table is wanted",
        ),
    ],
)
def test_what_breaks_the_contract_is_named_with_the_file(changes, message):
    with pytest.raises(UserError, match=message) as caught:
        _card(**changes)
    assert str(FOLDER / "model.toml") in str(caught.value)


@pytest.mark.parametrize("key", ["name", "entry", "tasks", "licence"])
def test_what_is_missing_is_named(key):
    with pytest.raises(UserError, match=f"key `{key}` is missing"):
        parse_model_card({k: v for k, v in TABLE.items() if k != key}, FOLDER)


def test_dotted_keys_without_end_are_refused(tmp_path):
    (tmp_path / "model.toml").write_text("x" + ".a" * 20_000 + " = 1\n")
    with pytest.raises(UserError, match="nested too deeply"):
        read_model_card(tmp_path)


def test_an_author_has_a_name_that_people_see():
    for name in ("A\u200bda", "\u202eadA", "\u3164"):
        with pytest.raises(UserError, match="nobody sees"):
            parse_model_card(TABLE | {"authors": [name]}, Path())


def test_a_file_that_is_no_toml_is_named(tmp_path):
    (tmp_path / "model.toml").write_text("name = ")
    with pytest.raises(UserError, match="is not valid TOML"):
        read_model_card(tmp_path)
    with pytest.raises(UserError, match=r"holds no model\.toml"):
        read_model_card(tmp_path / "nowhere")


def test_overrides_come_before_defaults_of_the_dataset_before_plain_defaults():
    values = _card().hyperparameters_for("ka_propensity", "mini", {"rate": "0.5"})
    assert values["epochs"] == 3
    assert values["rate"] == 0.5
    assert values["weights"] == "none"
    assert _card().hyperparameters_for("ka_propensity", "published", {})["epochs"] == 10
    assert _card().hyperparameters_for("another", "mini", {})["rate"] == 1.0


def test_numbers_have_the_type_of_the_default_so_that_one_value_has_one_key():
    for text in ("2", "2.0", "2e0", 2):
        value = _card().hyperparameters_for("t", "d", {"rate": text})["rate"]
        assert (value, type(value)) == (2.0, float)
    assert type(_card().hyperparameters_for("ka_propensity", "mini", {})["rate"]) is float


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "7", 7),
        ("augment", "off", False),
        ("augment", "true", True),
        ("weights", "../a..b,c", "../a..b,c"),
        ("weights", "00123", "00123"),
        ("radii", "1,2.5", [1.0, 2.5]),
        ("radii", "3", [3.0]),
    ],
)
def test_text_is_read_as_the_type_of_the_default(name, text, value):
    chosen = _card().hyperparameters_for("t", "d", {name: text})[name]
    assert chosen == value
    assert type(chosen) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epoch", "1", r"no hyperparameter `epoch`: did you mean `epochs`\?"),
        ("epochs", "1.5", "'1.5' is not a whole number, like 10"),
        ("epochs", True, "True is not a number"),
        ("epochs", "many", "'many' is not a number, like 10"),
        ("rate", "nan", "'nan' is not finite"),
        ("augment", "1", "'1' is neither true nor false"),
        ("weights", 3, "3 is not text"),
        ("radii", "1,x", "'x' is not a number"),
    ],
)
def test_values_that_do_not_fit_are_refused(name, value, message):
    with pytest.raises(HyperparameterError, match=message):
        _card().hyperparameters_for("t", "d", {name: value})


def test_a_hyperparameter_says_which_positions_a_model_reads():
    card = _card(hyperparameters={"positions": "thermal"}, defaults={})
    assert card.reading({"positions": "cage"}).reads == ("cage",)
    assert card.reading({"positions": "thermal"}).reads == card.reading({}).reads == ("thermal",)
    assert _card().reading({"positions": "cage"}).reads == ("thermal",)
    with pytest.raises(HyperparameterError, match="model.positions .*`inherant`: did you mean"):
        card.reading({"positions": "inherant"})
