"""A store from a stranger takes no more memory and time than its arrays say, and one line."""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
import zipfile

import google_crc32c
import numcodecs
import numpy as np
import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.manifest import content_digest
from glassbench.datasets.reading import unfolded_size
from glassbench.datasets.store import open_dataset

MIB = 2**20
SPLIT, POSITIONS = "T0.64/split/c/0", "T0.64/positions/c/0/0/0"


def checked(data: bytes) -> bytes:
    return data + google_crc32c.value(data).to_bytes(4, "little")


def write(path, content):
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def zstd_bomb(store):
    """A label of 120 MiB in a few kilobytes."""
    text = (1).to_bytes(4, "little") + (120 * MIB).to_bytes(4, "little") + bytes(120 * MIB)
    write(store / SPLIT, checked(numcodecs.Zstd(level=1).encode(text)))


def zstd_of_unknown_size(store):
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(bytes(40 * MIB))
    write(store / SPLIT, checked(sink.getvalue().to_pybytes()))


def zstd_that_lies(store):
    frame = bytearray(numcodecs.Zstd().encode(bytes(300)))
    frame[4:9] = bytes([0xE0]) + (2**50).to_bytes(8, "little")[:4]
    write(store / SPLIT, checked(bytes(frame)))


def blosc_bomb(store):
    data = numcodecs.Blosc("zstd", clevel=1).encode(np.zeros(120 * MIB, np.uint8))
    write(store / POSITIONS, checked(bytes(data)))


def blosc_that_lies(store):
    data = bytearray((store / POSITIONS).read_bytes()[:-4])
    data[4:8] = (2**31 - 17).to_bytes(4, "little")
    write(store / POSITIONS, checked(bytes(data)))


def blosc_cut_off(store):
    write(store / POSITIONS, checked(b"\x02\x01"))


def text_of_many(store):
    write(store / SPLIT, checked(numcodecs.Zstd().encode(b"\xff\xff\xff\xff" + bytes(8))))


def sparse_chunk(store):
    (store / POSITIONS).unlink()
    with open(store / POSITIONS, "wb") as file:
        file.truncate(2**42)


def pipe(store):
    (store / POSITIONS).unlink()
    os.mkfifo(store / POSITIONS)


def endless_link(store):
    (store / POSITIONS).unlink()
    (store / POSITIONS).symlink_to("/dev/zero")


def described(name, **changes):
    def change(store):
        path = store / "T0.64" / name / "zarr.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def pipe_in_place_of_a_description(store):
    (store / "T0.64" / "zarr.json").unlink()
    os.mkfifo(store / "T0.64" / "zarr.json")


def link_in_place_of_a_description(store):
    (store / "T0.64" / "zarr.json").unlink()
    (store / "T0.64" / "zarr.json").symlink_to("/dev/zero")


def grid(*shape):
    return {"name": "regular", "configuration": {"chunk_shape": list(shape)}}


BLOSC = {"name": "blosc", "configuration": {
    "typesize": 8, "cname": "zstd", "clevel": 1, "shuffle": "shuffle", "blocksize": 0,
}}  # fmt: skip
VLEN, ZSTD = {"name": "vlen-utf8"}, {"name": "zstd", "configuration": {"level": 1}}
ATTACKS = {
    "a zstd bomb": zstd_bomb,
    "zstd of unknown size": zstd_of_unknown_size,
    "zstd that lies about its size": zstd_that_lies,
    "a blosc bomb": blosc_bomb,
    "blosc that lies about its size": blosc_that_lies,
    "a chunk that is cut off": blosc_cut_off,
    "texts without number": text_of_many,
    "a sparse chunk": sparse_chunk,
    "a pipe": pipe,
    "a link to a device": endless_link,
    "a pipe as description": pipe_in_place_of_a_description,
    "a link as description": link_in_place_of_a_description,
    "compressed twice": described("split", codecs=[VLEN, ZSTD, ZSTD]),
    "compressed by two": described("split", codecs=[VLEN, BLOSC, ZSTD]),
    "a checksum first": described("split", codecs=[VLEN, {"name": "crc32c"}, ZSTD]),
    "labels that fill memory": described(
        "split", shape=[10**8], dimension_names=["configuration"], chunk_grid=grid(10**4)
    ),
    "labels in three dimensions": described(
        "split", shape=[10**4, 10**4, 10**4], chunk_grid=grid(1, 1, 1),
        dimension_names=["configuration", "a", "b"],
    ),
    "configurations without end": described(
        "positions", shape=[10**12, 64, 3], chunk_grid=grid(1, 64, 3)
    ),
    "dimensions of no configuration": described(
        "positions", shape=[10**4, 10**4, 10**4], chunk_grid=grid(1, 64, 3),
        dimension_names=["a", "b", "c"],
    ),
    "a shape of huge integers": described("positions", shape=[10**300, 64, 3]),
}  # fmt: skip


def read_all(path):
    dataset = open_dataset(path)
    state = dataset.state("T0.64")
    for index in state.configurations():
        state.structure_arrays(index)


# A zip file has none of these.
OF_FOLDERS = {name for name in ATTACKS if name.split()[1] in ("sparse", "pipe", "link")}


@pytest.mark.attempt("a store takes memory or time without end")
@pytest.mark.parametrize(
    ("attack", "zipped"),
    [(a, z) for a in ATTACKS for z in (False, True) if not (z and a in OF_FOLDERS)],
)
def test_a_store_is_one_line_within_time_and_memory(attack, zipped, make_store, tmp_path):
    store, _ = make_store()
    read_all(store)
    ATTACKS[attack](store)
    if zipped:
        plain = [path for path in store.rglob("*") if path.is_file()]
        with zipfile.ZipFile(tmp_path / "store.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in plain:
                archive.write(path, path.relative_to(store))
        store = tmp_path / "store.zip"
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    for read in (read_all, content_digest):
        with pytest.raises(DatasetError) as refused:
            read(store)
        assert "\n" not in str(refused.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert time.process_time() - begin < 5


def test_a_large_member_of_a_zip_is_not_unfolded(make_store, tmp_path):
    whole_store, _ = make_store()
    with zipfile.ZipFile(tmp_path / "store.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in whole_store.rglob("*"):
            if path.is_file() and path != whole_store / POSITIONS:
                archive.write(path, path.relative_to(whole_store))
        with archive.open(POSITIONS, "w") as member:
            for _ in range(120):
                member.write(bytes(MIB))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DatasetError, match="positions/c/0/0/0 has 125829120 bytes"):
        read_all(tmp_path / "store.zip")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_what_is_deeper_than_an_array_is_not_there(make_store):
    store, _ = make_store()
    shutil.copytree(store / "T0.64", store / "T0.64" / "deeper")
    node = json.loads((store / "T0.64" / "split" / "zarr.json").read_text())
    node["codecs"] = [{"name": "numcodecs.pickle"}]
    (store / "T0.64" / "deeper" / "split" / "zarr.json").write_text(json.dumps(node))
    read_all(store)
    with pytest.raises(DatasetError, match="no part of a dataset"):
        open_dataset(store).tree()


@pytest.mark.parametrize("size", [0, 1, 40, 255, 256, 300, 65_792, 70_000, 10**6])
def test_the_size_of_a_frame_is_read_from_its_header(size):
    data = np.arange(size, dtype=np.uint8)
    assert unfolded_size(numcodecs.Zstd().encode(data)[:16], "zstd") == size
    if size:
        assert unfolded_size(bytes(numcodecs.Blosc().encode(data))[:16], "blosc") == size
