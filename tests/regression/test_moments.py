"""Moments of parts join to the moments of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbench.regression import Moments, merge, pooled_within


def samples(seed: int, count: int, features: int = 3):
    generator = np.random.default_rng(seed)
    return generator.normal(50, 2, (count, features)), generator.normal(-3, 1, count)


def assert_equal(first: Moments, second: Moments):
    for name in ("count", "mean", "target_mean", "scatter", "cross", "target_scatter"):
        np.testing.assert_allclose(
            getattr(first, name), getattr(second, name), rtol=1e-9, atol=1e-9
        )


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=5), seed=st.integers(0, 2**31))
def test_merged_parts_are_the_whole(counts, seed):
    parts = [samples(seed + k, count) for k, count in enumerate(counts)]
    whole = Moments.of(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    assert_equal(merge(Moments.of(*part) for part in parts), whole)


def test_differences_between_parts_do_not_count_within():
    features, target = samples(1, 40)
    parts = [Moments.of(features + shift, target - shift) for shift in (0.0, 100.0)]
    within = pooled_within(parts)
    alone = Moments.of(features, target)
    np.testing.assert_allclose(within.scatter, 2 * alone.scatter, rtol=1e-9)
    np.testing.assert_allclose(within.cross, 2 * alone.cross, rtol=1e-9)
    assert merge(parts).target_scatter > 1000 * within.target_scatter


def test_what_cannot_be_fitted_is_refused():
    features, target = samples(1, 5)
    features[3, 1] = np.nan
    with pytest.raises(ValueError, match="feature of sample 3 is not finite"):
        Moments.of(features, target)
    with pytest.raises(ValueError, match="do not fit"):
        Moments.of(features, target[:4])
    with pytest.raises(ValueError, match="at least one part"):
        merge([])
