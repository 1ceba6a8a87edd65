"""The one way to write a file: it appears under its name only when it is complete and on disk."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; what was written there becomes `path` when the block ends.

    Whatever stops the block leaves an earlier file of that name as it was, and nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield the path of a folder to fill; it becomes `path`, not there yet, when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _partial(path: Path) -> Path:
    """Return a name beside `path` that no other thread of any machine uses at the same time."""
    writer = f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
    return path.with_name(f"{path.name}.{writer}.partial")


def write_file(path: Path, content: str | bytes) -> None:
    """Write a text, as UTF-8, or bytes."""
    with whole_file(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, plain: Any) -> None:
    """Write plain values as JSON; NaN and infinity are refused, since JSON has none."""
    text = json.dumps(plain, indent=1, allow_nan=False, ensure_ascii=False)
    write_file(path, text + "\n")


def read_json_lines(path: Path) -> list[Any]:
    """Return the values of a file of JSON lines; lines torn by a crash or a full disk are skipped.

    A file that is not there has none.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    values = []
    for line in lines:
        with contextlib.suppress(ValueError):
            values.append(json.loads(line))
    return values


def append_json_line(path: Path, plain: Any) -> None:
    """Add one line; a line before it that was torn does not take it along."""
    with open(path, "a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(plain).encode() + b"\n")
