"""Numbers and units read as a physicist writes them."""

from __future__ import annotations

import pytest

from glassbench.pages.words import (
    breakable,
    condition_words,
    decimals_for,
    duration,
    interval,
    number,
    safe_name,
    score,
    with_subscripts,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.64, "0.64"), (1e13, "10¹³"), (2.5e-7, "2.5·10⁻⁷"), (-3.0, "−3"), (None, "–")],
)
def test_a_value_has_six_digits_at_most(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("half", "decimals"), [(0.018, 3), (0.15, 2), (0.0021, 4), (1e-9, 5), (3.0, 2)]
)
def test_decimals_show_two_digits_of_the_typical_interval(half, decimals):
    assert decimals_for([(0.5 - half, 0.5 + half), None]) == decimals


def test_an_undefined_score_is_a_dash_and_zero_has_no_sign():
    assert score(None) == score(float("nan")) == "–"
    assert score(-0.0001) == "0.000"
    assert interval((-0.1, 0.25), 2) == "[−0.10, 0.25]"
    assert interval(None) == ""


def test_a_condition_has_symbols_and_units(task):
    words = condition_words(task, {"temperature": 0.64, "time": 16.5})
    assert words == "T = 0.64, t = 16.5 τ"
    assert condition_words(task, {"temperature": 0.64, "time": 16.5}, ["time"]) == "t = 16.5 τ"


def test_durations_take_the_unit_that_suits_them():
    assert [duration(s) for s in (0, 3.0, 600, 7200, 10 * 86400)] == [
        "0 s", "3 s", "10 min", "2 h", "10 d",
    ]  # fmt: skip


def test_names_are_safe_in_addresses_and_stay_different():
    hostile = ["../../etc/passwd", "a/b", "a\\b", "a b", "<script>", ".hidden", "x" * 300]
    safe = [safe_name(name) for name in hostile]
    assert len(set(safe)) == len(hostile)
    for name in safe:
        assert "/" not in name and "\\" not in name and not name.startswith(".")
        assert len(name) < 120
    assert safe_name("ka_propensity-mini-botan-1a2b") == "ka_propensity-mini-botan-1a2b"


def test_a_name_breaks_after_its_underscores_and_stays_text():
    assert breakable("number_of<b>") == "number_<wbr>of&lt;b&gt;"


def test_symbols_have_subscripts_and_names_have_none():
    assert with_subscripts("C_rank at t_q = 3 t₀, σ_AA") == (
        "C<sub>rank</sub> at t<sub>q</sub> = 3 t₀, σ<sub>AA</sub>"
    )
    assert with_subscripts("pearson_a <b>") == "pearson_a &lt;b&gt;"
