"""A group's own trajectories become the same dataset, in whatever format they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.datasets.importing import import_dataset, run_here
from glassbench.datasets.physics import check_physics
from glassbench.datasets.store import open_dataset
from glassbench.plugins.task_modules import find_reader

PARTICLES, RUNS = 108, 4
EDGE = (PARTICLES / 1.2) ** (1 / 3)
TIMES = (0.1, 0.2)
SAMPLES = {"p0": 2, "p1": 1, "p2": 1, "p3": 1, "p4": 1}


def trajectories(seed: int) -> dict[str, np.ndarray]:
    """Return a jittered lattice and thermal flights from it, through the faces of the box."""
    generator = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    start = (grid[:PARTICLES] + 0.5) * EDGE / 5 + generator.normal(0, 0.05, (PARTICLES, 3))
    velocities = generator.normal(0, 0.75, (RUNS, PARTICLES, 3))
    start = np.mod(start, EDGE)
    return {
        "initial_positions": start,
        "positions": np.stack([start + velocities * time for time in TIMES]),
        "species": (np.arange(PARTICLES) % 5 == 0).astype(np.int8),
        "box": np.full(3, EDGE),
        "times": np.array(TIMES),
    }


def frames_of(arrays, run: int) -> list[np.ndarray]:
    return [arrays["initial_positions"], *arrays["positions"][:, run]]


def write_dump(path: Path, arrays, run: int) -> None:
    """Write wrapped positions with image flags, rows in another order in each frame."""
    text = []
    for number, positions in enumerate(frames_of(arrays, run)):
        images = np.floor(positions / EDGE).astype(int)
        inside = positions - images * EDGE
        text += [f"ITEM: TIMESTEP\n{1000 + number * 20}\nITEM: NUMBER OF ATOMS\n{PARTICLES}\n"]
        text += ["ITEM: BOX BOUNDS pp pp pp\n", *([f"0.0 {EDGE!r}\n"] * 3)]
        text += ["ITEM: ATOMS id type x y z ix iy iz\n"]
        for i in np.random.default_rng([run, number]).permutation(PARTICLES).tolist():
            row = [i * 2 + 1, arrays["species"][i] + 1, *inside[i].tolist(), *images[i].tolist()]
            text += [" ".join(map(str, row)) + "\n"]
    path.write_text("".join(text))


def write_xyz(path: Path, arrays, run: int) -> None:
    text = []
    for time, positions in zip((0.0, *TIMES), frames_of(arrays, run), strict=True):
        lattice = f"{EDGE!r} 0 0 0 {EDGE!r} 0 0 0 {EDGE!r}"
        text += [f'{PARTICLES}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 time={time}\n']
        for kind, place in zip(arrays["species"], positions.tolist(), strict=True):
            text += [f"{'AB'[kind]} {' '.join(map(repr, place))}\n"]
    path.write_text("".join(text))


def write_gsd(path: Path, arrays, run: int) -> None:
    hoomd = pytest.importorskip("gsd.hoomd")
    with hoomd.open(str(path), "w") as file:
        for number, positions in enumerate(frames_of(arrays, run)):
            frame = hoomd.Frame()
            frame.configuration.box = [EDGE, EDGE, EDGE, 0, 0, 0]
            frame.configuration.step = 20 * number
            frame.particles.N = PARTICLES
            frame.particles.types = ["A", "B"]
            frame.particles.typeid = arrays["species"]
            images = np.floor(positions / EDGE).astype(int)
            frame.particles.position = positions - images * EDGE - EDGE / 2
            frame.particles.image = images
            file.append(frame)


WRITERS = {"dump": write_dump, "xyz": write_xyz, "gsd": write_gsd}


def write_folder(folder: Path, kind: str) -> Path:
    """Write samples with configurations, each a file of arrays or a folder of runs."""
    for number, (parent, count) in enumerate(SAMPLES.items()):
        for configuration in range(count):
            arrays = trajectories(10 * number + configuration)
            place = folder / "T0.64" / parent / f"c{configuration}"
            if kind == "npz":
                place.parent.mkdir(parents=True, exist_ok=True)
                np.savez(place.with_suffix(".npz"), **arrays)
                continue
            place.mkdir(parents=True)
            for run in range(RUNS):
                WRITERS[kind](place / f"run{run}.{kind}", arrays, run)
    return folder


def imported(folder: Path, kind: str, **words):
    source = write_folder(folder / f"source_{kind}", kind)
    words = {"timestep": (0.005,)} | words if kind in ("dump", "gsd") else words
    reader, destination = find_reader("trajectories"), folder / kind
    return import_dataset(reader, source, destination, words=words, run=run_here)


@pytest.fixture(scope="module")
def from_arrays(tmp_path_factory):
    return open_dataset(imported(tmp_path_factory.mktemp("arrays"), "npz").path)


def test_samples_are_split_whole_and_the_physics_holds(from_arrays):
    state = from_arrays.state("T0.64")
    split_of = dict(zip(state.parents, state.splits, strict=True))
    assert len(split_of) == 5 and sorted(split_of.values()).count("test") == 1
    assert state.short("time").tolist() == list(TIMES)
    assert not check_physics(from_arrays.path)
    free = np.sqrt(8 * 0.75**2 / np.pi) * np.array(TIMES)
    mean = state.one("propensity", 0).mean(axis=1)
    np.testing.assert_allclose(mean, free, rtol=0.05)
    for name in ("relative_displacement", "non_affine_displacement", "bond_breaking"):
        assert np.isfinite(state.one(name, 0)).all()
    index = state.splits.index("test")
    assert from_arrays.state("T0.64").has_halves(index, "propensity", time=0.1)


@pytest.mark.parametrize(("kind", "tolerance"), [("dump", 1e-12), ("xyz", 0.0), ("gsd", 3e-6)])
def test_every_format_gives_the_same_arrays(tmp_path, from_arrays, kind, tolerance):
    report = imported(tmp_path, kind)
    assert not report.problems
    own, other = open_dataset(report.path).state("T0.64"), from_arrays.state("T0.64")
    assert own.configuration_ids == other.configuration_ids and own.splits == other.splits
    variables = [v for v in other.variables if other.dimensions(v)[0] == "configuration"]
    assert {"positions", "species", "propensity", "pair_distance_change"} <= set(variables)
    for variable in set(variables) - {"configuration_id", "split", "parent"}:
        for index in range(len(other.splits)):
            one, two = own.one(variable, index), other.one(variable, index)
            np.testing.assert_allclose(one, two, atol=max(tolerance, 1e-15), rtol=1e-6)
    if not tolerance:
        assert report.digest == from_arrays.digest


def test_runs_that_cannot_be_used_are_named_and_the_others_kept(tmp_path):
    source = write_folder(tmp_path / "source", "xyz")
    folder = source / "T0.64" / "p1" / "c0"
    (folder / "run3.xyz").write_text((folder / "run3.xyz").read_text()[:-40])
    (source / "T0.64" / "p2" / "c0" / "run1.xyz").write_text(
        (source / "T0.64" / "p3" / "c0" / "run1.xyz").read_text()
    )
    report = import_dataset(find_reader("trajectories"), source, tmp_path / "own", run=run_here)
    said = [f"{problem.file}: {problem.message}" for problem in report.problems]
    for file, message in (("p1/c0/run3.xyz", "cut off"), ("p2/c0/run1.xyz", "does not start")):
        assert any(line.startswith(f"T0.64/{file}: ") and message in line for line in said)
    assert sum("odd" in problem.message for problem in report.problems) == 2
    assert sum(report.configurations["T0.64"].values()) == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, "does not say its times: give times"),
        ({"times": (0.1,)}, "holds 2 frames after the first, and times= has 1"),
        ({"timestep": (0.0005,)}, "free flight allows"),
    ],
)
def test_times_that_are_not_known_or_cannot_be_are_refused(tmp_path, words, said):
    source = write_folder(tmp_path / "source", "dump")
    with pytest.raises(SourceError, match=said):
        import_dataset(
            find_reader("trajectories"), source, tmp_path / "own", words=words, run=run_here
        )


def test_a_temperature_or_a_second_sample_is_asked_for(tmp_path):
    source = tmp_path / "bare" / "c0"
    source.parent.mkdir()
    np.savez(source.with_suffix(".npz"), **trajectories(0))
    reader = find_reader("trajectories").load()
    with pytest.raises(SourceError, match="give temperature=T, or name a folder T0.64"):
        reader.plan(source.parent, {})
    with pytest.raises(SourceError, match="one sample cannot be split"):
        reader.plan(source.parent, {"temperature": (0.64,)})
