"""Progress of a trial from its worker to whoever watches, through a file in the trial's folder.

A file outlives the worker, needs no process of its own and no open connection:
a watcher that comes late, or comes back, loses nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..model import Progress

PROGRESS_FILE = "progress.jsonl"


class ProgressWriter:
    """Appends one line for each message; a line is written whole."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / PROGRESS_FILE
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, kind: str, progress: Progress | None = None, message: str = "") -> None:
        line = {"kind": kind, "message": message, "progress": progress and asdict(progress)}
        # What watchers see is not worth the trial, where the disk is full.
        with contextlib.suppress(OSError), open(self.path, "ab") as file:
            file.write(json.dumps(line).encode() + b"\n")


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
        return [_told(line) for line in map(_parsed, whole.splitlines()) if line is not None]


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    """Return a line's content; a line torn by a crash, with the next one glued on, says nothing."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def _told(line: Mapping[str, Any]) -> tuple[str, Progress | None, str]:
    progress = line["progress"]
    return line["kind"], progress and Progress(**progress), line["message"]
