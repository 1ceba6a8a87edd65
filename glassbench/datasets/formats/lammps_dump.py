"""LAMMPS dumps as text, packed by gzip or not, and binary ones, which are written back as text.

The header is read here and the table by numpy. ASE 3.29 loses ids, image flags and the origin of
scaled coordinates, refuses labels such as `A` and layers without z, and writes no dump;
chemfiles 0.10 refuses ids with gaps. No kept library reads binary dumps; LAMMPS's own tool
`binary2txt` gives the same lines. Files of LAMMPS before October 2020 do not name their columns and
are refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from ...contract.errors import SourceError
from .frame import AXES, VECTORS, Frame, make_frame, numbers_in
from .text import LABEL, Block, Column, lines_of, table, take_rows

ENDINGS = (".dump", ".lammpstrj", ".lammpsdump", ".lmp", ".dat", ".atom", ".custom", ".bin")
# How a coordinate may stand in a file: suffix, whether scaled, whether unwrapped.
FORMS = (("u", False, True), ("su", True, True), ("", False, False), ("s", True, False))
KINDS = ("element", "typelabel", "type")
MAGIC = (b"DUMPATOM", b"DUMPCUSTOM")
BOUNDARIES = "pfsm"


def heading(block: Block, names: Sequence[str]) -> str:
    """Return the lines above the rows, with the names of columns more."""
    *before, last = block.header
    return "".join([*before, f"{last.rstrip()} {' '.join(names)}\n"])


def blocks(path: Path) -> Iterator[Block | SourceError]:
    """Yield the lines of every frame, or what is wrong with it."""
    lines, header = lines_of(path), []
    try:
        if is_binary(path):
            yield from _binary_blocks(path)
            return
        for line in lines:
            header.append(line)
            if not line.startswith("ITEM: ATOMS"):
                if len(header) > 40:
                    raise SourceError("it has no `ITEM: ATOMS` among its first 40 lines")
                continue
            (count,) = _below(Block(header, []), "NUMBER OF ATOMS") or [""]
            if not count.strip().isdigit():
                raise SourceError("it does not say its `NUMBER OF ATOMS`")
            yield Block(header, take_rows(lines, int(count)))
            header = []
    except SourceError as error:
        yield error
        return
    if any(line.strip() for line in header):
        yield SourceError("it is cut off within its header")


def frame_of(number: int, block: Block, columns: Sequence[str]) -> Frame:
    """Return a frame with the numbers in columns that are asked for."""
    names = _after(block, "ATOMS")
    low, cell, periodic = _bounds(block)
    numbers = numbers_in(names, columns)
    axes = AXES if any("z" + suffix in names for suffix, _, _ in FORMS) else "xy"
    form = next((form for form in FORMS if all(a + form[0] in names for a in axes)), None)
    if form is None:
        raise SourceError(f"it has no coordinates such as x y z or xu yu zu: {' '.join(names)}")
    suffix, scaled, unwrapped = form
    vectors = {n: at for n in VECTORS if len(at := _components(n, names)) == len(axes)}
    wanted: dict[str, Column] = {
        "position": ([names.index(a + suffix) for a in axes], np.float64),
        **{name: (names.index(name), LABEL) for name in KINDS if name in names},
        **{name: (names.index(name), np.float64) for name in numbers},
        **{name: (places, np.float64) for name, places in vectors.items()},
    }
    if "id" in names:
        wanted["id"] = names.index("id"), np.int64
    if not unwrapped and all(f"i{a}" in names for a in axes):
        wanted["image"] = [names.index(f"i{a}") for a in axes], np.int64
    read = table(block.rows, wanted)
    low, cell = low[: len(axes)], cell[: len(axes), : len(axes)]
    positions = read["position"] @ cell if scaled else read["position"] - low
    if "image" in read:
        positions = positions + read["image"] @ cell
    arrays = {name: read[name] - low for name in vectors}
    arrays |= {name: read[name] for name in numbers}
    facts = {"step": " ".join(_below(block, "TIMESTEP")).strip()}
    if units := _below(block, "UNITS"):
        facts["units"] = units[0].strip()
    return make_frame(
        number,
        positions,
        cell,
        _labels(read),
        ids=read.get("id"),
        periodic=periodic,
        arrays=arrays,
        unwrapped=unwrapped or "image" in read,
        facts=facts,
    )


def _after(block: Block, item: str) -> list[str]:
    """Return the words after `ITEM: <item>`."""
    for line in block.header:
        if line.startswith(f"ITEM: {item}"):
            return line.removeprefix(f"ITEM: {item}").split()
    raise SourceError(f"it has no `ITEM: {item}`")


def _below(block: Block, item: str, lines: int = 1) -> list[str]:
    """Return the lines below `ITEM: <item>`, none where it is missing."""
    for number, line in enumerate(block.header):
        if line.startswith(f"ITEM: {item}"):
            return block.header[number + 1 : number + 1 + lines]
    return []


def _components(name: str, names: Sequence[str]) -> list[int]:
    """Return the places of the columns `name[1]`, `name.x` or `name_x` of a vector, in order."""
    pattern = re.compile(re.escape(name) + r"(?:\[[1-3]\]|[._][xyzXYZ])")
    return [place for place, each in enumerate(names) if pattern.fullmatch(each)]


def _bounds(block: Block) -> tuple[np.ndarray, np.ndarray, list[bool]]:
    """Return the low corner (3,) of the box, its vectors as rows, and which axes are periodic."""
    words = _after(block, "BOX BOUNDS")
    if "abc" in words:
        raise SourceError("its box is triclinic and stated by three vectors: dump it as xy xz yz")
    try:
        bounds = np.array([line.split() for line in _below(block, "BOX BOUNDS", 3)], dtype=float)
        low, high, *tilts = bounds.T
    except ValueError:
        raise SourceError("the bounds of its box cannot be read") from None
    if tilts:
        # The bounds are those of an upright box around the tilted one.
        xy, xz, yz = tilts[0]
        low = low - [min(0, xy, xz, xy + xz), min(0, yz), 0]
        high = high - [max(0, xy, xz, xy + xz), max(0, yz), 0]
    cell = np.diag(high - low)
    if tilts:
        cell[[1, 2, 2], [0, 0, 1]] = tilts[0]
    flags = [word for word in words if len(word) == 2 and set(word) <= set("pfsm")]
    return low, cell, [flag == "pp" for flag in flags] or [True] * 3


def _labels(read: dict) -> np.ndarray:
    """Return the column that tells most species apart: LAMMPS calls elements it does not know C."""
    kinds = [name for name in KINDS if name in read]
    if not kinds:
        raise SourceError("it has no column `type` or `element`: the species are not known")
    return read[max(kinds, key=lambda name: len(np.unique(read[name])))]


def is_binary(path: Path) -> bool:
    """Return whether a file begins as a binary dump does."""
    with open(path, "rb") as file:
        return path.suffix == ".bin" or file.read(18)[8:].startswith(MAGIC)


def _binary_blocks(path: Path) -> Iterator[Block]:
    """Yield the lines that a text dump of each frame has; a SourceError says what is wrong."""
    with open(path, "rb") as file:
        while start := file.read(8):
            yield _binary_block(file, -int.from_bytes(start, "little", signed=True))


def _binary_block(file: IO[bytes], length: int) -> Block:
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
    return Block(lines, rows)


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
