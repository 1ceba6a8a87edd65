"""A dataset of stiffness keeps every temperature, and the mean over them as the target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.store import open_dataset

from ...synthetic import ROOT, STIFFNESS, stiffness_arrays, stiffness_states

ATTRIBUTES = ROOT | {"units_system": "metal", "name": "small"}


def test_the_target_is_the_mean_over_the_temperatures(small_datasets):
    dataset, given = open_dataset(small_datasets["cuzr_stiffness"]), stiffness_arrays(3, 0.0)
    by_temperature = given["stiffness_by_temperature"]
    for row, temperature in enumerate((50.0, 300.0)):
        found = dataset.state("rate_1e13").values(
            3, "stiffness_by_temperature", temperature=temperature
        )
        assert np.array_equal(found, by_temperature[row].astype(np.float32))
    stiffness = dataset.state("rate_1e13").values(3, "stiffness")
    assert np.allclose(stiffness, by_temperature.mean(axis=0), rtol=1e-6)
    halves = dataset.state("rate_1e13").halves(3, "stiffness")
    assert np.allclose(halves[0] - halves[1], 2 * given["stiffness_half_difference"], atol=1e-6)
    assert dataset.state("rate_1e13").units("stiffness") == "eV/Angstrom^2"


def test_a_stiffness_that_is_not_positive_is_refused(tmp_path):
    def load(index):
        arrays = stiffness_arrays(index, 0.0)
        arrays["stiffness_by_temperature"][0, :2] = 0
        return arrays

    state = replace(stiffness_states()[0], load=load)
    with pytest.raises(DatasetError, match="sample train0 has 2 values of the stiffness"):
        STIFFNESS.write_stiffness_dataset(tmp_path / "x.zarr", ATTRIBUTES, [state])
