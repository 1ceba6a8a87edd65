"""Progress of many equal parts on stderr: one bar on a terminal, a line every 5 % elsewhere."""

from __future__ import annotations

import sys
from typing import Self

from .guard import say

LINES_IN_ALL = 20


class Counter:
    """Shows how many parts are done while it is entered; a quiet one shows nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.bar = None
        self.told = 0
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self.bar = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self.task = self.bar.add_task("", total=None)

    def __enter__(self) -> Self:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, done: int, total: int, what: str, seconds_left: float | None = None) -> None:
        left = "" if seconds_left is None else f"  {duration(seconds_left)} left"
        if self.bar is not None:
            self.bar.update(self.task, completed=done, total=total, description=f"{what}{left}")
        elif not self.quiet and (done == total or done >= self.told + total / LINES_IN_ALL):
            self.told = done
            say(f"{done}/{total}  {what}{left}")


def duration(seconds: float) -> str:
    """Return a time in words: minutes and seconds, or hours and minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d} min"
