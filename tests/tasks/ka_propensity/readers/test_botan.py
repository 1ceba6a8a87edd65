"""The files of Shiba et al.: read, checked, imported."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.datasets.importing import import_dataset, run_here
from glassbench.datasets.store import open_dataset
from glassbench.plugins.task_modules import find_reader

READER = find_reader("botan")
MODULE = READER.load()
WORDS = {"pair_cutoff": (1.8,)}


def rewrite(path, **changes) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays |= changes
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})


def test_values_come_back(make_botan, tmp_path):
    source = make_botan()
    import_dataset(READER, source, tmp_path / "out", words=WORDS, run=run_here)
    dataset = open_dataset(tmp_path / "out")
    state = dataset.state("T0.64")
    assert state.short("time").tolist() == [0.1, 0.165]
    assert state.attributes["tau_alpha"] == 16.5
    assert state.configuration_ids == ("1", "2", "3", "4", "401", "402")
    for index, name in enumerate(state.configuration_ids):
        split = "test" if int(name) > 400 else "train"
        for number, time in ((1, 0.1), (2, 0.165)):
            path = source / "T0.64" / split / f"isoconfig_N64T0.64_{name}_tc{number:02d}.npz"
            file = MODULE.read_botan_file(path)
            found = dataset.state("T0.64").structure_arrays(index)
            assert np.array_equal(found["positions"], file.initial_positions)
            assert np.array_equal(found["species"], file.types)
            exact = np.linalg.norm(file.positions - file.initial_positions, axis=2).mean(axis=0)
            assert np.array_equal(
                dataset.state("T0.64").values(index, "propensity", time=time),
                exact.astype(np.float32),
            )
            pairs = dataset.state("T0.64").pairs(index)
            apart = [
                x[:, pairs[:, 1]] - x[:, pairs[:, 0]]
                for x in (file.initial_positions[None], file.positions)
            ]
            before, after = (
                np.linalg.norm(v - file.box * np.round(v / file.box), axis=2) for v in apart
            )
            assert (before < 1.8).all()
            change = (after - before).mean(axis=0)
            assert np.allclose(
                dataset.state("T0.64").values(index, "pair_distance_change", time=time),
                change,
                atol=1e-7,
            )


def test_halves_of_pairs_are_kept_outside_training_alone(make_botan, tmp_path):
    import_dataset(READER, make_botan(), tmp_path / "out", words=WORDS, run=run_here)
    dataset = open_dataset(tmp_path / "out")
    for index, split in enumerate(dataset.state("T0.64").splits):
        kept = dataset.state("T0.64").has_halves(index, "pair_distance_change", time=0.1)
        assert kept == (split != "train")
        assert dataset.state("T0.64").has_halves(index, "propensity", time=0.1)


def test_folders_with_and_without_temperature_are_read(make_botan):
    source = make_botan()
    outer, inner = MODULE.plan(source, WORDS), MODULE.plan(source / "T0.64", WORDS)
    names = [[c.name for c in p.states[0].layout.configurations] for p in (outer, inner)]
    assert names[0] == names[1] == ["1", "2", "3", "4", "401", "402"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"types": None}, "has no array `types`"),
        ({"types": np.zeros(63, dtype=np.int8)}, r"`types` of the shape \(63,\), expected \(64\)"),
        ({"types": np.full(64, 2, dtype=np.int8)}, "only 0 .A. and 1 .B. are"),
        ({"positions": np.zeros((4, 64, 2))}, r"`positions` of the shape \(4, 64, 2\)"),
        ({"positions": np.zeros((3, 64, 3))}, "3 trajectories: an even number"),
        ({"positions": np.full((4, 64, 3), np.nan)}, "768 values in `positions`"),
        ({"positions": np.zeros((4, 64, 3), dtype=int)}, "not as float numbers"),
        ({"types": np.array([{}] * 64, dtype=object)}, "`types` as object"),
    ],
)
def test_wrong_content_is_named(make_botan, changes, reason):
    path = make_botan(train=1, test=0) / "T0.64/train/isoconfig_N64T0.64_1_tc01.npz"
    rewrite(path, **changes)
    with pytest.raises(SourceError, match=rf"isoconfig_N64T0\.64_1_tc01\.npz.*{reason}"):
        MODULE.read_botan_file(path)


def test_truncated_and_altered_files_are_named(make_botan):
    path = make_botan(train=1, test=0) / "T0.64/train/isoconfig_N64T0.64_1_tc01.npz"
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[:-50], _flipped(content)):
        path.write_bytes(damaged)
        with pytest.raises(SourceError, match=r"_1_tc01\.npz.*cut off or altered"):
            MODULE.read_botan_file(path)


def _flipped(content: bytes) -> bytes:
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 1
    return bytes(damaged)


def test_a_configuration_in_train_and_test_is_refused(make_botan):
    source = make_botan()
    folder = source / "T0.64"
    name = "isoconfig_N64T0.64_401_tc01.npz"
    (folder / "train" / name).write_bytes((folder / "test" / name).read_bytes())
    with pytest.raises(SourceError, match="configuration 401 of T0.64 stands in test and in train"):
        MODULE.plan(source, WORDS)


def test_a_file_of_another_configuration_is_not_merged(make_botan, tmp_path):
    source = make_botan()
    folder = source / "T0.64" / "train"
    other = (folder / "isoconfig_N64T0.64_2_tc02.npz").read_bytes()
    (folder / "isoconfig_N64T0.64_1_tc02.npz").write_bytes(other)
    report = import_dataset(READER, source, tmp_path / "out", words=WORDS, run=run_here)
    (problem,) = report.problems
    assert problem.file.endswith("_1_tc02.npz")
    assert "another configuration" in problem.message


def test_displacements_beyond_free_flight_betray_a_wrong_time():
    MODULE.check_ballistic(0.105, 0.1, 0.64)
    for mean, time in ((0.041, 0.1), (0.2, 0.1), (10.0, 5.2)):
        with pytest.raises(SourceError, match="the time is another one"):
            MODULE.check_ballistic(mean, time, 0.64)


def test_times_can_be_given(make_botan):
    words = {"times.0.64": (0.032, 0.1, 0.165)}
    (state,) = MODULE.plan(make_botan(), words).states
    assert state.layout.coordinates["time"].values == (0.032, 0.1)


def test_a_published_file(shared_data):
    folder = shared_data / "botan_small" / "test"
    file = MODULE.read_botan_file(folder / "isoconfig_N4096T0.44_401_tc07.npz")
    assert (file.temperature, file.number, file.time_index) == (0.44, 401, 7)
    assert file.box[0] == pytest.approx(15.05658, abs=1e-5)
    assert (file.types == 1).mean() == pytest.approx(0.2, abs=1e-3)
    (state,) = MODULE.plan(shared_data / "botan_small", {}).states
    assert state.layout.coordinates["time"].values == (4120.0,)
    assert len(state.files) == 13
