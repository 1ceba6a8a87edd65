"""Pieces of a dataset: independent units of simulation, each made in a process of its own.

A piece is named, knows which pieces it needs, and leaves one `.npz` file. The
file appears whole or not at all, so that a generation killed at any point goes
on where it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Piece:
    """One independent unit of simulation.

    `kind` names the function in `WORK` of the task's generator; `arguments` are plain
    values; `needs` are the names of pieces whose files it reads; `atom_steps`
    is its cost, for the estimate of the time left.
    """

    name: str
    kind: str
    arguments: dict = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    atom_steps: float = 0.0

    def path(self, folder: Path) -> Path:
        return folder / "pieces" / f"{self.name}.npz"

    def log_path(self, folder: Path) -> Path:
        return folder / "logs" / f"{self.name}.log"


class PieceFailed(RuntimeError):
    """A piece's process ended without its file; the message names the log."""


def write_whole(path: Path, arrays: dict) -> None:
    """Write an `.npz` file that appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with open(partial, "wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def read_piece(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a finished piece."""
    with np.load(Piece(name, "").path(folder)) as file:
        return {key: file[key] for key in file.files}


def run_piece(piece: Piece, folder: Path, task: str) -> float:
    """Make one piece of a task's dataset in a fresh process on one thread; return its seconds.

    Raises
    ------
    PieceFailed
        If the process crashed or was killed; other pieces are not touched.
    """
    log = piece.log_path(folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    request = json.dumps(
        {
            "task": task,
            "kind": piece.kind,
            "arguments": piece.arguments,
            "path": str(piece.path(folder)),
        }
        | {"folder": str(folder), "needs": list(piece.needs), "log": str(log)}
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    started = time.perf_counter()
    with open(log.with_suffix(".out"), "w") as output:
        code = subprocess.run(
            [sys.executable, "-m", "glassbench.simulation.worker"],
            input=request,
            text=True,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        ).returncode
    if code != 0 or not piece.path(folder).exists():
        raise PieceFailed(
            f"piece {piece.name} ended with exit code {code}: "
            f"read {log.with_suffix('.out')}, then run the same command again to make the rest"
        )
    return time.perf_counter() - started


def unfinished(pieces: list[Piece], folder: Path) -> list[Piece]:
    """Return the pieces whose files are not there yet, in order."""
    return [piece for piece in pieces if not piece.path(folder).exists()]


def run_pieces(
    pieces: list[Piece],
    folder: Path,
    workers: int,
    run: Callable[[Piece, Path], float],
) -> Iterator[tuple[Piece, float | PieceFailed]]:
    """Make every unfinished piece, `workers` at a time, each after those that it needs.

    Yields each piece as it ends with its seconds, or with what went wrong. A
    failed piece does not stop the others; pieces that need it are left out.
    """
    waiting = unfinished(pieces, folder)
    finished = {piece.name for piece in pieces} - {piece.name for piece in waiting}
    running: dict[Future, Piece] = {}
    with ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                ready = [p for p in waiting if finished.issuperset(p.needs)]
                for piece in ready[: workers - len(running)]:
                    waiting.remove(piece)
                    running[pool.submit(run, piece, folder)] = piece
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    piece = running.pop(future)
                    try:
                        seconds = future.result()
                    except PieceFailed as error:
                        yield piece, error
                    else:
                        finished.add(piece.name)
                        yield piece, seconds
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
