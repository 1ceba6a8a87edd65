"""Fixtures that several tests share."""

from __future__ import annotations

import os
from pathlib import Path

# There is a test on every core: threads of numpy and torch would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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
from glassbench.datasets.writing import write_dataset
from glassbench.home.machine import available_cores
from glassbench.simulation.generator import generator_of

from .synthetic import write_plasticity, write_stiffness

ensemble_arrays = generator_of("ka_propensity").isoconfigurational.ensemble_arrays
PARTICLES, BOX = 108, 4.5
TIMES = (0.5, 5.0)
SPLITS = {"train": 4, "valid": 2, "test": 3}
# Modules that start Ray, LAMMPS, MLflow, a browser or the sandbox, or that train networks; a
# test of another cost than its module's is marked where it stands.
SLOW = {
    *("test_conformance", "test_wheel", "faults/test_faults", "conformance/test_plugins"),
    *(f"docs/test_{name}" for name in ("generated", "tutorial")),
    *(f"baselines/test_{name}" for name in ("botan_network", "botan_pretraining", "pair_ridge")),
    *(f"baselines/test_{name}" for name in ("nt_gnn_network", "plasticity_models", "rdf_mlp")),
    *("baselines/test_ridge", "structure/test_modes", "pages/test_browser"),
    *(f"cli/test_{name}" for name in ("data_generate", "other_tasks", "run", "study")),
    *(f"cli/test_{name}" for name in ("submission", "sweep", "tune")),
    *(f"cluster/test_{name}" for name in ("benchmark", "doctor", "execute", "generation")),
    *(f"cluster/test_{name}" for name in ("head_watch", "importing", "killed_driver")),
    *(f"cluster/test_{name}" for name in ("session", "slurm_script", "sweep", "train", "worker")),
    *("cluster/tuning/test_run", "cluster/tuning/test_workers"),
    *("datasets/test_importing", "datasets/test_reader_outside"),
    *(f"simulation/test_{name}" for name in ("generate", "generator", "generator_outside")),
    *(f"simulation/test_{name}" for name in ("lammps_library", "lennard_jones_2d", "pieces")),
    *(f"simulation/test_{name}" for name in ("quasistatic_shear", "seeds", "sheared_samples")),
    *("simulation/test_slow_quench_2d", "simulation/test_vibration_2d"),
    *(f"submission/test_{name}" for name in ("accept", "check", "fuzz", "memory", "other_tasks")),
    *(f"submission/test_{name}" for name in ("scaffold", "shipped", "verify")),
    *(f"submission/sandbox/test_{name}" for name in ("cheats", "reading", "trained", "walls")),
    *(f"tasks/cuzr_plasticity/test_{name}" for name in ("copper_zirconium", "warm_run")),
    *(f"tasks/{name}/test_dataset" for name in ("cuzr_plasticity", "cuzr_stiffness")),
    *("tasks/cuzr_stiffness/test_stiffness", "tasks/ka_propensity/test_dataset"),
    *("tasks/ka_propensity/test_kob_andersen", "tracking/test_delivery"),
    "tasks/ka_shear/test_ka_shear",
    *("tracking/test_study_runs", "training/test_distribution", "training/test_graph_data"),
}


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run two tests more side by side than there are cores, eight at most: many of them wait."""
    return min(available_cores() + 2, 8)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests as slow by their module, and as quick all others; note what attempts try."""
    here = Path(__file__).parent
    for item in items:
        for mark in item.iter_markers("attempt"):
            name = item.name.partition("[")[2].rstrip("]") or item.name.removeprefix("test_")
            kind = mark.args[0] if mark.args else item.callspec.params["kind"]
            item.user_properties.append(("attempt", (kind, name.removeprefix(f"{kind}-"))))
        if not (item.get_closest_marker("slow") or item.get_closest_marker("quick")):
            module = item.path.relative_to(here).with_suffix("").as_posix()
            item.add_marker("slow" if module in SLOW else "quick")


def pytest_terminal_summary(terminalreporter) -> None:
    """Write all attempts by kind with their outcome, to the file that a variable names."""
    file = os.environ.get("GLASSBENCH_ATTEMPTS")
    rows = {
        attempt: "succeeded" if report.failed else "refused"
        for report in [
            *terminalreporter.getreports("passed"),
            *terminalreporter.getreports("failed"),
        ]
        for name, attempt in report.user_properties
        if name == "attempt" and report.when == "call"
    }
    if file and rows:
        lines = [
            f"| {kind} | {name} | {outcome} |" for (kind, name), outcome in sorted(rows.items())
        ]
        head = ["| kind | attempt | outcome |", "| --- | --- | --- |"]
        Path(file).write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


