"""A dataset of sheared samples keeps loads, thresholds, balanced sets and repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.labels import FRACTIONS
from glassbench.datasets.manifest import verify
from glassbench.datasets.store import open_dataset

from ..synthetic import (
    FRAMES_2D,
    PLASTICITY,
    ROOT,
    SAMPLES,
    STRAINS,
    plasticity_arrays,
    plasticity_states,
)

ATTRIBUTES = ROOT | {"units_system": "lj2d", "name": "small"}


@pytest.fixture(scope="module")
def dataset(small_datasets):
    return open_dataset(small_datasets["lj2d_plasticity"])


def test_arrays_come_back_by_protocol_and_strain(dataset):
    given = plasticity_arrays(2, FRAMES_2D, 6)
    for p, protocol in enumerate(FRAMES_2D):
        for s, strain in enumerate(STRAINS):
            found = dataset.state("state_0").values(2, "d2min", protocol=protocol, strain=strain)
            assert np.array_equal(found, given["d2min"][p, s].astype(np.float32))
        curve = dataset.state("state_0").values(2, "shear_stress", protocol=protocol)
        assert np.array_equal(curve, given["shear_stress"][p].astype(np.float32))
        assert np.array_equal(
            dataset.state("state_0").shared("frame", protocol=protocol), FRAMES_2D[protocol]
        )
    structure = dataset.state("state_0").structure_arrays(2)
    assert np.array_equal(structure["positions"], given["positions"])
    assert dataset.state("state_0").units("d2min") == "sigma_SL^2"
    assert dataset.state("state_0").axis_values("quench_time") == (1e4,)
    assert dataset.state("state_0").axis_values("strain") == STRAINS


def test_the_top_fraction_of_the_training_split_is_positive(dataset):
    train = [i for i, sample in enumerate(SAMPLES) if sample.split == "train"]
    for strain in STRAINS:
        pooled = np.concatenate(
            [
                dataset.state("state_0").values(i, "d2min", protocol=p, strain=strain)
                for i in train
                for p in FRAMES_2D
            ]
        )
        for fraction in FRACTIONS:
            threshold = dataset.state("state_0").shared(
                "d2min_threshold", strain=strain, fraction=fraction
            )
            expected = int(np.ceil(round(fraction * len(pooled), 9)))
            assert (pooled > threshold).sum() == expected
            other = dataset.state("state_1").shared(
                "d2min_threshold", strain=strain, fraction=fraction
            )
            assert threshold == other


def test_stored_negatives_balance_the_positives(dataset):
    for index in range(len(SAMPLES)):
        for protocol in FRAMES_2D:
            at = {"protocol": protocol, "strain": 0.05}
            d2min = dataset.state("state_0").values(index, "d2min", **at)
            positive = d2min > dataset.state("state_0").shared(
                "d2min_threshold", fraction=0.005, **at
            )
            negative = dataset.state("state_0").values(index, "negative", **at)
            assert negative.sum() == positive.sum() and not (negative & positive).any()


def test_what_was_not_run_or_repeated_is_told(dataset):
    at = {"protocol": "simple_plus", "strain": 0.05}
    repeated = [
        dataset.state("state_0").holds(i, "d2min_repeat", **at) for i in range(len(SAMPLES))
    ]
    assert [s.name for s, r in zip(SAMPLES, repeated, strict=True) if r] == ["test0", "test1"]
    with pytest.raises(DatasetError, match="`d2min_repeat` of configuration train0 .* is not in"):
        dataset.state("state_0").values(0, "d2min_repeat", **at)
    with pytest.raises(DatasetError, match="has no protocol pure_minus: simple_plus, simple_minus"):
        dataset.state("state_0").values(0, "d2min", protocol="pure_minus", strain=0.05)


def test_the_store_is_whole_and_its_digest_does_not_depend_on_when_it_was_written(
    small_datasets, tmp_path
):
    path = small_datasets["lj2d_plasticity"]
    assert verify(path) == []
    again = PLASTICITY.write_plasticity_dataset(
        tmp_path / "again.zarr", ATTRIBUTES, plasticity_states(2)
    )
    assert again == open_dataset(path).digest


def test_a_load_that_was_left_out_is_no_member_of_the_sample(tmp_path):
    def load(index):
        arrays = dict(plasticity_arrays(index, FRAMES_2D, 6))
        arrays["d2min"] = arrays["d2min"].copy()
        arrays["d2min"][1] = np.nan if index == 0 else arrays["d2min"][1]
        return arrays

    state = replace(plasticity_states(2)[0], load=load)
    PLASTICITY.write_plasticity_dataset(tmp_path / "gap.zarr", ATTRIBUTES, [state])
    dataset = open_dataset(tmp_path / "gap.zarr")
    held = [dataset.state("state_0").holds(0, "d2min", protocol=p, strain=0.05) for p in FRAMES_2D]
    assert held == [True, False, True]


@pytest.mark.parametrize("bits", [8, 11])
def test_rounding_keeps_the_stated_precision_and_counts_labels_after_it(tmp_path, bits):
    state = plasticity_states(2)[0]
    PLASTICITY.write_plasticity_dataset(
        tmp_path / "r.zarr", ATTRIBUTES, [state], mantissa_bits=bits
    )
    dataset = open_dataset(tmp_path / "r.zarr")
    found = dataset.state("state_0").values(0, "d2min")
    exact = plasticity_arrays(0, FRAMES_2D, 6)["d2min"]
    error = np.abs(found / exact - 1).max()
    assert 2.0 ** -(bits + 3) < error <= 2.0 ** -(bits + 1) * 1.001


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": {"bad": np.ones((2, 2))}}, "frame of protocol bad is not orthonormal"),
        ({"samples": SAMPLES[-3:], "threshold_state": ""}, "no training sample"),
        ({"threshold_state": "nowhere"}, "takes its thresholds from `nowhere`"),
        ({"strains": (0.01, 0.02, 0.05)}, r"`d2min` has the shape \(3, 2, 400\)"),
    ],
)
def test_what_cannot_be_right_is_refused(tmp_path, change, message):
    state = replace(plasticity_states(2)[0], **change)
    if "frames" in change:
        state = replace(state, load=lambda i: plasticity_arrays(i, {"bad": np.eye(2)}, 6))
    with pytest.raises(DatasetError, match=message):
        PLASTICITY.write_plasticity_dataset(tmp_path / "x.zarr", ATTRIBUTES, [state])


def test_a_load_that_is_known_in_part_is_refused(tmp_path):
    def load(index):
        arrays = plasticity_arrays(index, FRAMES_2D, 6)
        arrays["d2min"][0, 1, 5] = np.nan
        return arrays

    state = replace(plasticity_states(2)[0], load=load)
    with pytest.raises(DatasetError, match="NaN in part of a protocol"):
        PLASTICITY.write_plasticity_dataset(tmp_path / "x.zarr", ATTRIBUTES, [state])
