"""Stiffness from trajectories, and columns that were computed already, become datasets."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.datasets.importing import import_dataset, run_here
from glassbench.datasets.store import open_dataset
from glassbench.datasets.view import open_view
from glassbench.plugins.registry import load_task
from glassbench.plugins.task_modules import find_reader
from glassbench.simulation.generator import generator_of
from glassbench.trial.score import score_condition

ATOMS, EDGE, FRAMES = 64, 12.0, 40
SAMPLES = {"a": "train", "b": "train", "c": "valid", "d": "test"}
BOLTZMANN = 8.617333262e-5
ALLOY = generator_of("cuzr_plasticity")


def lattice(seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    sites = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3) * 3.0
    return {
        "positions": np.mod(sites + generator.normal(0, 0.3, sites.shape), EDGE),
        "species": (generator.random(ATOMS) < 0.5).astype(np.int8),
        "box": np.full(3, EDGE),
    }


def vibrations(seed: int, start: np.ndarray, temperature: float) -> np.ndarray:
    """Return frames (F, N, 3), some through the faces of the box, with a drift of the whole."""
    generator = np.random.default_rng([seed, int(temperature)])
    width = generator.uniform(0.05, 0.2, (ATOMS, 1)) * np.sqrt(temperature / 300)
    drift = np.linspace(0, 1, FRAMES)[:, None, None]
    return np.mod(start + generator.normal(0, 1, (FRAMES, ATOMS, 3)) * width + drift, EDGE)


def imported(reader, source, destination, **words):
    words = {name: (float(value),) for name, value in words.items()}
    return import_dataset(find_reader(reader), source, destination, words=words, run=run_here)


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm")
    for seed, (name, split) in enumerate(SAMPLES.items()):
        sample, own = folder / split / name, lattice(seed)
        sample.mkdir(parents=True)
        np.savez(sample / "structure.npz", **own)
        for temperature in (50, 300):
            moved = vibrations(seed, own["positions"], temperature)
            text = []
            for step, positions in enumerate(moved):
                text += [f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{ATOMS}\n"]
                text += ["ITEM: BOX BOUNDS pp pp pp\n", *([f"0 {EDGE}\n"] * 3)]
                text += ["ITEM: ATOMS id type x y z\n"]
                for i, (kind, (x, y, z)) in enumerate(zip(own["species"] + 1, positions.tolist())):
                    text += [f"{i} {kind} {x!r} {y!r} {z!r}\n"]
            (sample / f"T{temperature}.dump").write_text("".join(text))
    return folder


def test_stiffness_is_that_of_the_task(warm, tmp_path):
    report = imported("stiffness", warm, tmp_path / "mine", cooling_rate=1e12)
    assert not report.problems
    state = open_dataset(report.path).state("imported")
    assert dict(zip(state.configuration_ids, state.splits, strict=True)) == SAMPLES
    masses = np.array(ALLOY.potential.MASSES)
    for index, name in enumerate(state.configuration_ids):
        seed = list(SAMPLES).index(name)
        own = lattice(seed)
        weights = masses[own["species"]] / masses[own["species"]].sum()
        expected = []
        for temperature in (50.0, 300.0):
            moved = vibrations(seed, own["positions"], temperature) - own["positions"]
            moved -= EDGE * np.round(moved / EDGE)
            moved -= np.einsum("n,fnd->fd", weights, moved)[:, None]
            expected.append(BOLTZMANN * temperature / moved.var(axis=0).sum(axis=1))
            read = state.values(index, "stiffness_by_temperature", temperature=temperature)
            np.testing.assert_allclose(read, expected[-1], rtol=1e-5)
        np.testing.assert_allclose(
            state.values(index, "stiffness"), np.mean(expected, 0), rtol=1e-5
        )
        assert np.isfinite(state.halves(index, "stiffness")).all()
        np.testing.assert_array_equal(state.structure_arrays(index)["species"], own["species"])


def test_a_sample_without_one_of_the_runs_is_left_out(warm, tmp_path):
    folder = shutil.copytree(warm, tmp_path / "warm")
    (folder / "train" / "b" / "T50.dump").unlink()
    report = imported("stiffness", folder, tmp_path / "mine", cooling_rate=1e12)
    (problem,) = report.problems
    assert "it has runs at (300.0,) K, others at (50.0, 300.0)" in problem.message
    (folder / "train" / "a" / "T50.dump").rename(folder / "train" / "a" / "cold.dump")
    with pytest.raises(SourceError, match="give it, as cooling_rate=NUMBER"):
        imported("stiffness", warm, tmp_path / "other")


@pytest.mark.parametrize("layout", ["{}/{}/glass.xyz", "{}/{}.xyz", "{}/{}.xyz.gz"])
def test_columns_are_targets_and_are_scored(layout, tmp_path):
    task = load_task("ka_propensity")
    values = {}
    for seed, (name, split) in enumerate(SAMPLES.items()):
        own = lattice(seed)
        values[name] = np.random.default_rng(seed).uniform(0.1, 0.5, ATOMS)
        rows = zip("AB"[0] * ATOMS, own["positions"].tolist(), values[name].tolist(), strict=True)
        text = f'{ATOMS}\nLattice="12 0 0 0 12 0 0 0 12" '
        text += "Properties=species:S:1:pos:R:3:propensity_time_16p5:R:1\n"
        text += "".join(f"{k} {x!r} {y!r} {z!r} {v!r}\n" for k, (x, y, z), v in rows)
        path = tmp_path / "own" / "T0.64" / layout.format(split, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    report = imported("columns", tmp_path / "own", tmp_path / "mine")
    view = open_view(task, report.path)
    (condition,) = view.conditions()
    assert condition.name == "temperature=0.64 time=16.5"
    (example,) = view.examples("test", (condition,))
    np.testing.assert_array_equal(example.targets["propensity"], values["d"])
    scores = score_condition(task, view, condition, {"d": {"propensity": values["d"]}})
    assert scores.scores["pearson_a"].value == pytest.approx(1)


def test_a_configuration_that_is_there_twice_is_named(tmp_path):
    for name in ("a.xyz", "a.gsd", "b.xyz"):
        (tmp_path / name).write_text("no frame")
    with pytest.raises(SourceError, match=r"a.gsd and a.xyz are the same configuration"):
        find_reader("columns").load().plan(tmp_path, {"temperature": "0.64"})


def test_a_column_of_stiffness_is_a_target(tmp_path):
    for seed, (name, split) in enumerate(SAMPLES.items()):
        sample = tmp_path / "own" / split / name
        sample.parent.mkdir(parents=True, exist_ok=True)
        np.savez(sample.with_suffix(".npz"), **lattice(seed), stiffness=np.arange(1.0, ATOMS + 1))
    report = imported("columns", tmp_path / "own", tmp_path / "mine", cooling_rate=1e12)
    view = open_view(load_task("cuzr_stiffness"), report.path)
    (example,) = view.examples("test", view.conditions())
    np.testing.assert_array_equal(example.targets["stiffness"], np.arange(1.0, ATOMS + 1))
