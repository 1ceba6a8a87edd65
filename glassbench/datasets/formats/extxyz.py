"""Extended XYZ: the comment line is read by ASE, the table by numpy.

`ase.io.read` itself refuses species that are no element, such as `A`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...contract.errors import SourceError
from .frame import VECTORS, Frame, make_frame, numbers_in
from .text import LABEL, Block, Column, lines_of, table, take_rows

ENDINGS = (".xyz", ".extxyz")
KINDS = ("species", "element", "type", "types", "Z", "numbers")
PROPERTIES = re.compile(r"""(Properties=)("?)([^\s"]+)("?)""", re.IGNORECASE)


def heading(block: Block, names: Sequence[str]) -> str:
    """Return the two lines above the rows, with columns of numbers more."""
    more = "".join(f":{name}:R:1" for name in names)
    comment = PROPERTIES.sub(rf"\1\2\3{more}\4", block.header[0], count=1)
    return f"{len(block.rows)}\n{comment.rstrip()}\n"


def blocks(path: Path) -> Iterator[Block | SourceError]:
    """Yield the lines of every frame, of its header the comment line, or what is wrong with it."""
    lines = lines_of(path)
    try:
        for line in lines:
            if not line.strip():
                continue
            if not line.strip().isdigit():
                raise SourceError(f"it does not begin with a number of particles: {line[:40]!r}")
            yield Block([next(lines, "")], take_rows(lines, int(line)))
    except SourceError as error:
        yield error


def frame_of(number: int, block: Block, columns: Sequence[str]) -> Frame:
    """Return a frame with the numbers in columns that are asked for."""
    from ase.io.extxyz import key_val_str_to_dict

    (comment,) = block.header
    try:
        facts: dict[str, Any] = key_val_str_to_dict(comment)
    except (ValueError, KeyError, IndexError) as error:
        raise SourceError(f"its comment line cannot be read: {error}") from None
    stated = PROPERTIES.search(comment)
    if "Lattice" not in facts or stated is None:
        raise SourceError(
            'its comment line lacks `Lattice="…"` or `Properties=…`: it is no extended XYZ'
        )
    # ASE gives the vectors as columns.
    lattice = np.asarray(facts.pop("Lattice"), dtype=float).T
    fields = stated[3].split(":")
    try:
        widths = dict(zip(fields[::3], map(int, fields[2::3]), strict=True))
    except ValueError:
        raise SourceError(f"its Properties `{stated[3]}` cannot be read") from None
    starts = dict(zip(widths, np.cumsum([0, *widths.values()]).tolist()))
    kind = next((name for name in KINDS if name in widths), None)
    if widths.get("pos") not in (2, 3) or kind is None:
        raise SourceError(f"its Properties `{stated[3]}` lack `pos` or `species`")
    size = widths["pos"]
    cell = lattice[:size, :size]
    vectors = [name for name in ("pos", *VECTORS) if widths.get(name) == size]
    numbers = [name for name in numbers_in(widths, columns) if widths[name] == 1]
    places = {name: range(start, start + size) for name, start in starts.items()}
    wanted: dict[str, Column] = {
        kind: (starts[kind], LABEL),
        **{name: (places[name], np.float64) for name in vectors},
        **{name: (starts[name], np.float64) for name in numbers},
    }
    if "id" in widths:
        wanted["id"] = starts["id"], np.int64
    if widths.get("image") == size:
        wanted["image"] = places["image"], np.int64
    read = table(block.rows, wanted)
    origin = np.asarray(facts.pop("Origin", np.zeros(size)), dtype=float)[:size]
    positions = read["pos"] - origin
    if "image" in read:
        positions = positions + read["image"] @ cell
    return make_frame(
        number,
        positions,
        cell,
        read[kind],
        ids=read.get("id"),
        periodic=np.broadcast_to(facts.pop("pbc", True), 3).tolist(),
        arrays={n: read[n] - origin for n in vectors[1:]} | {n: read[n] for n in numbers},
        unwrapped="image" in read,
        facts=facts,
    )
