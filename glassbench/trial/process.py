"""The process of a trial: its output, its threads, its memory.

What a trial prints, and its traceback, go to its own `log.txt`, its progress to `progress.jsonl`.
A file outlives the worker and needs no open connection: a watcher that comes late loses nothing.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ..home.files import append_json_line
from ..model import Progress

LOG_FILE = "log.txt"
PROGRESS_FILE = "progress.jsonl"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TORCHINDUCTOR_COMPILE_THREADS",
)
# Of the whole process: standard output and errors, of compiled code and children included.
ALL_OUTPUT = (1, 2)
WAIT_POLICY = "OMP_WAIT_POLICY"
SYSTEM_FILE = "system.jsonl"
PERIOD = 10.0
MEGABYTE = 1e6


@contextlib.contextmanager
def captured(
    folder: Path, name: str = LOG_FILE, descriptors: tuple[int, ...] = (1,)
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Send what is printed in this process, by compiled code and children too, to the log.

    Yields what gives the terminal back for the length of a `with` block. File descriptor 2, on
    which the progress display of a terminal draws, is captured where `descriptors` names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "a", encoding="utf-8", buffering=1) as log:
        # On a full disk the trial itself says what it could not write.
        with contextlib.suppress(OSError):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            log.write(f"--- {now} process {os.getpid()}\n")
        terminal = [os.dup(d) for d in descriptors], sys.stdout, sys.stderr
        streams = _LogStream(log, sys.stdout), _LogStream(log, sys.stderr)
        to_log = [log.fileno()] * len(descriptors), *streams

        def print_to(files: list[int], out: Any, error: Any) -> None:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                with contextlib.suppress(OSError):
                    stream.flush()
            for file, descriptor in zip(files, descriptors, strict=True):
                os.dup2(file, descriptor)
            sys.stdout, sys.stderr = out, error

        @contextlib.contextmanager
        def released() -> Iterator[None]:
            print_to(*terminal)
            try:
                yield
            finally:
                print_to(*to_log)

        print_to(*to_log)
        try:
            yield released
        finally:
            print_to(*terminal)
            for copy in terminal[0]:
                os.close(copy)


class _LogStream:
    """The log in place of a stream; rich, which draws in a thread of its own, finds the stream."""

    def __init__(self, log: TextIO, terminal: TextIO) -> None:
        self._log = log
        self.rich_proxied_file = getattr(terminal, "rich_proxied_file", terminal)

    def __getattr__(self, name: str):
        return getattr(self._log, name)

    def close(self) -> None:
        """Stay open: a model that closes the stream has not closed the log."""


@contextlib.contextmanager
def warnings_noted(tell: Callable[[str], None]) -> Iterator[None]:
    """Hand on, for the length of a `with` block, the warnings of the harness while it trains."""
    logger, handler = logging.getLogger("glassbench"), logging.Handler(logging.WARNING)
    handler.emit = lambda record: tell(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def write_progress(folder: Path, kind: str, progress: Progress | None, message: str) -> None:
    """Append one line for a message to those of a trial."""
    # What watchers see is not worth the trial, where the disk is full.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        plain = progress and asdict(progress)
        line = {"kind": kind, "message": message, "progress": plain}
        append_json_line(folder / PROGRESS_FILE, line)


class ProgressReader:
    """Reads what was written since the reader was made, or since it was last asked."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / PROGRESS_FILE
        self.offset = self.path.stat().st_size if self.path.exists() else 0

    def new(self) -> list[tuple[str, Progress | None, str]]:
        """Return kind, progress and message of each new line; an unfinished line waits."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self.offset += len(whole)
        messages = []
        for line in whole.splitlines():
            # A line torn by a crash says nothing.
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                progress = said["progress"] and Progress(**said["progress"])
                messages.append((said["kind"], progress, said["message"]))
        return messages


@contextlib.contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Hold numerical libraries to a number of threads, loaded already or still to be loaded."""
    from threadpoolctl import threadpool_limits

    before = os.environ.copy()
    # Threads that wait for each other give way: beside other work they would burn its time.
    os.environ.setdefault(WAIT_POLICY, "PASSIVE")
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        for name in (WAIT_POLICY, *THREAD_VARIABLES):
            os.environ.pop(name, None)
            os.environ.update({name: before[name]} if name in before else {})


def free_memory() -> None:
    """Give back what earlier trials left on host and GPUs; on Linux the peak begins anew."""
    gc.collect()
    if (torch := _torch_on_gpu()) is not None:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def repeated(step: Callable[[], None], period: float, name: str) -> Iterator[None]:
    """Call a function every `period` seconds, in a thread of that name, while the block runs."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(period):
            step()

    thread = threading.Thread(target=watch, name=f"glassbench-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def sampled(folder: Path) -> Iterator[None]:
    """Append a line to `system.jsonl` every 10 seconds while the block runs: time in s and use.

    The names are MLflow's: processor use is 100 % for each busy core, memory is resident and
    includes children, and that of a GPU is there where torch uses one.
    """
    import psutil

    process = psutil.Process()
    process.cpu_percent()

    def sample() -> None:
        use = {"time": time.time(), "cpu_utilization_percentage": process.cpu_percent()}
        memory = process.memory_info().rss
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                memory += child.memory_info().rss
        use["process_memory_usage_megabytes"] = memory / MEGABYTE
        if (torch := _torch_on_gpu()) is not None:
            use["gpu_memory_usage_megabytes"] = torch.cuda.memory_allocated() / MEGABYTE
        with contextlib.suppress(OSError):
            append_json_line(folder / SYSTEM_FILE, use)

    with repeated(sample, PERIOD, "system-metrics"):
        yield


def _torch_on_gpu() -> Any:
    """Return torch where it has used a GPU in this process."""
    torch = sys.modules.get("torch")
    used = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    return torch if used else None
