"""The files of the roadmap dataset: read, checked, imported, on small ones made here."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.datasets.importing import import_dataset, run_here
from glassbench.datasets.store import open_dataset
from glassbench.plugins.task_modules import find_reader

READER = find_reader("roadmap")
MODULE = READER.load()
PARTICLES, TIMES = 64, 10


def content(number: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(number)
    edge = (PARTICLES / 1.2) ** (1 / 3)
    positions = generator.uniform(0, edge, (3, PARTICLES, 3))
    return {
        "types": (generator.random(PARTICLES) < 0.2).astype(np.int64),
        "initial_positions": positions[0],
        "initial_positions_inherent": positions[1],
        "initial_positions_cage": positions[2],
        "md_prop": generator.gamma(2, 0.2, (TIMES, PARTICLES)),
        "bb_prop": generator.random((TIMES, PARTICLES)),
    }


@pytest.fixture
def folder(tmp_path):
    for split, numbers in {"train": (1, 2, 3), "test": (401,)}.items():
        (tmp_path / "source" / "T0.44" / split).mkdir(parents=True)
        for number in numbers:
            path = tmp_path / "source" / "T0.44" / split / f"N64T0.44_{number}.npz"
            np.savez(path, **content(number))
    return tmp_path / "source"


def test_values_come_back_exactly(folder, tmp_path):
    report = import_dataset(READER, folder, tmp_path / "out", run=run_here)
    assert report.problems == ()
    assert report.configurations == {"T0.44": {"train": 2, "valid": 1, "test": 1}}
    dataset = open_dataset(tmp_path / "out")
    state = dataset.state("T0.44")
    assert state.short("time").tolist() == [
        0.13,
        1.3,
        13,
        130,
        412,
        1300,
        4120,
        13000,
        41200,
        130000,
    ]
    for index, name in enumerate(state.configuration_ids):
        given, found = content(int(name)), dataset.state("T0.44").structure_arrays(index)
        assert np.array_equal(found["positions"], given["initial_positions"])
        assert np.array_equal(found["inherent_positions"], given["initial_positions_inherent"])
        assert np.array_equal(found["cage_positions"], given["initial_positions_cage"])
        assert np.array_equal(found["species"], given["types"])
        for time, value in zip(state.short("time"), given["md_prop"], strict=True):
            assert np.array_equal(
                dataset.state("T0.44").values(index, "propensity", time=time), value
            )
        assert np.array_equal(state.one("bond_breaking_propensity", index), given["bb_prop"])
        assert not dataset.state("T0.44").has_halves(index, "propensity", time=4120.0)


def test_a_file_with_other_times_is_named_and_the_others_are_kept(folder, tmp_path):
    path = folder / "T0.44" / "train" / "N64T0.44_2.npz"
    short = content(2)
    np.savez(path, **short | {"md_prop": short["md_prop"][:7], "bb_prop": short["bb_prop"][:7]})
    report = import_dataset(READER, folder, tmp_path / "out", run=run_here)
    (problem,) = report.problems
    assert problem.file == "T0.44/train/N64T0.44_2.npz"
    assert "`md_prop` at 7 times, T0.44 has 10" in problem.message


def test_a_wrong_shape_is_named(folder):
    path = folder / "T0.44" / "train" / "N64T0.44_2.npz"
    np.savez(path, **content(2) | {"initial_positions_cage": np.zeros((PARTICLES, 2))})
    with pytest.raises(SourceError, match=r"_2\.npz.*`initial_positions_cage` of the shape"):
        MODULE.read_roadmap_file(path)
