"""Reading a store of Zarr v3, a directory or one zip file: its groups, and arrays chunk by chunk.

zarr itself writes. Its own reader takes 0.3 s to import and some milliseconds for each array,
through an event loop; here an array costs what its chunks cost.
"""

from __future__ import annotations

import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import DatasetError
from ..home.files import read_plain_file
from .quantise import FILL, unpack

if TYPE_CHECKING:
    from xarray import DataTree

STORE_NAME = "store.zarr"
# What a store may say of an array, as `writing.create_array` makes it.
NUMBERS = {f"{kind}{size}" for kind in ("int", "uint", "float") for size in (8, 16, 32, 64)}
MOST_BYTES, MOST_METADATA, MOST_NODES, MOST_CONFIGURATIONS = 2**30, 2**20, 10_000, 100_000
# A description lies at most in a state, and there in an array.
DEPTH = 3
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


def store_path(path: Path | str) -> Path:
    """Return the store at `path`: a zip file, a Zarr directory, or a folder that holds one."""
    path = Path(path)
    if path.is_file():
        if zipfile.is_zipfile(path):
            return path
        with open(path, "rb") as file:
            if file.read(2) == b"PK":
                raise DatasetError(f"{path} is cut off: copy it again")
        raise DatasetError(
            f"{path} is no dataset, which is a Zarr store in a folder or a .zip: `glassbench data "
            "import` makes one of published files, with a reader of your own of any others"
        )
    if (path / "zarr.json").is_file():
        return path
    if (path / STORE_NAME / "zarr.json").is_file():
        return path / STORE_NAME
    if path.with_name(f"{path.name}.importing").exists():
        raise DatasetError(f"dataset {path} is not finished: run its import again")
    if path.exists():
        raise DatasetError(f"{path} holds no Zarr store (no zarr.json, no {STORE_NAME})")
    raise DatasetError(f"there is no dataset at {path}")


def open_group(path: Path | str) -> StoredGroup:
    """Return the root group of the store at `path`, to read from.

    Refused is a store that asks for other codecs, other types or more memory than ours do: a codec
    may execute what it decodes, and an array that is not there takes the memory of its shape.
    """
    path = store_path(path)
    try:
        nodes, read_file = _described(path)
        return group_of(nodes, read_file)
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(f"{path} is not a readable Zarr v3 store: {error}") from error


def _described(path: Path) -> tuple[dict[str, Any], ReadFile]:
    """Return the checked descriptions of groups and arrays by path, and what reads a file."""
    archive = zipfile.ZipFile(path) if path.is_file() else None
    read_file = _reader(path, archive)
    if archive is not None:
        sizes = {e.filename: e.file_size for e in archive.infolist() if _describes(e.filename)}
    else:
        files = [file for level in ("", "*/", "*/*/") for file in path.glob(f"{level}zarr.json")]
        sizes = {file.relative_to(path).as_posix(): file.stat().st_size for file in files}
    if len(sizes) > MOST_NODES or sum(sizes.values()) > 64 * MOST_METADATA:
        raise DatasetError(f"{path} has more metadata than a dataset: it is none of GlassBench's")
    nodes = {}
    for name in sorted(sizes):
        try:
            node = json.loads(read_file(name, MOST_METADATA))
            nodes[name.rpartition("/")[0]] = node
            _check_node(node)
        except Exception as error:  # whatever a strange description leads to
            raise DatasetError(
                f"{path}: {name} describes no group or array of a dataset ({error}): get a new copy"
            ) from error
    return nodes, read_file


def _describes(name: str) -> bool:
    parts = name.split("/")
    return parts[-1] == "zarr.json" and len(parts) <= DEPTH


def _reader(path: Path, archive: zipfile.ZipFile | None) -> ReadFile:
    def read_file(name: str, most: int) -> bytes:
        if archive is None:
            return read_plain_file(path / name, most, links=True)
        if (size := archive.getinfo(name).file_size) > most:
            raise ValueError(f"{name} has {size} bytes, {most} is the limit")
        return archive.read(name)

    return read_file


def _check_node(node: dict[str, Any]) -> None:
    if node["zarr_format"] != 3:
        raise ValueError(f"its format is {node['zarr_format']!r}")
    if node["node_type"] == "group":
        return
    kind, shape = node["data_type"], node["shape"]
    chunk = node["chunk_grid"]["configuration"]["chunk_shape"]
    codecs, names = [codec["name"] for codec in node["codecs"]], node.get("dimension_names") or []
    stages = [next((n for n, of in enumerate(CODECS) if c in of), len(CODECS)) for c in codecs]
    if kind not in {"bool", "string", *NUMBERS} or stages != sorted({*stages} - {len(CODECS)}):
        raise ValueError(f"it is of {kind!r} in {codecs}")
    if any(type(n) is not int or n < 0 for n in (*shape, *chunk)) or len(names) != len(shape):
        raise ValueError(f"its shape is {shape}, in chunks of {chunk}")
    item = 64 if kind == "string" else np.dtype(kind).itemsize
    # Of arrays of several dimensions, one configuration is read at a time.
    single = len(shape) > 2 and names[0] == "configuration"
    if single and shape[0] > MOST_CONFIGURATIONS:
        raise ValueError(
            f"it has {shape[0]} configurations, {MOST_CONFIGURATIONS} at most are read"
        )
    if max(math.prod(chunk), math.prod(shape[1:] if single else shape)) * item > MOST_BYTES:
        raise ValueError(f"its shape is {shape} in chunks of {chunk}, too large to be read")


def open_tree(path: Path | str) -> DataTree:
    """Return the store at `path` as a lazy `xarray.DataTree`, one node per state.

    For people: trials read through `open_group`, which opens in a tenth of the time.
    """
    import xarray
    from zarr.storage import LocalStore, ZipStore

    path = store_path(path)
    _described(path)
    deeper = [n for n in member_names(path) if n.endswith("zarr.json") and not _describes(n)]
    if deeper:
        raise DatasetError(f"{path} holds {deeper[0]}, which is no part of a dataset")
    # It takes a store object, and does not say so.
    store: Any = ZipStore(path, mode="r") if path.is_file() else LocalStore(path, read_only=True)
    return xarray.open_datatree(store, engine="zarr", consolidated=False)


def member_names(path: Path | str) -> list[str]:
    """Return the names of all files of the store, sorted."""
    path = store_path(path)
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            return sorted(n for n in archive.namelist() if not n.endswith("/"))
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())


def read_members(path: Path | str, names: list[str]) -> Iterator[tuple[str, bytes | Exception]]:
    """Yield each named file of the store with its bytes, or with what prevents reading it."""
    path = store_path(path)
    with zipfile.ZipFile(path) if path.is_file() else nullcontext() as archive:
        read_file = _reader(path, archive)
        for name in names:
            try:
                yield name, read_file(name, MOST_BYTES)
            except Exception as error:  # each decompressor has errors of its own
                yield name, error


def whole_members(path: Path | str, names: list[str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield each file of the store, or each named one; one that cannot be read is refused."""
    for name, content in read_members(path, member_names(path) if names is None else names):
        if isinstance(content, Exception):
            raise DatasetError(f"{name} of {path} cannot be read: {content}")
        yield name, content
