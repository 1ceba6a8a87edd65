"""What a trial prints, and its traceback, kept in the trial's own `log.txt`."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

LOG_FILE = "log.txt"


@contextlib.contextmanager
def captured_process(folder: Path, name: str = LOG_FILE) -> Iterator[TextIO]:
    """Send all output of this process to the log, that of compiled code and children included.

    For a worker process, which has no other reader.
    """
    with _opened(folder / name) as log:
        _flush()
        kept = [os.dup(1), os.dup(2)]
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield log
        finally:
            _flush()
            for descriptor, original in zip((1, 2), kept, strict=True):
                os.dup2(original, descriptor)
                os.close(original)


class CapturedStreams:
    """Send what is printed in this process to the log; the terminal stays usable.

    Python's two streams go there, and the descriptor of standard output, on which compiled
    code and children print. `released()` gives the terminal back for the length of a `with`
    block, for the caller's own lines in between.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self._stack = contextlib.ExitStack()
        log = self._stack.enter_context(_opened(self.folder / LOG_FILE))
        self._descriptor = os.dup(1)
        self._stack.callback(os.close, self._descriptor)
        self._terminal = self._descriptor, sys.stdout, sys.stderr
        out, error = _LogStream(log, sys.stdout), _LogStream(log, sys.stderr)
        self._to_log = log.fileno(), out, error
        self._stack.callback(_print_to, *self._terminal)
        _print_to(*self._to_log)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        _print_to(*self._terminal)
        try:
            yield
        finally:
            _print_to(*self._to_log)


def _print_to(descriptor: int, out: Any, error: Any) -> None:
    _flush()
    os.dup2(descriptor, 1)
    sys.stdout, sys.stderr = out, error


class _LogStream:
    """The log in place of a stream; rich, which draws in a thread of its own, finds the stream."""

    def __init__(self, log: TextIO, terminal: TextIO) -> None:
        self._log = log
        self.rich_proxied_file = getattr(terminal, "rich_proxied_file", terminal)

    def __getattr__(self, name: str):
        return getattr(self._log, name)


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


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8", buffering=1) as log:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        # On a full disk the trial itself says what it could not write.
        with contextlib.suppress(OSError):
            log.write(f"--- {now} process {os.getpid()}\n")
        yield log


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
