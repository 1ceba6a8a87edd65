"""The pickles of Bapst et al.: read, checked, imported."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.datasets.importing import import_dataset, run_here
from glassbench.datasets.store import open_dataset
from glassbench.plugins.task_modules import find_reader

READER = find_reader("bapst")
MODULE = READER.load()
WORDS = {"pair_cutoff": (1.8,)}
PARTICLES, EDGE = 64, 3.8


def content(number: int, **changes) -> dict:
    generator = np.random.default_rng(number)
    positions = generator.uniform(0, EDGE, (PARTICLES, 3))
    trajectories = [
        [positions + generator.normal(0, width, (PARTICLES, 3)) for _ in range(4)]
        for width in (0.1, 0.2)
    ]
    return {
        "positions": positions,
        "types": (generator.random(PARTICLES) < 0.2).astype(np.int32),
        "box": np.full(3, EDGE),
        "time": [0.0, 0.1, 0.2, 0.5 + 0.01 * number],
        "time_indices": [1, 3],
        "is_values": np.array([0.9, 0.8]),
        "metadata": {"temperature": 0.44, "pressure": 2.93, "fluid": "Kob Andersen"},
        "targets": [
            np.linalg.norm(np.array(t) - positions, axis=-1).mean(axis=0) for t in trajectories
        ],
        "trajectory_target_positions": trajectories[:1],
    } | changes


@pytest.fixture
def folder(tmp_path):
    for split, numbers in {"train": (1, 2, 3), "test": (7,)}.items():
        (tmp_path / "source" / split).mkdir(parents=True)
        for number in numbers:
            path = tmp_path / "source" / split / f"set_{number}.pickle"
            path.write_bytes(pickle.dumps(content(number)))
    return tmp_path / "source"


def test_values_come_back_exactly(folder, tmp_path):
    report = import_dataset(READER, folder, tmp_path / "out", words=WORDS, run=run_here)
    assert report.problems == ()
    assert report.configurations == {"T0.44": {"train": 2, "valid": 1, "test": 1}}
    dataset = open_dataset(tmp_path / "out")
    state = dataset.state("T0.44")
    index = state.configuration_ids.index("set_7")
    given = content(7)
    found = dataset.state("T0.44").structure_arrays(index)
    assert np.array_equal(found["positions"], given["positions"])
    assert np.array_equal(found["species"], given["types"])
    assert np.array_equal(found["box"], given["box"])
    for time, target in zip(state.short("time"), given["targets"], strict=True):
        assert np.array_equal(dataset.state("T0.44").values(index, "propensity", time=time), target)
    assert state.attributes["scattering_function"] == [0.9, 0.8]
    assert state.short("observation_time")[index].tolist() == [0.1, given["time"][3]]


def test_halves_and_pairs_are_there_where_trajectories_are(folder, tmp_path):
    import_dataset(READER, folder, tmp_path / "out", words=WORDS, run=run_here)
    dataset = open_dataset(tmp_path / "out")
    (index,), (early, late) = (
        dataset.state("T0.44").configurations("test"),
        dataset.state("T0.44").short("time"),
    )
    assert dataset.state("T0.44").short("trajectory_count")[index].tolist() == [4, 0]
    assert dataset.state("T0.44").has_halves(index, "pair_distance_change", time=early)
    assert not dataset.state("T0.44").has_halves(index, "propensity", time=late)
    assert dataset.state("T0.44").holds(index, "propensity", time=late)
    assert not dataset.state("T0.44").holds(index, "pair_distance_change", time=late)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"positions": np.zeros((PARTICLES, 2))}, r"`positions` as float64 of the shape"),
        ({"types": np.full(PARTICLES, 3)}, "`types`"),
        ({"time_indices": [1, 9]}, "`time_indices`"),
        ({"box": np.array([1.0, np.nan, 1.0])}, "`box` that are not finite"),
        ({"metadata": {}}, "temperature"),
        ({"targets": [np.zeros(PARTICLES)] * 3}, "`targets`"),
    ],
)
def test_wrong_content_is_named(tmp_path, changes, reason):
    path = tmp_path / "wrong.pickle"
    path.write_bytes(pickle.dumps(content(1, **changes)))
    with pytest.raises(SourceError, match=rf"wrong\.pickle.*{reason}"):
        MODULE.read_bapst_file(path)


def test_a_bad_pickle_is_named_and_the_others_are_kept(folder, tmp_path):
    targets = [np.zeros(PARTICLES)] * 2
    (folder / "train" / "set_1.pickle").write_bytes(pickle.dumps(content(1, targets=targets)))
    (folder / "train" / "set_2.pickle").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    report = import_dataset(READER, folder, tmp_path / "out", words=WORDS, run=run_here)
    reasons = {problem.file: problem.message for problem in report.problems}
    assert "differ by" in reasons["train/set_1.pickle"]
    assert "os.system" in reasons["train/set_2.pickle"]
    assert report.configurations["T0.44"]["test"] == 1


def test_the_published_large_file(shared_data, tmp_path):
    source = shared_data / "glassy_dynamics" / "test_large.pickle"
    report = import_dataset(READER, source, tmp_path / "large", run=run_here)
    assert report.problems == ()
    found = MODULE.read_bapst_file(source)
    dataset = open_dataset(tmp_path / "large")
    times = dataset.state("T0.44").short("time")
    assert times[0] == pytest.approx(0.132)
    assert dataset.state("T0.44").configurations("test").tolist() == [0]
    for time, target in zip(times, found.targets, strict=True):
        assert np.array_equal(dataset.state("T0.44").values(0, "propensity", time=time), target)
    halves = dataset.state("T0.44").halves(0, "propensity", time=times[0])
    assert np.allclose(halves.mean(axis=0), found.targets[0], atol=1e-12)


def test_the_published_small_file(shared_data):
    found = MODULE.read_bapst_file(shared_data / "glassy_dynamics" / "test_small.pickle")
    assert found.positions.shape == (20, 3)
    assert [len(t) for t in found.trajectories] == [30] * 10
    assert found.targets is None
    assert found.scattering[-1] == pytest.approx(np.exp(-1))


def test_a_file_of_another_pressure_or_density_is_left_out(folder, tmp_path):
    """As the published sets of three pressures have it; their temperature alone says too little."""
    train = folder / "train"
    other = content(4, metadata={"temperature": 0.44, "pressure": 5.0})
    (train / "set_4.pickle").write_bytes(pickle.dumps(other))
    dense = content(5)
    for name in ("positions", "box"):
        dense[name] = dense[name] * 0.95
    del dense["targets"]
    dense["trajectory_target_positions"] = [
        [dense["positions"] + 0.01] * 4 for _ in dense["is_values"]
    ]
    (train / "set_5.pickle").write_bytes(pickle.dumps(dense))
    report = import_dataset(READER, folder, tmp_path / "out", words=WORDS, run=run_here)
    messages = {problem.file: problem.message for problem in report.problems}
    assert set(messages) == {"train/set_4.pickle", "train/set_5.pickle"}
    assert "pressure 5, the others of T0.44 at 2.93" in messages["train/set_4.pickle"]
    assert "number density" in messages["train/set_5.pickle"]
    state = open_dataset(tmp_path / "out").state("T0.44")
    assert state.attributes["pressure"] == 2.93
    assert state.attributes["number_density"] == pytest.approx(PARTICLES / EDGE**3)
