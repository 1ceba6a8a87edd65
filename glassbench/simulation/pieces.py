"""Pieces of a dataset: independent units of simulation, each made in a process of its own.

A piece has a name, knows which pieces it needs, and leaves one `.npz` file. The file appears
whole or not at all, so that a generation that was killed at any point continues where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..home.files import whole_file


@dataclass(frozen=True)
class Piece:
    """One independent unit of simulation."""

    name: str
    kind: str  # names the function in the generator's `WORK` that makes it
    arguments: dict[str, Any] = field(default_factory=dict)  # plain values for that function
    needs: tuple[str, ...] = ()  # names of the pieces whose files it reads
    atom_steps: float = 0.0  # its cost, for the estimate of the time left
    here: bool = False  # reads files of this machine, and so is made on this machine always

    def path(self, folder: Path) -> Path:
        return piece_path(folder, self.name)

    def log_path(self, folder: Path) -> Path:
        return folder / "logs" / f"{self.name}.log"


Work = Callable[[Piece, Path], Mapping[str, np.ndarray]]


class PieceFailed(RuntimeError):
    """A piece's process ended without its file; the message names the log."""


def piece_path(folder: Path, name: str) -> Path:
    return folder / "pieces" / f"{name}.npz"


def vibration_name(sample: str) -> str:
    """Return the name of the piece that holds the vibrations of a sample or configuration."""
    return f"{sample}-vibration"


def write_piece(folder: Path, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays of a piece; its file appears only when it is complete."""
    with whole_file(piece_path(folder, name)) as partial, open(partial, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_piece(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a finished piece."""
    with np.load(piece_path(folder, name)) as file:
        return {key: file[key] for key in file.files}


def read_need(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the one piece that a piece needs."""
    (need,) = piece.needs
    return read_piece(folder, need)


def make_piece(piece: Piece, folder: Path, work: Mapping[str, Work]) -> None:
    """Make a piece in this process and write its file."""
    piece.log_path(folder).parent.mkdir(parents=True, exist_ok=True)
    write_piece(folder, piece.name, work[piece.kind](piece, folder))


def unfinished(pieces: Sequence[Piece], folder: Path) -> list[Piece]:
    """Return the pieces whose files are not there yet, in order."""
    # One listing instead of a look-up for each: a plan may have a hundred thousand pieces.
    made = {path.name for path in (folder / "pieces").glob("*.npz")}
    return [piece for piece in pieces if piece.path(folder).name not in made]


class Runner(Protocol):
    """Makes pieces, each in a process of its own, on this machine or on others.

    `start` returns at once; the future holds the seconds that the piece took, or raises
    `PieceFailed`. At most `slots` pieces run at a time. `stop` ends those that still run.
    """

    slots: int

    def start(self, piece: Piece) -> Future[float]: ...

    def stop(self) -> None: ...


def run_pieces(
    pieces: Sequence[Piece], folder: Path, runner: Runner
) -> Iterator[tuple[Piece, float | PieceFailed]]:
    """Make every unfinished piece, in the given order as far as their needs allow it.

    Yields each piece as it ends, with its seconds or with its error. A failed piece does not
    stop the others; pieces that need it are left out.
    """
    waiting = unfinished(pieces, folder)
    numbers = {piece.name: number for number, piece in enumerate(waiting)}
    finished = {piece.name for piece in pieces} - set(numbers)
    needs = TopologicalSorter({piece.name: set(piece.needs) - finished for piece in waiting})
    needs.prepare()
    ready: list[int] = []
    running: dict[Future[float], Piece] = {}
    try:
        while True:
            for name in needs.get_ready():
                if name in numbers:
                    heappush(ready, numbers[name])
            while ready and len(running) < runner.slots:
                piece = waiting[heappop(ready)]
                running[runner.start(piece)] = piece
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                piece = running.pop(future)
                try:
                    seconds = future.result()
                except PieceFailed as error:
                    yield piece, error
                else:
                    needs.done(piece.name)
                    yield piece, seconds
    finally:
        runner.stop()
