from __future__ import annotations

import hashlib
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassbench.trial.predictions import PredictionsError, read_predictions, write_predictions


def _predictions(seed: int, particles: int = 5) -> dict:
    rng = np.random.default_rng(seed)
    return {
        f"temperature=0.64 time={time:g}": {
            f"configuration_{c}": {
                "propensity": rng.normal(size=particles).astype(np.float32),
                "pair_distance_change": rng.normal(size=7 + c),
            }
            for c in range(3)
        }
        for time in (0.52, 16.5)
    }


def _assert_equal(left: dict, right: dict) -> None:
    assert list(left) == list(right)
    for condition in left:
        assert list(left[condition]) == list(right[condition])
        for configuration, targets in left[condition].items():
            assert list(targets) == list(right[condition][configuration])
            for target, values in targets.items():
                other = right[condition][configuration][target]
                assert values.dtype == other.dtype
                np.testing.assert_array_equal(values, other)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), particles=st.integers(1, 20))
def test_what_is_written_is_read_back(tmp_path_factory, seed, particles):
    path = tmp_path_factory.mktemp("predictions") / "predictions.npz"
    predictions = _predictions(seed, particles)
    write_predictions(path, predictions)
    _assert_equal(read_predictions(path), predictions)


def test_equal_predictions_are_equal_bytes_and_the_digest_is_the_files(tmp_path, monkeypatch):
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    digest = write_predictions(first, _predictions(1))
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert write_predictions(second, _predictions(1)) == digest
    assert hashlib.sha256(second.read_bytes()).hexdigest() == digest
    assert write_predictions(second, _predictions(2)) != digest


def test_plain_numpy_reads_the_arrays(tmp_path):
    path = tmp_path / "predictions.npz"
    predictions = _predictions(0)
    write_predictions(path, predictions)
    with np.load(path, allow_pickle=False) as archive:
        assert archive["temperature=0.64 time=16.5/propensity"].shape == (3, 5)
        offset = archive["temperature=0.64 time=16.5/pair_distance_change.offset"]
    assert offset.tolist() == [0, 7, 15, 24]


def test_a_file_of_one_condition_names_it_by_scalars(tmp_path):
    path = tmp_path / "predictions.npz"
    values = np.arange(8.0).reshape(2, 4)
    np.savez(path, configuration=["a", "b"], propensity=values, temperature=0.44, time=4120)
    read = read_predictions(path)
    assert list(read) == ["temperature=0.44 time=4120"]
    np.testing.assert_array_equal(read["temperature=0.44 time=4120"]["b"]["propensity"], values[1])


def test_a_file_of_one_condition_may_leave_the_condition_out(tmp_path):
    path = tmp_path / "predictions.npz"
    np.savez(path, configuration=["a"], propensity=np.zeros((1, 4)))
    assert list(read_predictions(path)) == [""]


@pytest.mark.parametrize("form", [np.asarray, lambda value: np.array([value])])
def test_axes_and_names_may_be_written_as_people_write_them(tmp_path, form):
    path, axes = tmp_path / "p.npz", {"temperature": form(0.64), "time": form(5)}
    np.savez(path, configuration=np.array([b"a", b"b"]), propensity=np.eye(2, 4) > 0, **axes)
    (condition,) = read_predictions(path).items()
    assert condition[0] == "temperature=0.64 time=5" and list(condition[1]) == ["a", "b"]
    assert condition[1]["a"]["propensity"].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("name", ["p.npy", "p.csv", "p.pt", "p", "folder", "nowhere"])
def test_another_file_is_refused_in_one_line(tmp_path, name):
    path = tmp_path / name
    np.save(tmp_path / "p.npy", np.eye(2))
    np.savetxt(tmp_path / "p.csv", np.eye(2))
    with zipfile.ZipFile(tmp_path / "p.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    np.savez(tmp_path / "p.npz", configuration=np.array(["a"], object), propensity=np.eye(1))
    (tmp_path / "p.npz").rename(tmp_path / "p")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PredictionsError, match=name) as refused:
        read_predictions(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"propensity": np.zeros((1, 4))}, "`configuration` is missing"),
        ({"configuration": ["a", "a"], "propensity": np.zeros((2, 4))}, "a stands there twice"),
        ({"configuration": ["a", "b"], "propensity": np.zeros((3, 4))}, r"\(3, 4\).*length.*2"),
        ({"configuration": ["a"], "propensity": np.array([["x"]])}, "numbers are wanted"),
        ({"configuration": ["a"]}, "no target"),
        (
            {"configuration": ["a"], "e": np.zeros(4), "e.offset": np.array([0, 3])},
            "must rise from 0 to 4 in 2 values",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, arrays, message):
    path = tmp_path / "predictions.npz"
    np.savez(path, **arrays)
    with pytest.raises(PredictionsError, match=message):
        read_predictions(path)


class _Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle ran",))


def test_a_pickle_is_refused_and_does_not_run(tmp_path):
    path = tmp_path / "predictions.npz"
    np.savez(path, configuration=np.array([_Bomb()], dtype=object))
    with pytest.raises(PredictionsError, match="not an .npz of plain arrays"):
        read_predictions(path)
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(PredictionsError, match="not an .npz of plain arrays"):
        read_predictions(path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "predictions.npz"
    write_predictions(path, _predictions(0))
    before = path.read_bytes()
    broken = {"time=1": {"a": {"propensity": np.zeros(3)}, "b": {}}}
    with pytest.raises(PredictionsError, match="configuration b at time=1 has no `propensity`"):
        write_predictions(path, broken)
    assert path.read_bytes() == before
