"""Small stores and small copies of the published formats, made for each test."""

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


@pytest.fixture
def shared_data() -> Path:
    """The authors' files, where they lie beside the repository."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the published files (shared/data) are not on this machine")
    return folder


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
            *structure_variables(inherent=True),
            *propensity_variables(packing=packing, half_packing=packing),
            *pair_variables(particles=PARTICLES, packing=packing, half_packing=packing),
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


def botan_arrays(number: int, time: float, trajectories: int = 4) -> dict[str, np.ndarray]:
    """One published file in small: a jittered lattice, and thermal flight up to a short time."""
    generator = np.random.default_rng(number)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    start = (grid + 0.5) * EDGE / 4 + generator.normal(0, 0.05, (PARTICLES, 3))
    speed = 0.85 * np.sqrt(0.64) * min(time, 1.0)
    moves = np.random.default_rng([number, int(1000 * time)])
    flights = moves.normal(0, speed, (trajectories, PARTICLES, 3))
    return {
        "types": (generator.random(PARTICLES) < 0.2).astype(np.int8),
        "initial_positions": np.mod(start, EDGE),
        "positions": np.mod(start, EDGE) + flights,
    }


@pytest.fixture
def make_botan(tmp_path):
    """Return a function that writes a folder of BOTAN files at T = 0.64."""

    def make(train: int = 4, test: int = 2, indices=(1, 2), name: str = "botan") -> Path:
        from glassbench.datasets.readers.times import BOTAN_TIMES

        numbers = {"train": range(1, train + 1), "test": range(401, 401 + test)}
        for split, found in numbers.items():
            folder = tmp_path / name / "T0.64" / split
            folder.mkdir(parents=True)
            for number in found:
                for index in indices:
                    np.savez(
                        folder / f"isoconfig_N64T0.64_{number}_tc{index:02d}.npz",
                        **botan_arrays(number, BOTAN_TIMES[0.64][index - 1]),
                    )
        return tmp_path / name

    return make
