"""Pieces of a dataset: independent units of simulation, each made in a process of its own.

A piece is named, knows which pieces it needs, and leaves one `.npz` file. The
file appears whole or not at all, so that a generation killed at any point goes
on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Protocol

import numpy as np

from ..home.files import whole_file


@dataclass(frozen=True)
class Piece:
    """One independent unit of simulation.

    `kind` names the function in `WORK` of the task's generator; `arguments` are plain
    values; `needs` are the names of pieces whose files it reads; `atom_steps`
    is its cost, for the estimate of the time left. A piece that is made `here` reads
    files of the machine that generates, and is made there whatever the runner.
    """

    name: str
    kind: str
    arguments: dict = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    atom_steps: float = 0.0
    here: bool = False

    def path(self, folder: Path) -> Path:
        return folder / "pieces" / f"{self.name}.npz"

    def log_path(self, folder: Path) -> Path:
        return folder / "logs" / f"{self.name}.log"


class PieceFailed(RuntimeError):
    """A piece's process ended without its file; the message names the log."""


def write_whole(path: Path, arrays: dict) -> None:
    """Write an `.npz` file that appears under its name only when it is complete."""
    with whole_file(path) as partial, open(partial, "wb") as file:
        np.savez(file, **arrays)


def read_piece(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a finished piece."""
    with np.load(Piece(name, "").path(folder)) as file:
        return {key: file[key] for key in file.files}


def unfinished(pieces: Sequence[Piece], folder: Path) -> list[Piece]:
    """Return the pieces whose files are not there yet, in order."""
    # One listing instead of a look-up for each: a plan may have a hundred thousand pieces.
    made = {path.name for path in (folder / "pieces").glob("*.npz")}
    return [piece for piece in pieces if piece.path(folder).name not in made]


class Runner(Protocol):
    """A place where pieces are made, each in a process of its own.

    `start` returns at once; the future holds the seconds that the piece took, or raises
    `PieceFailed`. At most `slots` pieces are under way. `stop` ends what still runs.
    """

    slots: int

    def start(self, piece: Piece) -> Future: ...

    def stop(self) -> None: ...


def run_pieces(
    pieces: Sequence[Piece], folder: Path, runner: Runner
) -> Iterator[tuple[Piece, float | PieceFailed]]:
    """Make every unfinished piece, in their order where needs allow it.

    Yields each piece as it ends with its seconds, or with what went wrong. A
    failed piece does not stop the others; pieces that need it are left out.
    """
    waiting = unfinished(pieces, folder)
    unmade = {piece.name for piece in waiting}
    finished = {piece.name for piece in pieces} - unmade
    missing = [set(piece.needs) - finished for piece in waiting]
    followers: dict[str, list[int]] = {}
    for place, needs in enumerate(missing):
        for need in needs:
            followers.setdefault(need, []).append(place)
    ready = [place for place, needs in enumerate(missing) if not needs]
    running: dict[Future, int] = {}
    try:
        while ready or running:
            while ready and len(running) < runner.slots:
                place = heappop(ready)
                running[runner.start(waiting[place])] = place
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                place = running.pop(future)
                try:
                    seconds = future.result()
                except PieceFailed as error:
                    yield waiting[place], error
                    continue
                for follower in followers.get(waiting[place].name, ()):
                    missing[follower].discard(waiting[place].name)
                    if not missing[follower]:
                        heappush(ready, follower)
                yield waiting[place], seconds
    finally:
        runner.stop()
