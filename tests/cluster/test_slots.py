"""How many trials are handed to Ray: those that fit, so that few wait there for room."""

import pytest

from glassbench.experiments.resources import Capacity, Needs, slots


@pytest.mark.parametrize(
    ("share", "most"),
    [
        (Needs(1), 8),
        (Needs(3), 2),
        (Needs(1, 1.0), 2),
        # Two trials on 0.4 of a GPU each: none spans parts of two GPUs.
        (Needs(1, 0.4), 4),
        (Needs(1, 0, 4), 2),
        (Needs(16), 1),
    ],
)
def test_as_many_trials_as_fit_are_under_way(share, most):
    assert slots(Capacity(8, 2, 8, 2, 10, 10), share) == most
