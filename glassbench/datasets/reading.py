"""Reading a store of Zarr v3: its groups, its arrays, and their values, chunk by chunk.

zarr itself writes. Its own reader takes 0.3 s to import and some milliseconds for each array,
through an event loop; here an array costs what its chunks cost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .quantise import FILL, unpack

# The codecs that a store may ask for, as `create_array` of `writing` makes it: an encoding, then a
# compressor, then a checksum.
CODECS = ({"bytes", "vlen-utf8"}, {"blosc", "zstd"}, {"crc32c"})
CHECKSUM_BYTES, BLOSC_HEADER, ZSTD_MAGIC = 4, 16, b"\x28\xb5\x2f\xfd"
# Of one text of an array; of chunks that are joined; of a file above twice its chunk.
TEXT_BYTES, MOST_CHUNKS, OVERHEAD = 4096, 100_000, 2**16

# Returns the bytes of a file of the store, at most so many; KeyError or FileNotFoundError where
# there is none.
ReadFile = Callable[[str, int], bytes]


class StoredArray:
    """An array of a store: what its description says, and its values as they are asked for.

    Attributes
    ----------
    attributes : units, long_name, and how its values are packed
    shape, dimensions : lengths, and their names
    chunks : lengths of one chunk
    """

    def __init__(self, path: str, node: Mapping[str, Any], read_file: ReadFile) -> None:
        self.path, self._read_file = path, read_file
        self.attributes: Mapping[str, Any] = node.get("attributes") or {}
        self.shape: tuple[int, ...] = tuple(node["shape"])
        self.dimensions = tuple(map(str, node.get("dimension_names") or ()))
        self.chunks = tuple(node["chunk_grid"]["configuration"]["chunk_shape"])
        self.codecs, self._fill = node["codecs"], node["fill_value"]
        kind = node["data_type"]
        self.dtype = np.dtype(object if kind == "string" else kind)
        item = TEXT_BYTES if kind == "string" else self.dtype.itemsize
        self._chunk_bytes = math.prod(self.chunks) * item + CHECKSUM_BYTES

    def __getitem__(self, selection: Any) -> np.ndarray:
        """Return the values as they are stored: all (`...`), or those of one entry (an index).

        They may be read-only, see `decode`.
        """
        grid = [range(-(-n // c)) for n, c in zip(self.shape, self.chunks)]
        if selection is Ellipsis:
            return self._chunks(grid)
        number, entry = divmod(range(self.shape[0])[selection], self.chunks[0])
        return self._chunks([range(number, number + 1), *grid[1:]])[entry]

    def decode(self, stored: np.ndarray) -> np.ndarray:
        """Return the physical values, which the caller may change, of stored ones.

        Follows the CF attributes `scale_factor`, `add_offset` and, for integers, `_FillValue`;
        values that were packed by this package decode exactly, as float32.
        """
        about = self.attributes
        if "scale_factor" not in about and "add_offset" not in about:
            return stored.copy()
        scale, offset = about.get("scale_factor", 1.0), about.get("add_offset", 0.0)
        return unpack(stored, float(scale), float(offset), int(about.get("_FillValue", FILL)))

    def _chunks(self, grid: list[range]) -> np.ndarray:
        """Return the values of the chunks with these numbers along each axis, joined."""
        ends = [n - r.start * c for n, r, c in zip(self.shape, grid, self.chunks)]
        if all(len(numbers) == 1 for numbers in grid):
            only = self._one_chunk(tuple(numbers.start for numbers in grid))
            return np.broadcast_to(only, self.chunks)[tuple(map(slice, ends))]
        if math.prod(map(len, grid)) > MOST_CHUNKS:
            raise ValueError(f"more than {MOST_CHUNKS} chunks are not read at once")
        whole = np.empty([len(r) * c for r, c in zip(grid, self.chunks)], self.dtype)
        for numbers in itertools.product(*grid):
            low = [(i - r.start) * c for i, r, c in zip(numbers, grid, self.chunks)]
            whole[tuple(slice(i, i + c) for i, c in zip(low, self.chunks))] = self._one_chunk(
                numbers
            )
        return whole[tuple(map(slice, ends))]

    def _one_chunk(self, numbers: tuple[int, ...]) -> np.ndarray:
        """Return the values of a chunk, or the fill value where its file is missing."""
        try:
            name = "/".join([self.path, "c", *map(str, numbers)])
            data = self._read_file(name, 2 * self._chunk_bytes + OVERHEAD)
        except (KeyError, FileNotFoundError):
            return np.array(self._fill).astype(self.dtype)
        values: Any = data
        for codec in reversed(self.codecs):
            values = _decoded(values, codec, self.dtype, self._chunk_bytes)
        if values.size != math.prod(self.chunks):
            raise ValueError(f"chunk {numbers} has {values.size} values")
        return values.reshape(self.chunks)


def _decoded(data: Any, codec: Mapping[str, Any], dtype: np.dtype, most: int) -> Any:
    """Undo one codec: bytes become bytes, at most so many, or the values at last."""
    name = codec["name"]
    if name == "crc32c":
        from google_crc32c import value

        content, stated = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
        if value(content) != int.from_bytes(stated, "little") or not content:
            raise ValueError("its checksum is wrong")
        return content
    if name == "bytes":
        big = (codec.get("configuration") or {}).get("endian") == "big"
        return np.frombuffer(data, dtype.newbyteorder(">" if big else "<"))
    if name == "vlen-utf8":
        from numcodecs.vlen import VLenUTF8

        return VLenUTF8().decode(data)
    from numcodecs import blosc, zstd

    if (size := unfolded_size(data, name)) > most:
        raise ValueError(f"a chunk unfolds to {size} bytes, {most} at most are there")
    return (blosc if name == "blosc" else zstd).decompress(data)


def unfolded_size(data: bytes, compressor: str) -> int:
    """Return how many bytes a chunk has without its compression, as its first bytes say.

    Source: the headers of c-blosc, README_CHUNK_FORMAT.rst, and of RFC 8878, section 3.1.1.1.
    """
    if compressor == "blosc":
        if len(data) < BLOSC_HEADER:
            raise ValueError("a chunk is cut off")
        return int.from_bytes(data[4:8], "little")
    if data[:4] != ZSTD_MAGIC or len(data) < 5:
        raise ValueError("a chunk is no zstd frame")
    single, dictionary = data[4] >> 5 & 1, data[4] & 3
    length = (0, 2, 4, 8)[data[4] >> 6] or single
    begin = 5 + (1 - single) + (0, 1, 2, 4)[dictionary]
    if not length or len(data) < begin + length:
        raise ValueError("a chunk does not say its size")
    return int.from_bytes(data[begin : begin + length], "little") + (256 if length == 2 else 0)


@dataclass(frozen=True)
class StoredGroup:
    """A group of a store: attributes, and groups and arrays by name."""

    attributes: Mapping[str, Any]
    groups: dict[str, StoredGroup]
    arrays: dict[str, StoredArray]


def group_of(
    nodes: Mapping[str, Mapping[str, Any]], read_file: ReadFile, path: str = ""
) -> StoredGroup:
    """Return the group at a path, from the descriptions of groups and arrays by their paths."""
    group = StoredGroup(nodes[path].get("attributes") or {}, {}, {})
    for inner, node in nodes.items():
        above, _, name = inner.rpartition("/")
        if inner and above == path:
            if node["node_type"] == "group":
                group.groups[name] = group_of(nodes, read_file, inner)
            else:
                group.arrays[name] = StoredArray(inner, node, read_file)
    return group
