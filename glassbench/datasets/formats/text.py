"""What formats of text lines share: opening, tables, and one column more in every row."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from ...contract.errors import SourceError
from ...home.files import whole_file

GZIP = b"\x1f\x8b"
LABEL = "U24"


def open_text(path: Path, mode: str = "rt", like: Path | None = None) -> IO[str]:
    """Open a text file, packed by gzip or not; a new one is packed where `like` is."""
    with open(like or path, "rb") as file:
        packed = file.read(2) == GZIP
    opener = gzip.open if packed else open
    return opener(path, mode, encoding="utf-8", newline="" if mode == "wt" else None)  # type: ignore[return-value]


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file; where a packed one is cut off, those before."""
    with open_text(path) as file:
        try:
            yield from file
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return
        except UnicodeDecodeError as error:
            raise SourceError(f"it is no text ({error.reason} at byte {error.start})") from None


def take_rows(lines: Iterator[str], count: int) -> list[str]:
    """Return the next `count` lines."""
    rows = list(islice(lines, count))
    if len(rows) < count:
        raise SourceError(f"it is cut off: {len(rows)} of its {count} particles are there")
    # A number that was cut off is another number.
    if rows and not rows[-1].endswith("\n"):
        raise SourceError("it is cut off: its last line has no end (if it is whole, add one)")
    return rows


def table(rows: Sequence[str], columns: Mapping[str, tuple[int, type | str]]) -> dict:
    """Return columns by name; each is asked for by its place in a row and its type."""
    dtype = np.dtype([(name, kind) for name, (_, kind) in columns.items()])
    try:
        values = np.loadtxt(
            rows, dtype, comments=None, usecols=[place for place, _ in columns.values()], ndmin=1
        )
    except (ValueError, IndexError) as error:
        raise SourceError(f"its rows cannot be read: {str(error).splitlines()[0]}") from None
    return {name: values[name] for name in columns}


def with_columns(rows: Sequence[str], order: np.ndarray, columns: Sequence[np.ndarray]) -> str:
    """Return rows with the values of columns at their ends; value k goes into row `order[k]`."""
    texts = np.empty((len(rows), len(columns)), dtype=object)
    for place, values in enumerate(columns):
        texts[order, place] = [f"{value:.9g}" for value in values.tolist()]
    ends = (" ".join(row) for row in texts.tolist())
    return "".join(f"{row.rstrip()} {end}\n" for row, end in zip(rows, ends, strict=True))


def write_blocks(path: Path, out: Path, blocks: Iterator[str]) -> None:
    """Write blocks of text to `out`, whole or not at all, packed as `path` is."""
    with whole_file(out) as partial, open_text(partial, "wt", like=path) as file:
        for block in blocks:
            file.write(block)
