"""Binary LAMMPS dumps, as the lines that a text dump of the same frame has.

No kept library reads them; LAMMPS's own tool `binary2txt` gives the same lines. Files of LAMMPS
before October 2020 do not name their columns and are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ...contract.errors import SourceError

MAGIC = (b"DUMPATOM", b"DUMPCUSTOM")
BOUNDARIES = "pfsm"


def is_binary(path: Path) -> bool:
    """Return whether a file begins as a binary dump does."""
    with open(path, "rb") as file:
        return path.suffix == ".bin" or file.read(18)[8:].startswith(MAGIC)


def frames(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Yield header and rows of each frame, as lines; a SourceError says what is wrong."""
    with open(path, "rb") as file:
        while start := file.read(8):
            yield _frame(file, -int.from_bytes(start, "little", signed=True))


def _frame(file: IO[bytes], length: int) -> tuple[list[str], list[str]]:
    if length <= 0 or length > 20 or _read(file, length) not in MAGIC:
        raise SourceError(
            "it is no binary dump of LAMMPS of 2020 or later, which name their columns: make text "
            "of it with LAMMPS's binary2txt"
        )
    endian, revision = _numbers(file, "2i")
    if endian != 1 or revision < 2:
        raise SourceError(f"it is of another byte order or revision ({endian}, {revision})")
    step, count, tilted = _numbers(file, "2qi")
    flags = _numbers(file, "6i")
    bounds = np.reshape(_numbers(file, "6d"), (3, 2))
    if tilted not in (0, 1):
        raise SourceError("its box is stated by three vectors: dump it as xy xz yz")
    tilts = _numbers(file, "3d") if tilted else ()
    (columns,) = _numbers(file, "i")
    units = _text(file)
    if _numbers(file, "b")[0]:
        _numbers(file, "d")
    names, (chunks,) = _text(file), _numbers(file, "i")
    periodic = " ".join(BOUNDARIES[a] + BOUNDARIES[b] for a, b in np.reshape(flags, (3, 2)))
    edges = [[*pair, tilt] for pair, tilt in zip(bounds, tilts)] if tilted else bounds.tolist()
    header = [f"ITEM: UNITS\n{units}\n"] if units else []
    header += [f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{count}\n"]
    header += [f"ITEM: BOX BOUNDS {'xy xz yz ' if tilted else ''}{periodic}\n"]
    header += [" ".join(f"{number:.17g}" for number in row) + "\n" for row in edges]
    parts = [np.frombuffer(_read(file, 8 * _numbers(file, "i")[0])) for _ in range(chunks)]
    table = np.concatenate(parts).reshape(-1, columns).tolist()
    rows = [" ".join(f"{number:.17g}" for number in row) + "\n" for row in table]
    lines = "".join([*header, f"ITEM: ATOMS {names}\n"]).splitlines(keepends=True)
    return lines, rows


def _text(file: IO[bytes]) -> str:
    return _read(file, _numbers(file, "i")[0]).decode("ascii", "replace").strip("\0 ")


def _numbers(file: IO[bytes], kinds: str) -> tuple:
    # Without padding, which `<` leaves out.
    return struct.unpack(f"<{kinds}", _read(file, struct.calcsize(f"<{kinds}")))


def _read(file: IO[bytes], count: int) -> bytes:
    content = file.read(count) if count >= 0 else b""
    if count < 0 or len(content) < count:
        raise SourceError("it is cut off")
    return content
