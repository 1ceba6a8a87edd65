"""A dataset whose physics is wrong is told by its arrays, and refused where it says so."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.layout import (
    ConfigurationEntry,
    StateLayout,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from glassbench.datasets.physics import check_physics, refuse_failed, stated_failures
from glassbench.datasets.store import open_dataset
from glassbench.datasets.writing import write_dataset

SIDE = 10
BOX = float(SIDE)


def glass(seed: int = 0, jitter: float = 0.3) -> dict[str, np.ndarray]:
    """A thousand particles on a lattice, displaced far enough to melt it, or not."""
    generator = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"), -1).reshape(-1, 3)
    moves = generator.uniform(-jitter, jitter, grid.shape)
    count = len(grid)
    mobility = generator.gamma(2.0, 0.2, (1, count))
    return {
        "positions": np.mod(grid + 0.5 + moves, BOX).astype(np.float32),
        "species": (np.arange(count) % 5 == 0).astype(np.int8),
        "box": np.full(3, BOX),
        "propensity": mobility,
        "propensity_half_difference": generator.normal(0, 0.02, (1, count)),
        "trajectory_count": np.full(1, 32),
    }


def write(path, arrays, attributes=None):
    layout = StateLayout(
        name="T0.64",
        attributes={"temperature": 0.64, **(attributes or {})},
        configurations=tuple(
            ConfigurationEntry(f"c{k}", "train", f"p{k}") for k in range(len(arrays))
        ),
        particles=SIDE**3,
        variables=(*structure_variables(), *propensity_variables()),
        coordinates={"time": times_coordinate((0.5,))},
    )
    about = {
        "name": "small", "title": "for tests", "units_system": "lj", "licence": "CC0",
        "citation": "none",
    }  # fmt: skip
    write_dataset(path / "store.zarr", about, [layout], {"T0.64": arrays})
    return path / "store.zarr"


def messages(path):
    findings = check_physics(path)
    assert all(finding.kind == "physics" for finding in findings)
    return [finding.message for finding in findings]


def disordered(seed: int = 0) -> dict[str, np.ndarray]:
    """Particles that keep a distance of 0.4 and have no order: random insertion."""
    generator = np.random.default_rng(seed)
    kept = np.empty((0, 3))
    while len(kept) < SIDE**3:
        point = generator.uniform(0, BOX, 3)
        vectors = kept - point
        vectors -= BOX * np.round(vectors / BOX)
        if not len(kept) or np.linalg.norm(vectors, axis=1).min() > 0.4:
            kept = np.vstack([kept, point])
    return glass(seed) | {"positions": kept.astype(np.float32)}


def test_a_whole_glass_has_nothing_wrong(tmp_path):
    assert messages(write(tmp_path, [disordered(0), disordered(1)])) == []


def test_a_crystal_is_told(tmp_path):
    (message,) = messages(write(tmp_path, [disordered(), glass(jitter=0.05)]))
    assert message.startswith("T0.64: c1: a Bragg peak of S(k)/N = 0.9")


def test_particles_that_overlap_are_told(tmp_path):
    arrays = disordered()
    arrays["positions"][1] = arrays["positions"][0] + 0.1
    (message,) = messages(write(tmp_path, [arrays]))
    assert "c0: two particles are closer than 0.35" in message


def test_other_compositions_and_densities_are_told(tmp_path):
    first, second = disordered(0), disordered(1)
    second["species"][1] = 1
    second["box"] = np.array([BOX, BOX, 1.05 * BOX])
    found = messages(write(tmp_path, [first, second]))
    assert found == [
        "T0.64: the configurations have different compositions, [(799, 201), (800, 200)]",
        "T0.64: the densities spread from 0.9524 to 1",
    ]


def test_targets_of_noise_are_told(tmp_path):
    arrays = disordered()
    spread = arrays["propensity"].std()
    arrays["propensity_half_difference"] *= 2 * spread / 0.02
    (message,) = messages(write(tmp_path, [arrays]))
    assert "propensity at [0] is noise" in message


def test_what_the_checks_after_generation_found_is_refused_unless_allowed(tmp_path):
    stated = {"checks": {"failed": ["energy drift 0.1 per particle exceeds 0.002"]}}
    path = write(tmp_path, [disordered()], stated)
    dataset = open_dataset(path)
    assert stated_failures(dataset) == ["T0.64: energy drift 0.1 per particle exceeds 0.002"]
    assert messages(path) == stated_failures(dataset)
    with pytest.raises(DatasetError, match=r"T0.64: energy drift .* failed_checks=allow"):
        refuse_failed(dataset)
    refuse_failed(dataset, "allow")
    with pytest.raises(DatasetError, match="`failed_checks=yes` is not possible"):
        refuse_failed(dataset, "yes")
