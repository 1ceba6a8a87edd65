"""The content digest sees what a store says, and nothing of how it is stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray
import zarr

from glassbench.datasets.manifest import content_digest, pack_store
from glassbench.datasets.quantise import Packing
from glassbench.datasets.reading import open_tree
from glassbench.datasets.store import open_dataset
from glassbench.datasets.writing import write_dataset

PACKING = Packing(2.0**-8, (1, 2, 4))
ATTRIBUTES = {
    "name": "other name",
    "title": "another title",
    "units_system": "lj",
    "licence": "CC0",
    "citation": "none",
}


@pytest.fixture
def digest_of(tmp_path, arrays_of):
    def digest(state, change=lambda index, arrays: arrays, name="other.zarr"):
        arrays = [change(i, arrays_of(i)) for i in range(len(state.configurations))]
        return write_dataset(tmp_path / name, ATTRIBUTES, [state], {state.name: arrays})

    return digest


def test_a_zip_has_the_digest_of_its_directory(make_store, tmp_path):
    path, _ = make_store()
    copy = pack_store(path, tmp_path / "copy.zarr.zip")
    assert content_digest(copy) == content_digest(path) == open_dataset(copy).digest


def test_packing_a_store_twice_gives_the_same_bytes(make_store, tmp_path):
    path, _ = make_store()
    copies = [pack_store(path, tmp_path / name).read_bytes() for name in ("a.zip", "b.zip")]
    assert copies[0] == copies[1]


@pytest.mark.parametrize("packing", [None, PACKING])
def test_other_chunks_and_compression_keep_the_digest(make_store, tmp_path, packing):
    path, _ = make_store(packing=packing)
    source, copy = zarr.open_group(path, mode="r"), tmp_path / "copy.zarr"
    target = zarr.open_group(copy, mode="w", attributes=dict(source.attrs))
    for name, group in source.groups():
        other = target.create_group(name, attributes=dict(group.attrs))
        for variable, array in group.arrays():
            made = other.create_array(
                variable,
                shape=array.shape,
                chunks=tuple(max(1, (n + 1) // 2) for n in array.shape),
                dtype=array.dtype,
                fill_value=array.fill_value,
                compressors=None,
                dimension_names=array.metadata.dimension_names,
                attributes=dict(array.attrs),
            )
            made[...] = array[...]
    assert content_digest(copy) == content_digest(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("packing", [None, PACKING])
def test_a_copy_written_by_xarray_keeps_the_digest(make_store, tmp_path, packing):
    """Decoded by xarray to floats, and stored as floats without any packing."""
    path, _ = make_store(packing=packing)
    tree = open_tree(path).load()
    for node in tree.subtree:
        for variable in node.variables.values():
            variable.encoding = {}
    copy = tmp_path / "copy.zarr"
    tree.to_zarr(copy, zarr_format=3, consolidated=False)
    assert xarray.open_zarr(copy, group="T0.64", consolidated=False).propensity.dtype.kind == "f"
    assert content_digest(copy) == content_digest(path)


def test_slots_and_names_of_the_store_do_not_enter(make_store, digest_of):
    path, state = make_store()
    wider = replace(state, pair_slots=75, close_pair_slots=20)
    assert digest_of(wider) == content_digest(path)


@pytest.mark.parametrize(
    "variable",
    [
        "positions",
        "species",
        "box",
        "propensity",
        "propensity_half_difference",
        "pair_first",
        "pair_distance_change",
        "close_pair_index",
        "pair_distance_change_half_difference",
        "trajectory_count",
        "available",
        "time",
    ],
)
def test_one_changed_value_changes_the_digest(make_store, variable):
    path, _ = make_store()
    before = content_digest(path)
    array = zarr.open_group(path, mode="r+")["T0.64"][variable]
    values = np.array(array[...])
    first = (1, *[0] * (values.ndim - 1)) if values.ndim > 1 else (1,)
    values[first] = not values[first] if values.dtype == bool else values[first] + 1
    array[...] = values
    assert content_digest(path) != before


def test_one_changed_name_changes_the_digest(make_store):
    path, _ = make_store()
    digests = {content_digest(path)}
    group = zarr.open_group(path, mode="r+")["T0.64"]
    for variable in ("configuration_id", "split", "parent"):
        group[variable][0] = "another"
        digests.add(content_digest(path))
    assert len(digests) == 4


def test_unit_and_temperature_enter_and_citation_does_not(make_store):
    path, _ = make_store()
    root = zarr.open_group(path, mode="r+")
    before = content_digest(path)
    root.update_attributes({"citation": "another"})
    assert content_digest(path) == before
    root["T0.64"]["propensity"].update_attributes({"units": "nm"})
    after = content_digest(path)
    root["T0.64"].update_attributes({"temperature": 0.65})
    assert len({before, after, content_digest(path)}) == 3


def test_two_configurations_exchanged_change_the_digest(make_store, digest_of, arrays_of):
    path, state = make_store()
    exchanged = {0: 1, 1: 0}
    other = digest_of(state, lambda index, _: arrays_of(exchanged.get(index, index)))
    assert other != content_digest(path)
