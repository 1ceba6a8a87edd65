"""One file of arrays: a line of JSON that describes them, then their bytes, with a checksum."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

FORMAT = 1
# Arrays begin on such boundaries, so that they are aligned in memory as well.
BOUNDARY = 64


def write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> int:
    """Write arrays, contiguous ones, and return the number of bytes."""
    entries, offset, checksum = [], 0, 0
    for name, array in arrays.items():
        entry = {"name": name, "dtype": array.dtype.str, "shape": list(array.shape)}
        entries.append(entry | {"offset": offset})
        checksum = zlib.crc32(array, checksum)
        checksum = zlib.crc32(_filling(array), checksum)
        offset += array.nbytes + len(_filling(array))
    head = {"format": FORMAT, "size": offset, "crc32": checksum, "arrays": entries}
    line = json.dumps(head).encode()
    line += b" " * (-(len(line) + 1) % BOUNDARY) + b"\n"
    file.write(line)
    for array in arrays.values():
        file.write(memoryview(array).cast("B") if array.size and array.ndim else array.tobytes())
        file.write(_filling(array))
    return len(line) + offset


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file, read-only.

    They are read whole, not mapped: on a network a file that another machine removes would
    take a process that has it mapped down.

    Raises
    ------
    ValueError
        If the file is cut off, altered, or of another format.
    """
    content = path.read_bytes()
    end = content.find(b"\n") + 1
    try:
        head = json.loads(content[:end])
        whole = head["format"] == FORMAT and len(content) == end + head["size"]
        if not whole or zlib.crc32(memoryview(content)[end:]) != head["crc32"]:
            raise ValueError(f"{path} is cut off or altered")
        return {entry["name"]: _array(content, end, entry) for entry in head["arrays"]}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is altered: {error!r}") from error


def _array(content: bytes, start: int, entry: Mapping) -> np.ndarray:
    dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    if not count:
        content, start = b"", -entry["offset"]
    return np.frombuffer(content, dtype, count, start + entry["offset"]).reshape(shape)


def _filling(array: np.ndarray) -> bytes:
    return b"\0" * (-array.nbytes % BOUNDARY)