def tiny_configuration(generator: np.random.Generator, box: float = BOX) -> dict[str, np.ndarray]:
    """Return the arrays of a jittered lattice whose crowded particles move less."""
    lattice = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    sites = generator.permutation(len(lattice))[:PARTICLES]
    positions = (lattice[sites] + 0.5) * box / 5 + generator.uniform(-0.15, 0.15, (PARTICLES, 3))
    positions = (positions % box).astype(np.float32)
    species = (np.arange(PARTICLES) % 5 == 0).astype(np.int8)
    vectors = positions[:, None].astype(float) - positions[None].astype(float)
    vectors -= box * np.round(vectors / box)
    crowding = (np.linalg.norm(vectors, axis=-1) < 1.3).sum(axis=1)
    scale = 0.1 + 0.3 * np.exp(-crowding / 4) + 0.1 * species

    def trajectories(time: float) -> list[np.ndarray]:
        noise = generator.normal(size=(8, PARTICLES, 3))
        return list(positions + np.sqrt(time) * scale[:, None] * noise)

    return ensemble_arrays(
        positions,
        species,
        np.full(3, box),
        ((index, trajectories(time)) for index, time in enumerate(TIMES)),
        len(TIMES),
    )


def write_tiny(
    path: Path,
    seed: int = 0,
    temperatures: tuple[float, ...] = (0.64,),
    others: tuple[str, ...] = (),
    box: float = BOX,
    only_test: tuple[float, ...] = (),
) -> Path:
    """Write a small dataset with two times at each temperature, and halves.

    `others` are names of further positions, a little off the thermal ones; at the temperatures
    `only_test` nothing is for training.
    """
    generator = np.random.default_rng(seed)
    layouts, arrays = [], {}
    for number, temperature in enumerate(temperatures):
        prefix = f"T{temperature:g}-" if number else ""
        entries = [
            ConfigurationEntry(f"{prefix}{split}{k}", split, f"{prefix}parent-{split}{k}")
            for split, count in SPLITS.items()
            for k in range(count)
            if split == "test" or temperature not in only_test
        ]
        name = f"T{temperature:g}"
        arrays[name] = [tiny_configuration(generator, box) for _ in entries]
        for one in arrays[name]:
            shifts = generator.normal(0, 0.05, (len(others), PARTICLES, 3))
            one |= {k: (one["positions"] + s) % box for k, s in zip(others, shifts)}
        layouts.append(tiny_layout(name, temperature, entries, arrays[name], others))
    attributes = {
        "name": "tiny",
        "title": "a small dataset",
        "units_system": "lj",
        "licence": "CC0",
        "citation": "made in a test",
    }
    write_dataset(path, attributes, layouts, arrays)
    return path


def tiny_layout(name: str, temperature: float, entries, arrays, others=()) -> StateLayout:
    return StateLayout(
        name=name,
        attributes={"temperature": temperature, "tau_alpha": 10.0},
        configurations=tuple(entries),
        particles=PARTICLES,
        variables=(
            *structure_variables(others=others),
            *propensity_variables(),
            *pair_variables(particles=PARTICLES),
        ),
        coordinates={"time": times_coordinate(TIMES)},
        pair_slots=max(len(a["pairs"]) for a in arrays),
        close_pair_slots=max(len(a["close_pair_index"]) for a in arrays),
    )


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory):
    """Return the path of a small dataset with a temperature, two times, and halves."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.zarr")


@pytest.fixture(scope="session")
def two_temperatures(tmp_path_factory):
    """Return the path of a small dataset with two temperatures and two times at each."""
    path = tmp_path_factory.mktemp("temperatures") / "two.zarr"
    return write_tiny(path, seed=2, temperatures=(0.64, 0.8))


@pytest.fixture(scope="session")
def one_never_trained(tmp_path_factory):
    """Return the path of a small dataset of three temperatures, 0.6 for testing alone."""
    path = tmp_path_factory.mktemp("interpolation") / "three.zarr"
    return write_tiny(path, temperatures=(0.56, 0.6, 0.64), only_test=(0.6,))


@pytest.fixture(scope="session")
def hidden_dataset(tmp_path_factory):
    """Return the path of a dataset of the same kind with other configurations."""
    return write_tiny(tmp_path_factory.mktemp("hidden") / "hidden.zarr", seed=1)


@pytest.fixture(scope="session")
def small_datasets(tmp_path_factory) -> dict[str, Path]:
    """Return, by task, the path of a small dataset made by the writers of the simulations."""
    folder = tmp_path_factory.mktemp("small")
    return {
        "lj2d_plasticity": write_plasticity(folder / "plane.zarr", 2),
        "cuzr_plasticity": write_plasticity(folder / "metal.zarr", 3),
        "cuzr_stiffness": write_stiffness(folder / "stiff.zarr"),
    }


@pytest.fixture
def without_tracking(monkeypatch):
    """Leave out MLflow and figures, which have tests of their own and take their time."""
    from glassbench.tracking.delivery import Delivered

    place = "glassbench.experiments.conclude"
    nowhere = Delivered(uri="", run_id=None, delivered=False, message="left out")
    monkeypatch.setattr(f"{place}.begin_delivery", lambda *_: None)
    monkeypatch.setattr(
        f"{place}.deliver_all", lambda _, requests, begun: [nowhere] * len(requests)
    )
    monkeypatch.setattr(f"{place}._figures", lambda *_: [])
