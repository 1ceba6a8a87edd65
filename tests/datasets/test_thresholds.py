"""Thresholds put the top fraction of a pooled split above themselves."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.datasets.labels import FRACTIONS

from ..synthetic import PLASTICITY

top_thresholds = PLASTICITY.top_thresholds


@pytest.mark.parametrize("samples", [1, 3, 40])
def test_as_many_values_lie_above_as_the_fraction_says(samples):
    generator = np.random.default_rng(samples)
    # Rising samples: the largest values come last, so that early ones must be let go.
    values = [generator.lognormal(k / 10, 1, (2, 500)) for k in range(samples)]
    thresholds = top_thresholds(iter(values), 2, 500 * samples)
    pooled = np.concatenate(values, axis=1)
    for row, fraction in enumerate(FRACTIONS):
        expected = int(np.ceil(round(fraction * pooled.shape[1], 9)))
        assert ((pooled > thresholds[row][:, None]).sum(axis=1) == expected).all()


def test_fewer_values_than_announced_are_as_good():
    values = np.random.default_rng(0).random((1, 800))
    assert np.array_equal(top_thresholds([values], 1, 800), top_thresholds([values], 1, 9999))


def test_nothing_has_no_threshold():
    with pytest.raises(ValueError, match="no sample"):
        top_thresholds([], 1, 10)
