"""The authors' files where they are, and small copies of their formats, for several tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glassbench.plugins.task_modules import find_reader

BOTAN = find_reader("botan").load()
PARTICLES = 64
EDGE = (PARTICLES / 1.2) ** (1 / 3)


@pytest.fixture
def shared_data() -> Path:
    """The authors' files, where they lie beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the published files (shared/data) are not on this machine")
    return folder


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
        times = BOTAN.BOTAN_TIMES[0.64]
        numbers = {"train": range(1, train + 1), "test": range(401, 401 + test)}
        for split, found in numbers.items():
            folder = tmp_path / name / "T0.64" / split
            folder.mkdir(parents=True)
            for number in found:
                for index in indices:
                    np.savez(
                        folder / f"isoconfig_N64T0.64_{number}_tc{index:02d}.npz",
                        **botan_arrays(number, times[index - 1]),
                    )
        return tmp_path / name

    return make
