"""What formats of text lines share: opening, tables, and one column more in every row."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ...contract.errors import SourceError
from ...home.files import whole_file
from .frame import Frame

# The place of a column in a row, or places of several, and their type.
Column = tuple[int | Sequence[int], type | str]
GZIP = b"\x1f\x8b"
LABEL = "U24"


class Block(NamedTuple):
    """One frame as lines: those before the rows, and the rows."""

    header: list[str]
    rows: list[str]


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


def table(rows: Sequence[str], columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """Return columns (N,) by name, (N, d) where several make one array."""
    shapes = {name: () if isinstance(at, int) else (len(at),) for name, (at, _) in columns.items()}
    dtype = np.dtype([(name, kind, shapes[name]) for name, (_, kind) in columns.items()])
    places = np.concatenate([np.atleast_1d(at) for at, _ in columns.values()]).tolist()
    try:
        values = np.loadtxt(rows, dtype, comments=None, usecols=places, ndmin=1)
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


class Text:
    """A format of text lines, from the module that says what is its own.

    It has `ENDINGS`; `blocks` yields the lines of each frame of a file; `frame_of` makes a frame of
    them; `heading` gives the lines above the rows with the names of columns more.
    """

    def __init__(self, module: Any) -> None:
        self.own, self.ENDINGS = module, module.ENDINGS

    def read(self, path: Path, columns: Sequence[str] = ()) -> Iterator[Frame | SourceError]:
        """Yield every frame, or what is wrong with it."""
        for number, block in enumerate(self.own.blocks(path)):
            try:
                is_frame = isinstance(block, Block)
                yield self.own.frame_of(number, block, columns) if is_frame else block
            except SourceError as error:
                yield error

    def write(
        self, path: Path, out: Path, frames: Sequence[Frame], columns: Sequence[Mapping]
    ) -> None:
        """Write the given frames of `path` with columns more, whole or not at all, packed as it is.

        The columns (N,) are by name, for each of the frames.
        """
        wanted = {frame.number: place for place, frame in enumerate(frames)}
        with whole_file(out) as partial, open_text(partial, "wt", like=path) as file:
            for number, block in enumerate(self.own.blocks(path)):
                if number in wanted and isinstance(block, Block):
                    added = columns[wanted[number]]
                    order = frames[wanted[number]].order
                    file.write(self.own.heading(block, list(added)))
                    file.write(with_columns(block.rows, order, list(added.values())))
