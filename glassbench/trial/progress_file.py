"""Progress of a trial from its worker to whoever watches, through a file in the trial's folder.

A file outlives the worker, needs no process of its own and no open connection:
a watcher that comes late, or comes back, loses nothing.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

from ..home.files import append_json_line
from ..model import Progress

PROGRESS_FILE = "progress.jsonl"


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
