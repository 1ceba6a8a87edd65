"""Balanced sets hold all positives and as many negatives, drawn from names alone."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.datasets.labels import balanced_set, draw_negatives

NAMES = ("state", "sample", "xy", 0.05, 0.005)
WRITTEN = [9, 16, 38]


def labels(positives: int, total: int = 1000) -> np.ndarray:
    positive = np.zeros(total, dtype=bool)
    positive[np.random.default_rng(positives).permutation(total)[:positives]] = True
    return positive


@pytest.mark.parametrize("positives", [0, 1, 7, 500])
def test_as_many_negatives_as_positives_without_repetition(positives):
    positive = labels(positives)
    drawn = draw_negatives(positive, *NAMES)
    assert len(drawn) == len(set(drawn.tolist())) == positives
    assert not positive[drawn].any()
    chosen = balanced_set(positive, drawn)
    assert positive[chosen].sum() == positives and len(chosen) == 2 * positives
    assert (np.diff(chosen) > 0).all()


def test_all_negatives_where_they_are_fewer():
    positive = labels(900)
    assert np.array_equal(draw_negatives(positive, *NAMES), np.flatnonzero(~positive))


def test_the_draw_depends_on_every_name_and_on_nothing_else():
    positive = labels(20)
    first = draw_negatives(positive, *NAMES)
    assert np.array_equal(first, draw_negatives(positive, *NAMES))
    for place in range(len(NAMES)):
        other = tuple("other" if k == place else name for k, name in enumerate(NAMES))
        assert not np.array_equal(first, draw_negatives(positive, *other))


def test_the_draw_is_the_one_of_datasets_that_are_written_already():
    positive = np.isin(np.arange(50), [3, 20, 41])
    assert draw_negatives(positive, *NAMES).tolist() == WRITTEN


def test_negatives_are_drawn_evenly():
    positive = labels(100)
    count = np.zeros(len(positive))
    for number in range(400):
        count[draw_negatives(positive, number)] += 1
    expected = 400 * 100 / 900
    spread = (count[~positive] - expected) / np.sqrt(expected * (1 - 100 / 900))
    assert np.abs(spread.mean()) < 1e-9 and spread.std() == pytest.approx(1, abs=0.08)
