"""Each piece in a process of its own: a crash stays there, and it ends with whoever started it.

The process reads a JSON request on standard input, which stays open as long as the process
that asked for the piece lives, and writes one `.npz` file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from ..home.machine import available_cores
from .generator import LENT, import_generator
from .pieces import Piece, PieceFailed, Runner, make_piece

POLL = 0.1
PACKAGES = Path(__file__).resolve().parents[2]


class LocalRunner:
    """Makes pieces on this machine, `slots` at a time."""

    def __init__(self, generator: Path, folder: Path, slots: int) -> None:
        self.generator, self.folder, self.slots = generator, folder, slots
        self._threads, self._stopped = ThreadPoolExecutor(slots), Event()

    def start(self, piece: Piece) -> Future[float]:
        return self._threads.submit(run_piece, piece, self.folder, self.generator, self._stopped)

    def stop(self) -> None:
        self._stopped.set()
        self._threads.shutdown(cancel_futures=True)


@contextmanager
def open_local_runner(
    generator: Path, folder: Path, workers: int | None = None
) -> Iterator[Runner]:
    """Make pieces on this machine, `workers` at a time or one on each core."""
    runner = LocalRunner(generator, folder, workers or available_cores())
    try:
        yield runner
    finally:
        runner.stop()


def run_piece(
    piece: Piece,
    folder: Path,
    generator: Path,
    stopped: Event | None = None,
    lent: Mapping[str, Path] = LENT,
) -> float:
    """Make one piece in a new process on one thread; return its seconds.

    The process ends when this one does, however that ends, and when `stopped` is set. One that
    crashed or was killed is a `PieceFailed`; other pieces are not touched.
    """
    output = piece.log_path(folder).with_suffix(".out")
    output.parent.mkdir(parents=True, exist_ok=True)
    request = {"generator": str(generator), "folder": str(folder), "piece": asdict(piece)}
    request |= {"lent": {task: str(path) for task, path in lent.items()}}
    started = time.perf_counter()
    with open(output, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "glassbench.simulation.piece_process"],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=_environment(),
        )
        with process:
            # The pipe stays open: the process takes its end for the end of this one.
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
            code = _exit_code(process, stopped or Event())
            with suppress(BrokenPipeError):
                process.stdin.close()
    if code != 0 or not piece.path(folder).exists():
        raise PieceFailed(
            f"piece {piece.name} ended with exit code {code}: "
            f"read {output}, then run the same command again to make the rest"
        )
    return time.perf_counter() - started


def _exit_code(process: subprocess.Popen, stopped: Event) -> int:
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


def main() -> None:
    """Make the piece that standard input asks for."""
    request = json.loads(sys.stdin.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    piece = Piece(**request["piece"] | {"needs": tuple(request["piece"]["needs"])})
    LENT.update((task, Path(path)) for task, path in request["lent"].items())
    make_piece(piece, Path(request["folder"]), import_generator(Path(request["generator"])).WORK)


def _end_with_parent() -> None:
    """Wait for the end of standard input, then leave at once."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
