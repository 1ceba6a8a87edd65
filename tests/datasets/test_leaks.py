"""A structure that stands in two splits is found, however it was moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassbench.contract.errors import DatasetError
from glassbench.datasets.manifest import verify
from glassbench.datasets.physics import TOLERANCE, check_physics, fingerprint, leaks, refuse_failed
from glassbench.datasets.store import open_dataset
from glassbench.datasets.writing import write_dataset

from .conftest import ATTRIBUTES, small_arrays, small_state

BOX = np.array([5.0, 5.0, 5.0])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(3)), st.integers(0, 7))
def test_copies_have_the_fingerprint_of_the_original(seed, axes, mirror):
    generator = np.random.default_rng(seed)
    positions = generator.uniform(0, 5, (200, 3))
    signs = 1 - 2 * np.array([mirror >> axis & 1 for axis in range(3)])
    moved = generator.permutation(positions)[:, axes] * signs + generator.uniform(0, 5, 3)
    stored = np.mod(moved, BOX).astype(np.float32)
    known = fingerprint(positions, BOX)
    np.testing.assert_allclose(fingerprint(stored, BOX), known, atol=TOLERANCE / 3)
    np.testing.assert_allclose(fingerprint(2.8 * positions, 2.8 * BOX), known, atol=1e-9)
    other = np.mod(positions + generator.normal(0, 0.02, positions.shape), BOX)
    assert np.abs(fingerprint(other, BOX) - known).max() > TOLERANCE


def write(path, chosen):
    state = small_state()
    arrays = [small_arrays(seed) for seed in chosen]
    write_dataset(path / "store.zarr", ATTRIBUTES, [state], {state.name: arrays})
    return path / "store.zarr"


def test_a_dataset_with_a_copy_across_splits_is_named_by_verify_and_refused_by_run(tmp_path):
    path = write(tmp_path, (0, 1, 2, 1))
    (message,) = leaks(open_dataset(path))
    assert message.startswith("configuration c3 of T0.64 (test) is the same structure as c1 of")
    assert verify(path) == []
    assert "leak" in {finding.kind for finding in check_physics(path)}
    with pytest.raises(DatasetError, match="tested on what it was trained on"):
        refuse_failed(open_dataset(path))
    refuse_failed(open_dataset(path), "allow")


def test_copies_within_a_split_and_other_structures_are_no_leak(tmp_path):
    assert leaks(open_dataset(write(tmp_path, (0, 0, 2, 3)))) == []
