"""Small stores, made for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from glassbench.datasets.layout import (
    ConfigurationEntry,
    StateLayout,
    pair_variables,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from glassbench.datasets.manifest import manifest_path
from glassbench.datasets.writing import write_dataset

from ..published import make_botan, shared_data  # noqa: F401

PARTICLES = 64
EDGE = (PARTICLES / 1.2) ** (1 / 3)
TIMES = (0.165, 0.52, 5.2)
ATTRIBUTES = {
    "name": "small",
    "title": "a store for tests",
    "units_system": "lj",
    "licence": "CC0",
    "citation": "none",
}


def small_state(packing=None, configurations: int = 4) -> StateLayout:
    splits = ["train", "train", "valid", "test"][:configurations]
    return StateLayout(
        name="T0.64",
        attributes={"temperature": 0.64, "tau_alpha": 16.5},
        configurations=tuple(
            ConfigurationEntry(f"c{i}", split, f"p{i}") for i, split in enumerate(splits)
        ),
        particles=PARTICLES,
        variables=(
            *structure_variables(others=("inherent_positions",)),
            *propensity_variables(packing=packing),
            *pair_variables(particles=PARTICLES, packing=packing),
        ),
        coordinates={"time": times_coordinate(TIMES)},
        pair_slots=60,
        close_pair_slots=12,
    )


def small_arrays(index: int) -> dict[str, np.ndarray]:
    """Arrays of one configuration, with numbers of pairs that differ between configurations."""
    generator = np.random.default_rng(index)
    pairs, close = 40 + 5 * index, 6 + index
    first = np.sort(generator.integers(0, PARTICLES - 1, pairs))
    chosen = np.sort(generator.choice(pairs, close, replace=False)).astype(np.int32)
    return {
        "positions": generator.uniform(0, EDGE, (PARTICLES, 3)).astype(np.float32),
        "inherent_positions": generator.uniform(0, EDGE, (PARTICLES, 3)).astype(np.float32),
        "species": (generator.random(PARTICLES) < 0.2).astype(np.int8),
        "box": np.full(3, EDGE),
        "propensity": generator.gamma(2.0, 0.2, (len(TIMES), PARTICLES)),
        "propensity_half_difference": generator.normal(0, 0.05, (len(TIMES), PARTICLES)),
        "trajectory_count": np.full(len(TIMES), 32),
        "pairs": np.stack([first, first + 1], axis=1),
        "pair_distance_change": generator.normal(0, 0.2, (len(TIMES), pairs)),
        "close_pair_index": chosen,
        "pair_distance_change_half_difference": generator.normal(0, 0.07, (len(TIMES), close)),
    }


@pytest.fixture(scope="session")
def written_stores(tmp_path_factory) -> dict:
    """Small stores by packing, each written once in a session."""
    return {"folder": tmp_path_factory.mktemp("stores")}


@pytest.fixture
def make_store(tmp_path, written_stores):
    """Return a function that gives a small store of the test's own, and its state."""

    def make(name: str = "store.zarr", packing=None) -> tuple[Path, StateLayout]:
        state = small_state(packing)
        if packing not in written_stores:
            folder = written_stores["folder"] / str(len(written_stores))
            arrays = {state.name: [small_arrays(i) for i in range(len(state.configurations))]}
            write_dataset(folder / "store.zarr", ATTRIBUTES, [state], arrays)
            written_stores[packing] = folder / "store.zarr"
        source = written_stores[packing]
        path = tmp_path / name
        shutil.copytree(source, path)
        shutil.copy(manifest_path(source), manifest_path(path))
        return path, state

    return make


@pytest.fixture
def arrays_of():
    return small_arrays


@pytest.fixture
def state_of():
    return small_state
