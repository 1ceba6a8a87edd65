"""What a trial prints, and its traceback, in its own `log.txt`; its progress in `progress.jsonl`.

A file outlives the worker and needs no open connection: a watcher that comes late loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ..home.files import append_json_line
from ..model import Progress

LOG_FILE = "log.txt"
PROGRESS_FILE = "progress.jsonl"


@contextlib.contextmanager
def captured_process(folder: Path, name: str = LOG_FILE) -> Iterator[TextIO]:
    """Send all output of a worker to the log, that of compiled code and children included."""
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
    """Send what is printed in this process, by compiled code and children too, to the log.

    `released()` gives the terminal back for the length of a `with` block.
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


class ProgressWriter:
    """Appends one line for each message."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / PROGRESS_FILE
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, kind: str, progress: Progress | None = None, message: str = "") -> None:
        # What watchers see is not worth the trial, where the disk is full.
        with contextlib.suppress(OSError):
            plain = progress and asdict(progress)
            append_json_line(self.path, {"kind": kind, "message": message, "progress": plain})


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
