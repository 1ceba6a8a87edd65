"""Which particles and pairs a metric counts."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.metrics import MetricSpecification, select_pairs, select_particles

SPECIES = np.array([0, 0, 1, 0, 1], dtype=np.int8)
PAIRS = np.array([[0, 1], [0, 2], [1, 3], [2, 4], [3, 0]])
DISTANCES = np.array([1.0, 1.0, 1.35, 0.9, 1.34])


def _metric(**words):
    return MetricSpecification(name="m", function="pearson", target="t", **words)


def test_particles_by_type():
    np.testing.assert_array_equal(
        select_particles(_metric(particles="type_a"), SPECIES), [True, True, False, True, False]
    )
    np.testing.assert_array_equal(
        select_particles(_metric(particles="type_b"), SPECIES), [False, False, True, False, True]
    )
    assert select_particles(_metric(), SPECIES).all()


def test_an_absent_type_selects_none():
    assert not select_particles(_metric(particles="type_b"), np.zeros(4, np.int8)).any()


def test_pairs_need_both_of_the_type_and_a_distance_below_the_largest():
    below = _metric(pairs="type_a", max_distance=1.35)
    np.testing.assert_array_equal(
        select_pairs(below, SPECIES, PAIRS, DISTANCES), [True, False, False, False, True]
    )
    np.testing.assert_array_equal(
        select_pairs(_metric(pairs="type_a"), SPECIES, PAIRS), [True, False, True, False, True]
    )
    np.testing.assert_array_equal(
        select_pairs(_metric(pairs="type_b"), SPECIES, PAIRS), [False, False, False, True, False]
    )
    np.testing.assert_array_equal(
        select_pairs(_metric(pairs="all", max_distance=0.95), SPECIES, PAIRS, DISTANCES),
        [False, False, False, True, False],
    )


def test_no_pairs_give_an_empty_mask():
    empty = select_pairs(_metric(pairs="type_a"), SPECIES, np.empty((0, 2), int))
    assert empty.shape == (0,) and empty.dtype == np.bool_


def test_what_does_not_fit_is_refused():
    below = _metric(pairs="type_a", max_distance=1.35)
    with pytest.raises(ValueError, match="counts pairs below 1.35: give their distances"):
        select_pairs(below, SPECIES, PAIRS)
    with pytest.raises(ValueError, match="one for each of 5 pairs"):
        select_pairs(below, SPECIES, PAIRS, DISTANCES[:4])
    with pytest.raises(ValueError, match="1 values that are not finite"):
        select_pairs(below, SPECIES, PAIRS, np.where(DISTANCES < 0.95, np.nan, DISTANCES))
    with pytest.raises(ValueError, match="from 0 to 4, the structure has those from 0 to 3"):
        select_pairs(below, SPECIES[:4], PAIRS, DISTANCES)
    with pytest.raises(ValueError, match="indices of particles"):
        select_pairs(below, SPECIES, PAIRS.T, DISTANCES)
    with pytest.raises(ValueError, match="use select_pairs"):
        select_particles(below, SPECIES)
    with pytest.raises(ValueError, match="use select_particles"):
        select_pairs(_metric(), SPECIES, PAIRS)
    with pytest.raises(ValueError, match="one for each particle"):
        select_particles(_metric(), SPECIES[None])


def test_the_balanced_set_comes_with_the_data():
    metric = _metric(particles="balanced")
    np.testing.assert_array_equal(
        select_particles(metric, SPECIES, [1, 4]), [False, True, False, False, True]
    )
    with pytest.raises(ValueError, match="counts the balanced set of a label"):
        select_particles(metric, SPECIES)
