"""One piece in a process of its own: a crash stays there, and ends with whoever asked for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

from .pieces import Piece, PieceFailed

POLL = 0.1
PACKAGES = Path(__file__).resolve().parents[2]


class LocalRunner:
    """Makes pieces on this machine, `slots` at a time."""

    def __init__(self, task: str, folder: Path, slots: int) -> None:
        self.task, self.folder, self.slots = task, folder, slots
        self._threads, self._stopped = ThreadPoolExecutor(slots), Event()

    def start(self, piece: Piece) -> Future:
        return self._threads.submit(run_piece, piece, self.folder, self.task, self._stopped)

    def stop(self) -> None:
        self._stopped.set()
        self._threads.shutdown(cancel_futures=True)


def run_piece(piece: Piece, folder: Path, task: str, stopped: Event | None = None) -> float:
    """Make one piece of a task's dataset in a fresh process on one thread; return its seconds.

    The process ends when this one does, however that ends, and when `stopped` is set.

    Raises
    ------
    PieceFailed
        If the process crashed or was killed; other pieces are not touched.
    """
    log, path = piece.log_path(folder), piece.path(folder)
    output = log.with_suffix(".out")
    output.parent.mkdir(parents=True, exist_ok=True)
    request = {
        "task": task,
        "kind": piece.kind,
        "arguments": piece.arguments,
        "needs": list(piece.needs),
        "folder": str(folder),
        "path": str(path),
        "log": str(log),
    }
    started = time.perf_counter()
    with open(output, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "glassbench.simulation.worker"],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=_environment(),
        )
        with process:
            # The pipe stays open: the process takes its end for the end of this one.
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
            code = _outcome(process, stopped or Event())
            with suppress(BrokenPipeError):
                process.stdin.close()
    if code != 0 or not path.exists():
        raise PieceFailed(
            f"piece {piece.name} ended with exit code {code}: "
            f"read {output}, then run the same command again to make the rest"
        )
    return time.perf_counter() - started


def _outcome(process: subprocess.Popen, stopped: Event) -> int:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(POLL)
        if stopped.is_set():
            process.kill()


def _environment() -> dict[str, str]:
    """Return the environment of a piece: one thread, and the same code as here."""
    path = [str(PACKAGES), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
    }
