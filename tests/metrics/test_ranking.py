"""Holm's correction and ranks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glassbench.metrics import holm, paired_difference, rank_groups

P_VALUES = arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1))


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1: .04 .06 .06 .04, then never falling.
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06])


@given(P_VALUES)
def test_holm_never_lowers_keeps_the_order_and_lies_below_bonferroni(p_values):
    adjusted = holm(p_values)
    assert (adjusted >= p_values).all() and (adjusted <= 1).all()
    assert (adjusted <= np.minimum(1, len(p_values) * p_values) + 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order_of_tests(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    np.testing.assert_allclose(holm(p_values[order]), holm(p_values)[order])


def test_an_undefined_test_stays_undefined_and_is_not_counted():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.02]), [0.02, np.nan, 0.02])
    assert holm([]).shape == (0,)


def test_holm_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match="1.5 lies outside"):
        holm([0.1, 1.5])
    with pytest.raises(ValueError, match="one dimension"):
        holm([[0.1]])


def _scores(shifts: dict[str, float], configurations: int = 40, noise: float = 0.005):
    rng = np.random.default_rng(0)
    difficulty = rng.normal(0.6, 0.1, configurations)
    return {
        name: difficulty + shift + noise * rng.normal(size=configurations)
        for name, shift in shifts.items()
    }


def test_models_apart_have_ranks_of_their_own_and_twins_share():
    values = _scores({"floor": -0.3, "twin": 0.0, "best": 0.1, "other twin": 0.0})
    ranked = rank_groups(values, np.arange(40))
    assert {m.name: m.rank for m in ranked} == {"best": 1, "twin": 2, "other twin": 2, "floor": 4}
    assert [m.mean for m in ranked] == sorted((v.mean() for v in values.values()), reverse=True)
    by_name = {m.name: m for m in ranked}
    assert by_name["best"].better == () and by_name["twin"].better == ("best",)
    assert set(by_name["floor"].better) == {"best", "twin", "other twin"}


def test_errors_rank_the_other_way():
    values = _scores({"large error": 0.2, "small error": 0.0})
    ranked = rank_groups(values, np.arange(40), higher_is_better=False)
    assert [(m.name, m.rank) for m in ranked] == [("small error", 1), ("large error", 2)]
    assert ranked[1].better == ("small error",)


def test_the_ends_of_a_chain_differ_though_neighbours_do_not():
    # Steps of two standard errors of the difference.
    rng = np.random.default_rng(3)
    base = rng.normal(0.6, 0.1, 50)
    noise = rng.normal(size=(3, 50))
    noise -= noise.mean(axis=1, keepdims=True)
    step = 2.0 * np.sqrt(2 / 50)
    values = {f"m{i}": base + noise[i] - step * i for i in range(3)}
    ranked = rank_groups(values, np.arange(50), significance=0.02)
    assert [m.rank for m in ranked] == [1, 1, 2]
    assert ranked[2].better == ("m0",)


def test_no_model_is_known_to_be_better_than_a_noisy_one():
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(3, 40))
    noise -= noise.mean(axis=1, keepdims=True)
    values = {"a": 0.10 + 0.01 * noise[0], "b": 0.05 + 0.01 * noise[1], "c": noise[2]}
    ranked = rank_groups(values, np.arange(40))
    assert [(m.name, m.rank) for m in ranked] == [("a", 1), ("b", 2), ("c", 1)]
    assert ranked[1].better == ("a",)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float64, (5, 12), elements=st.floats(-1, 1, width=32)),
    arrays(np.float64, (5, 1), elements=st.floats(-2, 2, width=32)),
    st.booleans(),
)
def test_a_rank_counts_the_significantly_better_models(noise, shifts, higher_is_better):
    values = dict(zip("abcde", noise + shifts))
    parents = np.repeat(np.arange(6), 2)
    pairs = list(itertools.combinations(values, 2))
    tests = [paired_difference(values[i], values[j], parents, draws=200) for i, j in pairs]
    adjusted = holm([float(test.p_value) for test in tests])
    sign = 1 if higher_is_better else -1
    better, worse = dict.fromkeys(values, 0), dict.fromkeys(values, 0)
    for (i, j), test, p_value in zip(pairs, tests, adjusted, strict=True):
        if p_value < 0.05:
            first, second = (i, j) if sign * test.difference.mean > 0 else (j, i)
            better[second] += 1
            worse[first] += 1
    ranked = rank_groups(values, parents, draws=200, higher_is_better=higher_is_better)
    assert {m.name: m.rank for m in ranked} == {name: 1 + k for name, k in better.items()}
    assert {m.name: m.lowest for m in ranked} == {name: 5 - k for name, k in worse.items()}
    assert all(m.rank == 1 + len(m.better) <= m.lowest for m in ranked)


def test_an_undefined_score_has_no_rank_and_changes_none():
    values = _scores({"good": 0.1, "bad": 0.0})
    values["constant"] = np.full(40, np.nan)
    ranked = rank_groups(values, np.arange(40))
    assert [(m.name, m.rank) for m in ranked] == [("good", 1), ("bad", 2), ("constant", None)]
    assert np.isnan(ranked[2].mean)


def test_a_single_sample_tells_no_models_apart():
    values = _scores({"good": 0.5, "bad": 0.0})
    assert [m.rank for m in rank_groups(values, ["one parent"] * 40)] == [1, 1]


def test_many_models_can_still_be_told_apart():
    # Forty models, 780 pairs: Holm asks for p-values far below 1 / draws.
    values = _scores({f"m{i:02d}": -0.02 * i for i in range(40)})
    ranked = rank_groups(values, np.arange(40), draws=1000)
    assert [m.rank for m in ranked] == list(range(1, 41))


def test_one_model_and_none():
    assert [m.rank for m in rank_groups({"alone": [0.1, 0.2]}, [0, 1])] == [1]
    assert rank_groups({}, [0, 1]) == ()


def test_the_order_of_entry_does_not_matter():
    values = _scores({"a": 0.0, "b": 0.003, "c": 0.1})
    backwards = dict(reversed(values.items()))
    assert rank_groups(values, np.arange(40)) == rank_groups(backwards, np.arange(40))


def test_models_on_other_configurations_are_refused():
    with pytest.raises(ValueError, match=r"'short': \(2,\).*same configurations"):
        rank_groups({"long": [1, 2, 3], "short": [1, 2]}, [0, 1, 2])
    with pytest.raises(ValueError, match="significance 5"):
        rank_groups({"a": [1, 2]}, [0, 1], significance=5)
