"""The smoothed potential is continuous up to its curvature, and Lennard-Jones inside."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.potentials import LARGE_SMALL_2D, SmoothedLennardJones

PAIRS = [(0, 0), (0, 1), (1, 1)]


def evaluated(distances, first, second):
    kinds = np.full(len(distances), first), np.full(len(distances), second)
    energy, slope = LARGE_SMALL_2D.energy_and_slope(distances, *kinds)
    return energy, slope, LARGE_SMALL_2D.curvature(distances, *kinds)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_slope_and_curvature_are_the_derivatives(first, second):
    distances, step = np.array([0.9, 1.3, 1.99, 2.1, 2.4, 2.6]), 1e-5
    _, slope, curvature = evaluated(distances, first, second)
    ahead, behind = (evaluated(distances + sign * step, first, second) for sign in (1, -1))
    assert np.allclose((ahead[0] - behind[0]) / (2 * step), slope, rtol=1e-7, atol=1e-9)
    assert np.allclose((ahead[1] - behind[1]) / (2 * step), curvature, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_nothing_jumps_at_the_two_radii_and_all_ends_at_the_cutoff(first, second):
    for radius in (2.0, 2.5):
        sides = evaluated(np.array([radius - 1e-9, radius + 1e-9]), first, second)
        for values in sides:
            assert values[0] == pytest.approx(values[1], abs=1e-6)
    assert [value[0] for value in evaluated(np.array([2.5]), first, second)] == [0, 0, 0]


def test_inside_it_differs_from_lennard_jones_by_a_constant():
    distances = np.array([0.95, 1.1, 1.9])
    energy, slope, _ = evaluated(distances, 0, 1)
    plain = 4 * (distances**-12.0 - distances**-6.0)
    assert np.allclose(energy - plain, (energy - plain)[0], rtol=1e-12)
    assert np.allclose(slope, 4 * (-12 * distances**-13.0 + 6 * distances**-7.0))


def test_tables_and_radii_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="must increase"):
        SmoothedLennardJones(((1.0,),), ((1.0,),), inner=2.5, cutoff=2.0)
    with pytest.raises(ValueError, match="epsilon"):
        SmoothedLennardJones(((1.0, 2.0), (1.0, 1.0)), ((1.0,),))
    with pytest.raises(ValueError, match="must be above 0"):
        SmoothedLennardJones(((1.0,),), ((-1.0,),))
    with pytest.raises(ValueError, match="distance of pair 0 is 0"):
        LARGE_SMALL_2D.energy_and_slope(np.zeros(1), [0], [0])
