"""Stores are read as zarr reads them, whatever their chunks, and damage is refused."""

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from glassbench.contract.errors import DatasetError
from glassbench.datasets.reading import open_group

pytestmark = pytest.mark.quick

CODECS = {
    "none": [],
    "blosc": [BloscCodec(cname="lz4"), Crc32cCodec()],
    "zstd": [ZstdCodec(), Crc32cCodec()],
}


def make_array(path, values, chunks, codecs="blosc", **options):
    root = zarr.open_group(path, mode="w", zarr_format=3, attributes={"name": "one"})
    group = root.create_group("state", attributes={"temperature": 0.5})
    array = group.create_array(
        "values",
        shape=values.shape,
        chunks=chunks,
        dtype=values.dtype,
        compressors=CODECS[codecs],
        dimension_names=list("abc"[: values.ndim]),
        attributes={"units": "1"},
        **options,
    )
    array[...] = values
    return array


def read(path):
    return open_group(path).groups["state"].arrays["values"]


@pytest.mark.parametrize("codecs", CODECS)
@pytest.mark.parametrize("chunks", [(1, 4, 3), (5, 4, 3), (2, 3, 2), (7, 1, 5)])
def test_values_are_those_that_zarr_reads(tmp_path, chunks, codecs):
    values = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    array = make_array(tmp_path / "s", values, chunks, codecs)
    ours = read(tmp_path / "s")
    assert (ours.shape, ours.chunks, ours.dimensions) == (array.shape, chunks, ("a", "b", "c"))
    np.testing.assert_array_equal(ours[...], array[...])
    for index in (0, 3, -1):
        np.testing.assert_array_equal(ours[index], array[index])
    with pytest.raises(IndexError):
        ours[5]


@pytest.mark.parametrize("kind", ["bool", "int8", "int16", "uint32", "int64", "float64"])
def test_kinds_and_missing_chunks_are_those_of_zarr(tmp_path, kind):
    values = (np.arange(12) % 5).reshape(4, 3).astype(kind)
    array = make_array(tmp_path / "s", values, (1, 3), fill_value=1)
    (tmp_path / "s/state/values/c/2/0").unlink(
        missing_ok=True
    )  # zarr leaves out what is full of it
    ours = read(tmp_path / "s")[...]
    assert ours.dtype == array.dtype
    np.testing.assert_array_equal(ours, array[...])
    assert (ours[2] == 1).all()


def test_a_number_without_axes_and_an_empty_array(tmp_path):
    make_array(tmp_path / "s", np.array(3.5), ())
    assert read(tmp_path / "s")[...] == 3.5
    make_array(tmp_path / "e", np.zeros((0, 3)), (1, 3))
    assert read(tmp_path / "e")[...].shape == (0, 3)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], "checksum"),
        (lambda data: data[:3], "checksum"),
        (lambda data: b"", "checksum"),
    ],
)
def test_an_altered_chunk_is_refused(tmp_path, make_it, message):
    make_array(tmp_path / "s", np.arange(60.0).reshape(5, 4, 3), (1, 4, 3))
    chunk = tmp_path / "s/state/values/c/1/0/0"
    chunk.write_bytes(make_it(chunk.read_bytes()))
    ours = read(tmp_path / "s")
    with pytest.raises(ValueError, match=message):
        ours[1]
    assert ours[0].sum() == 66


def test_a_chunk_of_another_size_is_refused(tmp_path):
    make_array(tmp_path / "s", np.arange(60.0).reshape(5, 4, 3), (1, 4, 3))
    make_array(tmp_path / "t", np.arange(15.0).reshape(5, 1, 3), (1, 1, 3))
    chunk = "state/values/c/1/0/0"
    (tmp_path / "s" / chunk).write_bytes((tmp_path / "t" / chunk).read_bytes())
    with pytest.raises(ValueError, match="has 3 values"):
        read(tmp_path / "s")[1]


def test_a_codec_that_ours_do_not_have_is_refused(tmp_path):
    values = np.arange(12.0).reshape(4, 3)
    make_array(tmp_path / "s", values, (1, 3), shards=(4, 3))
    with pytest.raises(DatasetError, match="sharding"):
        open_group(tmp_path / "s")
