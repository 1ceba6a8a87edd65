"""Packed integers: the error is half a step, and decoding is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbench.contract.errors import DatasetError
from glassbench.datasets.quantise import Packing, pack, packing_for_noise, unpack

from ..synthetic import PLASTICITY

PACKING = Packing(2.0**-8, (1, 4))


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=20))
def test_the_error_is_at_most_half_a_step_of_each_time(values):
    exact = np.array([values, values])
    stored = pack(exact, PACKING)
    decoded = unpack(stored, PACKING.quantum, PACKING.add_offset)
    for time, step in enumerate(PACKING.resolution):
        assert np.abs(decoded[time] - exact[time]).max() <= step / 2


@given(st.lists(st.integers(-4000, 4000), min_size=1, max_size=20))
def test_values_on_the_grid_survive_exactly(multiples):
    exact = np.array([multiples], dtype=np.float64) * 2.0**-8
    packing = Packing(2.0**-8, (1,))
    assert np.array_equal(
        unpack(pack(exact, packing), packing.quantum, packing.add_offset), exact.astype(np.float32)
    )


def test_not_a_number_survives():
    values = np.array([[0.5, np.nan], [np.nan, -0.25]])
    decoded = unpack(pack(values, PACKING), PACKING.quantum, PACKING.add_offset)
    assert np.array_equal(decoded, values.astype(np.float32), equal_nan=True)


def test_a_value_beyond_16_bits_is_refused():
    with pytest.raises(DatasetError, match="does not fit 16 bits"):
        pack(np.array([[200.0], [0.0]]), PACKING)


def test_a_step_that_is_no_power_of_two_is_refused():
    with pytest.raises(DatasetError, match="not a power of two"):
        Packing(0.003, (1,))


@given(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=6))
def test_steps_lie_just_below_the_asked_fraction_of_the_noise(noise):
    resolution = np.array(packing_for_noise(noise, fraction=0.2).resolution)
    assert (resolution <= 0.2 * np.array(noise)).all()
    assert (resolution > 0.1 * np.array(noise)).all()


def test_rounding_does_not_move_the_correlation_of_the_halves():
    """The noise ceiling rests on it: steps of a fifth of the noise change it by under 0.005."""
    generator = np.random.default_rng(0)
    signal, noise = generator.normal(0, 0.14, 20000), 0.07
    mean = signal + generator.normal(0, noise, 20000)
    difference = generator.normal(0, noise, 20000)
    packing = packing_for_noise([noise])
    values = [
        unpack(pack(v[None], packing), packing.quantum, packing.add_offset)[0]
        for v in (mean, difference)
    ]
    exact = np.corrcoef(mean + difference, mean - difference)[0, 1]
    rounded = np.corrcoef(values[0] + values[1], values[0] - values[1])[0, 1]
    assert abs(exact - rounded) < 0.005


@given(
    st.lists(st.floats(1e-30, 1e30) | st.floats(-1e30, -1e-30), min_size=1),
    st.integers(1, 23),
)
def test_a_rounded_mantissa_is_as_near_as_its_bits_allow_and_ends_in_zeros(values, bits):
    exact = np.array(values, dtype=np.float32)
    rounded = PLASTICITY.round_mantissa(exact, bits)
    assert rounded.dtype == np.float32
    assert (np.abs(rounded - exact.astype(float)) <= 2.0 ** -(bits + 1) * np.abs(exact)).all()
    assert not (rounded.view(np.uint32) & ((1 << (23 - bits)) - 1)).any()
    assert np.array_equal(PLASTICITY.round_mantissa(rounded, bits), rounded)


def test_all_bits_change_nothing_and_missing_values_stay_missing():
    values = np.array([np.nan, 0.0, 1e-40, 3.3], dtype=np.float32)
    assert np.array_equal(PLASTICITY.round_mantissa(values, 23), values, equal_nan=True)
    with pytest.raises(DatasetError, match="24 bits of mantissa"):
        PLASTICITY.round_mantissa(values, 24)
