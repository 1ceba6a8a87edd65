"""Reading what a stranger wrote: JSON, arrays and archives, of a size that is known before.

Archives are written alike from alike files, and unpacked without leaving their folder.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.lib import format as npy

from ...contract.checked import MAX_NESTING, nesting
from ...contract.errors import printable
from ...contract.folder_digest import is_left_out
from ...home.files import whole_file, whole_folder
from .limits import GIB, SandboxError

MAX_JSON_BYTES = 64 * 2**20
MAX_MEMBERS = 100_000
LONGEST_HEADER = 10_000
# Of a zip file's table: an entry with a name of 400 bytes, and where zipfile says its length.
LONGEST_ENTRY, TABLE_LENGTH = 512, 5
LONGEST_INTEGER = 40  # a seed of 128 bits
# Of an archive.
MAX_FILES = 5_000
MAX_BYTES = 2 * GIB
MAX_DEPTH = 16
MAX_NAME = 200
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_json(data: bytes, what: str, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Return the value of a JSON document; no NaN or infinity, repeated key or huge integer."""
    if len(data) > max_bytes:
        raise SandboxError(f"{what} has {len(data)} bytes, at most {max_bytes} are read")
    try:
        value = json.loads(
            data.decode(),
            parse_constant=_no_number,
            parse_int=_integer,
            object_pairs_hook=_once,
        )
        if nesting(value) > MAX_NESTING:
            raise RecursionError
        return value
    except RecursionError:
        raise SandboxError(f"{what} is nested too deeply to be a document") from None
    except (ValueError, MemoryError) as error:
        raise SandboxError(f"{what} is no JSON: {printable(error)}") from None


def read_arrays(data: bytes, what: str, max_bytes: int) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` by name; nothing in it is executed.

    What the members say of their size is held against a limit, and against what
    they hold, before any memory is taken for them.
    """
    arrays: dict[str, np.ndarray] = {}
    with bounded_zip(io.BytesIO(data), what, MAX_MEMBERS, max_bytes) as (archive, members):
        for name, member in named_arrays(members, what):
            arrays[name] = _array(archive.read(member), f"{what}, `{printable(name)}`")
    return arrays


def named_arrays(
    members: list[zipfile.ZipInfo], what: str
) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Yield the members of an `.npz` by the name of their array, which each has once."""
    seen: set[str] = set()
    for member in members:
        name = member.filename.removesuffix(".npy")
        if name in seen or _leads_out(name):
            why = "an array is there twice or leads out of it"
            raise SandboxError(f"{what} is refused: {why}: `{printable(name, 80)}`")
        seen.add(name)
        yield name, member


@contextmanager
def bounded_zip(
    file: Path | io.BytesIO, what: str, max_files: int, max_bytes: int
) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """Open a zip file whose table of contents keeps its limits before any of it is read.

    Whatever is wrong with the file while it is open is a SandboxError.
    """
    try:
        with file.open("rb") if isinstance(file, Path) else file as stream:
            # `ZipFile` reads all of the table at once; this finds its length where that does.
            ending = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
            table = ending[TABLE_LENGTH] if ending else 0
            if table > max_files * LONGEST_ENTRY:
                why = f"{what} has a table of {table} bytes, too long for {max_files} files"
                raise SandboxError(why)
            with zipfile.ZipFile(stream) as archive:
                members = archive.infolist()
                total = sum(member.file_size for member in members)
                if len(members) > max_files or total > max_bytes:
                    raise SandboxError(
                        f"{what} unfolds to {len(members)} files of {total} bytes, at most "
                        f"{max_files} files and {max_bytes} bytes are read"
                    )
                yield archive, members
    except SandboxError:
        raise
    except Exception as error:
        # Each decompressor has errors of its own, such as zlib.error and lzma.LZMAError.
        raise SandboxError(f"{what} is no zip file, or a broken one: {printable(error)}") from None


def array_header(data: bytes, what: str) -> tuple[tuple[int, ...], np.dtype, int]:
    """Return shape, dtype and length of the header of an `.npy` of numbers or text.

    Python objects, which only unpickling could read, are refused.
    """
    stream = io.BytesIO(data[: LONGEST_HEADER + 64])
    try:
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        shape, _, dtype = read[npy.read_magic(stream)](stream, max_header_size=LONGEST_HEADER)
    except Exception as error:
        raise SandboxError(f"{what} is no .npy: {printable(error)}") from None
    if dtype.hasobject or not isinstance(dtype, np.dtype) or dtype.kind not in "iufbU":
        raise SandboxError(f"{what} holds {printable(dtype)}: plain numbers are wanted, no objects")
    return shape, dtype, stream.tell()


def _array(data: bytes, what: str) -> np.ndarray:
    shape, dtype, length = array_header(data, what)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data) - length:
        raise SandboxError(f"{what} says {shape} of {dtype} and holds {len(data) - length} bytes")
    return np.load(io.BytesIO(data), allow_pickle=False)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError(f"an integer has {len(text)} digits, at most {LONGEST_INTEGER} are read")
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key is twice in one object")
    return table


def write_archive(path: Path, files: Mapping[str, Path | bytes]) -> str:
    """Write a zip file of files by name and return its sha256; equal files give equal bytes."""
    with (
        whole_file(path) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in sorted(files.items()):
            data = content if isinstance(content, bytes) else content.read_bytes()
            # A ZipInfo without a date carries 1980-01-01.
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unpack_archive(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> list[str]:
    """Unpack a stranger's zip file into an empty folder and return the names of its files.

    Refused, with nothing left in the folder, is a name that leads out of it, a member that is no
    plain file, two names that are one on some file system, and too many files or bytes.
    """
    with (
        bounded_zip(path, str(path), MAX_FILES, max_bytes) as (archive, listed),
        whole_folder(folder) as partial,
    ):
        members = [member for member in listed if not member.is_dir()]
        _check_members(path, members)
        partial.mkdir()
        for member in members:
            target = partial / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, open(target, "xb") as file:
                # No more is read than the member says it holds, and then its checksum is wrong.
                shutil.copyfileobj(source, file)
    return [member.filename for member in members]


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        why = _refusal(member)
        # As the most forgiving of file systems compares names.
        name = unicodedata.normalize("NFKC", member.filename).casefold()
        if not why and name in seen:
            why = "is there twice"
        if why:
            raise SandboxError(f"{path}: member `{printable(member.filename, 80)}` {why}")
        seen.add(name)
    folders = {str(p) for name in seen for p in PurePosixPath(name).parents}
    for name in seen & folders:
        raise SandboxError(f"{path}: `{printable(name, 80)}` is a file and a folder")


def _leads_out(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


def _refusal(member: zipfile.ZipInfo) -> str:
    """Return why a member cannot be unpacked, or nothing."""
    name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
    parts = name.split("/")
    if _leads_out(name) or ":" in name:
        return "leads out of the folder"
    if not name.isprintable() or "" in parts or "." in parts or len(name) > MAX_NAME:
        return "has a name that is no plain path"
    if any(map(is_left_out, parts)):
        return "is hidden: no file of a submission is"
    if len(parts) > MAX_DEPTH:
        return f"lies more than {MAX_DEPTH} folders deep"
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device: plain files are wanted"
    if member.flag_bits & 1:
        return "is encrypted"
    return "" if member.compress_type in METHODS else "is compressed in an unknown way"
