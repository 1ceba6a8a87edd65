"""Finding a store on disk, a directory or one zip file, and opening it."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import DatasetError
from ..home.files import read_plain_file
from .reading import CODECS, ReadFile, StoredGroup, group_of

if TYPE_CHECKING:
    from xarray import DataTree

STORE_NAME = "store.zarr"
# What a store may say of an array, as `writing.create_array` makes it.
NUMBERS = {f"{kind}{size}" for kind in ("int", "uint", "float") for size in (8, 16, 32, 64)}
MOST_BYTES, MOST_METADATA, MOST_NODES, MOST_CONFIGURATIONS = 2**30, 2**20, 10_000, 100_000
# A description lies at most in a state, and there in an array.
DEPTH = 3


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
