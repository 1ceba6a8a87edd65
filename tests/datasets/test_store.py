"""A store gives back what was written, to zarr and to xarray, and refuses what it lacks."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.manifest import pack_store
from glassbench.datasets.quantise import Packing
from glassbench.datasets.reading import open_tree
from glassbench.datasets.store import open_dataset
from glassbench.datasets.writing import create_store, finish_store, write_configuration

PACKING = Packing(2.0**-8, (1, 2, 4))
ATTRIBUTES = {
    "name": "small",
    "title": "a store for tests",
    "units_system": "lj",
    "licence": "CC0",
    "citation": "none",
}


def test_every_array_comes_back(make_store, arrays_of):
    path, _ = make_store()
    dataset = open_dataset(path)
    for index, time in enumerate(dataset.state("T0.64").short("time")):
        for configuration in range(4):
            given = arrays_of(configuration)
            found = dataset.state("T0.64").structure_arrays(configuration)
            assert found["configuration"] == f"c{configuration}"
            for name in ("positions", "inherent_positions", "species", "box"):
                assert np.array_equal(found[name], given[name]), name
                assert found[name].dtype == given[name].dtype
            single = given["propensity"][index].astype(np.float32)
            assert np.array_equal(
                dataset.state("T0.64").values(configuration, "propensity", time=time), single
            )
            assert np.array_equal(dataset.state("T0.64").pairs(configuration), given["pairs"])
            change = given["pair_distance_change"][index].astype(np.float32)
            assert np.array_equal(
                dataset.state("T0.64").values(configuration, "pair_distance_change", time=time),
                change,
            )


def test_halves_are_mean_plus_and_minus_the_difference(make_store, arrays_of):
    path, _ = make_store()
    dataset, given = open_dataset(path), arrays_of(3)
    halves = dataset.state("T0.64").halves(3, "propensity", time=5.2)
    assert np.allclose(halves.mean(axis=0), given["propensity"][2], rtol=1e-6)
    assert np.allclose(halves[0] - halves[1], 2 * given["propensity_half_difference"][2], atol=1e-6)
    close = dataset.state("T0.64").halves(3, "pair_distance_change", time=5.2)
    chosen = given["close_pair_index"]
    assert np.array_equal(dataset.state("T0.64").close_pair_index(3), chosen)
    assert np.allclose(close.mean(axis=0), given["pair_distance_change"][2][chosen], atol=1e-6)


def test_splits_and_parents(make_store):
    dataset = open_dataset(make_store()[0])
    assert dataset.states == ("T0.64",)
    assert dataset.state("T0.64").configurations("train").tolist() == [0, 1]
    assert dataset.state("T0.64").holds(3, "propensity", time=0.52)
    assert dataset.state("T0.64").parents == ("p0", "p1", "p2", "p3")
    assert dataset.state("T0.64").attributes["tau_alpha"] == 16.5
    assert dataset.state("T0.64").units("propensity") == "sigma_AA"


@pytest.mark.parametrize("packing", [None, PACKING])
@pytest.mark.parametrize("zipped", [False, True])
def test_xarray_reads_the_same_values(make_store, tmp_path, packing, zipped):
    path, _ = make_store(packing=packing)
    if zipped:
        path = pack_store(path, tmp_path / "small.zarr.zip")
    dataset, tree = open_dataset(path), open_tree(path)
    assert not tree.coords
    group = tree["T0.64"].ds
    assert set(group.coords) == {"time", "configuration_id", "split", "parent"}
    assert group.time.attrs["units"] == "tau"
    for variable in group.variables.values():
        assert variable.attrs["units"]
        assert variable.attrs["long_name"] if variable.dims != ("time",) else True
    for index in range(4):
        one = group.isel(configuration=index)
        count = int(one.pair_count)
        pairs = np.stack([one.pair_first[:count], one.pair_second[:count]], axis=1)
        assert np.array_equal(pairs, dataset.state("T0.64").pairs(index))
        assert np.array_equal(
            one.propensity[1], dataset.state("T0.64").values(index, "propensity", time=0.52)
        )
        assert np.array_equal(
            one.pair_distance_change[1, :count],
            dataset.state("T0.64").values(index, "pair_distance_change", time=0.52),
        )
        assert str(one.split.values) == dataset.state("T0.64").splits[index]


def test_packed_values_lie_within_half_a_step(make_store, arrays_of):
    dataset = open_dataset(make_store(packing=PACKING)[0])
    for time, step in zip((0.165, 0.52, 5.2), PACKING.resolution, strict=True):
        index = list(dataset.state("T0.64").short("time")).index(time)
        for variable in ("propensity", "pair_distance_change"):
            exact = arrays_of(2)[variable][index]
            found = dataset.state("T0.64").values(2, variable, time=time)
            assert 0 < np.abs(found - exact).max() <= step / 2


def test_configurations_may_be_written_in_any_order(make_store, state_of, arrays_of, tmp_path):
    path, state = make_store()
    other = tmp_path / "other.zarr"
    create_store(other, ATTRIBUTES, [state])
    facts: list = [None] * 4
    for index in (2, 0, 3, 1):
        facts[index] = write_configuration(other, state, index, arrays_of(index))
    assert finish_store(other, [state], {state.name: facts}) == open_dataset(path).digest


def test_chunks_hold_one_configuration_with_all_its_times(make_store):
    state = open_dataset(make_store()[0]).state("T0.64")
    for name in ("positions", "propensity", "pair_distance_change", "pair_first", "species"):
        array = state.array(name)
        assert array.chunks == (1, *array.shape[1:])
        assert array.codecs[-1]["name"] == "crc32c"


def test_a_dataset_pickles_as_its_path(make_store):
    dataset = open_dataset(make_store()[0])
    copy = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(copy.state("T0.64").pairs(1), dataset.state("T0.64").pairs(1))


def test_a_lost_chunk_is_told_and_does_not_read_as_data(make_store):
    path, _ = make_store()
    (path / "T0.64" / "propensity" / "c" / "1" / "0" / "0").unlink()
    (path / "T0.64" / "pair_second" / "c" / "2" / "0").unlink()
    (path / "T0.64" / "species" / "c" / "0" / "0").unlink()
    dataset = open_dataset(path)
    with pytest.raises(DatasetError, match="`propensity` of configuration c1 .* is lost"):
        dataset.state("T0.64").values(1, "propensity", time=0.52)
    with pytest.raises(DatasetError, match="configuration c2 .* is lost"):
        dataset.state("T0.64").pairs(2)
    with pytest.raises(DatasetError, match="`species` of configuration c0 .* is lost"):
        dataset.state("T0.64").structure_arrays(0)


def test_a_flipped_bit_is_told(make_store):
    path, _ = make_store()
    chunk = path / "T0.64" / "propensity" / "c" / "1" / "0" / "0"
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(DatasetError, match="`propensity` of state T0.64 .* cannot be read"):
        open_dataset(path).state("T0.64").values(1, "propensity", time=0.52)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda d: d.state("T0.44"), "no state T0.44: it has T0.64"),
        (
            lambda d: d.state("T0.64").values(0, "propensity", time=1.0),
            "no time 1: 0.165, 0.52, 5.2",
        ),
        (
            lambda d: d.state("T0.64").values(9, "propensity", time=0.52),
            "configurations 0 to 3, not 9",
        ),
        (lambda d: d.state("T0.64").configurations("tests"), "split `tests` is not one of"),
        (lambda d: d.state("T0.64").array("stiffness"), "has no `stiffness`"),
        (lambda d: d.state("T0.64").halves(0, "positions", time=0.52), "has no halves"),
    ],
)
def test_what_is_not_there_is_refused_by_name(make_store, ask, message):
    with pytest.raises(DatasetError, match=message):
        ask(open_dataset(make_store()[0]))


def test_a_configuration_that_does_not_fit_the_state_is_refused(make_store, arrays_of, tmp_path):
    _, state = make_store()
    path = tmp_path / "other.zarr"
    create_store(path, ATTRIBUTES, [state])
    for change, message in (
        ({"positions": np.zeros((5, 3))}, r"`positions` has the shape \(5, 3\)"),
        ({"pairs": np.zeros((99, 2), dtype=int)}, "more than the 60 slots"),
        ({"velocity": np.zeros(3)}, "no variable `velocity`"),
        ({"pairs": np.full((3, 2), 40000)}, "does not fit int16"),
    ):
        with pytest.raises(DatasetError, match=message):
            write_configuration(path, state, 0, arrays_of(0) | change)


def test_a_missing_configuration_is_in_no_split(state_of, arrays_of, tmp_path):
    state, path = state_of(), tmp_path / "store.zarr"
    create_store(path, ATTRIBUTES, [state])
    facts = [write_configuration(path, state, i, arrays_of(i)) for i in range(3)]
    finish_store(path, [state], {state.name: [*facts, None]})
    dataset = open_dataset(path)
    assert dataset.state("T0.64").configurations().tolist() == [0, 1, 2]
    assert len(dataset.state("T0.64").configurations("test")) == 0
    with pytest.raises(DatasetError, match="configuration c3 .* is missing"):
        dataset.state("T0.64").pairs(3)


def test_paths_that_are_no_store_are_refused(tmp_path):
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 cut off")
    (tmp_path / "a.xyz").write_text("1\n\nA 0 0 0\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "half.importing").mkdir()
    for name, message in (
        ("cut.zip", "is cut off: copy it again"),
        ("a.xyz", "no dataset, .* `glassbench data import` makes one"),
        ("empty", "holds no Zarr store"),
        ("half", "not finished: run its import again"),
        ("none", "there is no dataset"),
    ):
        with pytest.raises(DatasetError, match=message):
            open_dataset(tmp_path / name)


def test_the_package_is_light_until_it_is_used():
    heavy = "{'xarray', 'zarr', 'scipy', 'torch', 'ray'}"
    code = f"import sys, glassbench.datasets; assert not {heavy} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=_environment()).returncode == 0


def _environment() -> dict[str, str]:
    from pathlib import Path

    root = str(Path(__file__).resolve().parents[2])
    return os.environ | {"PYTHONPATH": root + os.pathsep + os.environ.get("PYTHONPATH", "")}


def test_a_second_store_at_a_path_is_refused(make_store):
    path, state = make_store()
    with pytest.raises(DatasetError, match="exists: remove it"):
        create_store(path, ATTRIBUTES, [state])
    shutil.rmtree(path)
    create_store(path, ATTRIBUTES, [state])


DESCRIBED = {
    "a codec that executes": {"codecs": [{"name": "numcodecs.pickle"}]},
    "another codec": {"codecs": [{"name": "gzip"}]},
    "objects": {"data_type": "object"},
    "a type with a name of its own": {"data_type": {"name": "numpy.datetime64"}},
    "an old format": {"zarr_format": 2},
    "a shape without end": {"shape": [10**9, 10**9]},
    "a chunk without end": {"shape": [1, 10**6, 10**6]},
    "a negative shape": {"shape": [-1]},
    "no shape": {"shape": None},
    "a shape of words": {"shape": ["9"]},
}


@pytest.mark.attempt("a store asks for what ours do not")
@pytest.mark.parametrize("name", DESCRIBED)
def test_a_store_is_refused_before_zarr_reads_what_ours_do_not_say(name, tiny_dataset, tmp_path):
    store = tmp_path / "store.zarr"
    shutil.copytree(tiny_dataset, store)
    described = store / "T0.64" / "species" / "zarr.json"
    node = json.loads(described.read_text()) | DESCRIBED[name]
    described.write_text(json.dumps(node))
    with pytest.raises(DatasetError, match="T0.64/species/zarr.json describes no"):
        open_dataset(store)


@pytest.mark.attempt("a store has broken metadata")
@pytest.mark.parametrize("content", [b"", b"[" * 10**5, b"9" * 5000, b"\xff", b"[]", b"{}"])
def test_broken_metadata_are_one_line(content, tiny_dataset, tmp_path):
    store = tmp_path / "store.zarr"
    shutil.copytree(tiny_dataset, store)
    (store / "T0.64" / "zarr.json").write_bytes(content)
    with pytest.raises(DatasetError, match="describes no group or array"):
        open_dataset(store)
