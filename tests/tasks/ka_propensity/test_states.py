"""The plans of Kob-Andersen datasets have the temperatures and sizes of the paper."""

from __future__ import annotations

import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

PLANS = load_generator(load_task("ka_propensity")).PLANS
PAPER = PLANS["paper"].states


def test_the_paper_plan_has_every_temperature_of_the_paper_at_its_size():
    assert [s.protocol.temperature for s in PAPER] == [0.64, 0.56, 0.50, 0.47, 0.44]
    for state in PAPER:
        splits = [one.split for one in state.configurations]
        assert (splits.count("train"), splits.count("valid"), splits.count("test")) == (
            360,
            40,
            100,
        )
        assert state.trajectories == 32 and state.protocol.particles == 4096
        assert list(state.times) == sorted(state.times)
        assert state.times[0] < 0.01 * state.protocol.tau_alpha < state.times[-1]


def test_relaxation_times_lie_on_one_curve():
    """Slower and slower on cooling, and faster than by an Arrhenius law between neighbours."""
    from math import log

    inverse = [1 / s.protocol.temperature for s in PAPER]
    logarithm = [log(s.protocol.tau_alpha) for s in PAPER]
    slopes = [
        (logarithm[k + 1] - logarithm[k]) / (inverse[k + 1] - inverse[k])
        for k in range(len(PAPER) - 1)
    ]
    assert slopes == sorted(slopes) and slopes[0] > 0


@pytest.mark.parametrize("state", PAPER, ids=lambda s: s.name)
def test_each_temperature_is_a_plan_of_its_own_that_shares_its_pieces(state):
    plan = PLANS[f"paper_{state.name}"]
    assert plan.states == (state,)
    assert plan.folder == PLANS["paper"].folder
    all_names = {piece.name for piece in PLANS["paper"].pieces()}
    assert {piece.name for piece in plan.pieces()} < all_names
