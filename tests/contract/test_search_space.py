"""What `[search_space]` may say, and what is drawn from it."""

import math

import numpy as np
import pytest

from glassbench.contract.hyperparameters import parse_space

DEFAULTS = {"rate": 1e-3, "layers": 2, "name": "a", "on": True, "costs": [1.0]}


def one(name, **table):
    (dimension,) = parse_space({name: table}, DEFAULTS)
    return dimension


def draws(dimension, count=400):
    generator = np.random.default_rng(0)
    return [dimension.draw(generator) for _ in range(count)]


def test_a_choice_gives_each_of_its_values_in_the_type_of_the_default():
    dimension = one("rate", distribution="choice", values=[1, 0.5])
    assert set(draws(dimension)) == {1.0, 0.5} and dimension.count == 2
    assert all(isinstance(value, float) for value in dimension.values)
    assert set(map(str, draws(one("costs", distribution="choice", values=[[1], [2.0]])))) == {
        "[1.0]",
        "[2.0]",
    }


def test_uniform_and_loguniform_fill_their_range_evenly_on_their_own_scale():
    flat = draws(one("rate", distribution="uniform", low=1.0, high=3.0))
    assert min(flat) >= 1 and max(flat) <= 3
    assert np.mean(flat) == pytest.approx(2.0, abs=0.1)
    logarithmic = draws(one("rate", distribution="loguniform", low=1e-5, high=1e-1))
    assert np.median(np.log10(logarithmic)) == pytest.approx(-3, abs=0.3)
    assert all(float(f"{value:.4g}") == value for value in logarithmic)


def test_integers_include_both_ends_and_keep_to_their_steps():
    dimension = one("layers", distribution="integer", low=1, high=7, step=3)
    assert set(draws(dimension)) == {1, 4, 7} and dimension.count == 3
    every = one("layers", distribution="integer", low=1, high=3)
    assert set(draws(every)) == {1, 2, 3} and every.count == 3
    whole = draws(one("layers", distribution="loginteger", low=8, high=512))
    assert all(isinstance(value, int) and 8 <= value <= 512 for value in whole)
    assert np.median(whole) == pytest.approx(64, rel=0.3)


def test_steps_of_a_uniform_range_are_all_that_is_drawn():
    dimension = one("rate", distribution="uniform", low=0.1, high=0.5, step=0.2)
    assert set(draws(dimension)) == {0.1, 0.3, 0.5} and dimension.count == 3


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("rat", {"distribution": "uniform", "low": 0.0, "high": 1.0}, "did you mean `rate`"),
        ("rate", {"distribution": "unifrm", "low": 0.0, "high": 1.0}, "did you mean `uniform`"),
        ("rate", {"low": 0.0}, "`distribution` is missing"),
        ("rate", {"distribution": "uniform", "low": 0.0}, "needs `high`"),
        ("rate", {"distribution": "uniform", "low": 0.0, "high": 1.0, "stp": 1}, "`stp`"),
        ("rate", {"distribution": "uniform", "low": 2.0, "high": 1.0}, "not below"),
        ("rate", {"distribution": "uniform", "low": math.nan, "high": 1.0}, "`low` is nan"),
        ("rate", {"distribution": "uniform", "low": "0", "high": 1.0}, "`low` is '0': a number"),
        ("rate", {"distribution": "loguniform", "low": 0.0, "high": 1.0}, "above 0"),
        ("rate", {"distribution": "integer", "low": 0, "high": 1}, "use uniform or loguniform"),
        ("layers", {"distribution": "uniform", "low": 0.0, "high": 1.0}, "use integer or"),
        ("layers", {"distribution": "integer", "low": 1.5, "high": 3}, "whole number"),
        ("layers", {"distribution": "integer", "low": 1, "high": 3, "step": 0}, "step 0"),
        ("layers", {"distribution": "integer", "low": True, "high": 3}, "`low` is True"),
        ("on", {"distribution": "uniform", "low": 0.0, "high": 1.0}, "use choice"),
        ("name", {"distribution": "choice", "values": []}, "at least one"),
        ("name", {"distribution": "choice", "values": ["a", "a"]}, "twice"),
        ("layers", {"distribution": "choice", "values": ["x"]}, "not a number"),
        ("layers", 3, "a table with `distribution`"),
        ("on", {"distribution": "choice", "values": [True], "tasks": "glass"}, "a list is wanted"),
        ("on", {"distribution": "choice", "values": [True], "tasks": ["glas"]}, "mean `glass`"),
    ],
)
def test_what_is_wrong_is_named_with_its_table(name, table, message):
    with pytest.raises(ValueError, match=r"search_space") as error:
        parse_space({name: table}, DEFAULTS, ("glass", "liquid"))
    assert message in str(error.value)


def test_a_dimension_may_count_for_some_tasks_alone():
    everywhere = one("layers", distribution="choice", values=[1, 2])
    table = {"distribution": "choice", "values": [1, 2], "tasks": ["glass"]}
    (there,) = parse_space({"layers": table}, DEFAULTS, ("glass", "liquid"))
    assert everywhere.serves("glass") and everywhere.serves("liquid")
    assert there.serves("glass") and not there.serves("liquid")


@pytest.mark.parametrize(
    "dimension",
    [
        one("rate", distribution="loguniform", low=1e-5, high=1e-1),
        one("rate", distribution="uniform", low=0.0, high=1.0, step=0.25),
        one("layers", distribution="integer", low=1, high=9, step=2),
        one("layers", distribution="loginteger", low=2, high=64),
        one("name", distribution="choice", values=["a", "b", "c"]),
    ],
    ids=lambda d: d.words,
)
def test_a_neighbour_stays_in_the_space_and_now_and_then_leaves_its_place(dimension):
    generator = np.random.default_rng(1)
    value, seen = dimension.draw(generator), set()
    for _ in range(200):
        value = dimension.explore(value, generator)
        assert dimension.contains(value)
        seen.add(value)
    assert len(seen) > 2
    if dimension.step:
        places = [(v - dimension.low) / dimension.step for v in seen]
        assert np.allclose(places, np.round(places))
