"""Progress of trials on stderr: bars on a terminal, one line per finished trial elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..contract.errors import printable
from .output import say

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from ..experiments.jobs import Event
    from ..model import Progress

LINES_IN_ALL = 20
REFRESHES_A_SECOND = 4
BAR_WIDTH = 20


def open_display(quiet: bool = False, total: int | None = None) -> Lines:
    """Return the display that suits stderr; a quiet one shows failures alone.

    Parameters
    ----------
    total : number of trials, which are then counted together with the time left; without a
        terminal only failures are shown of many
    """
    if sys.stderr.isatty() and not quiet:
        return Bars(total)
    return Lines(quiet or total is not None)


class Lines(ExitStack):
    """One line for each trial that ended."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__()
        self.quiet = quiet
        self.started: dict[str, float] = {}
        self.last: dict[str, Progress] = {}
        self.waited: set[str] = set()

    def __call__(self, event: Event) -> None:
        name = event.trial.name
        if event.kind == "started":
            self.started.setdefault(name, time.monotonic())
        if event.progress is not None:
            self.last[name] = event.progress
        if event.kind in ("finished", "cached", "failed", "retried", "noted"):
            self.ended(event)
        elif event.message.startswith("waiting"):
            self.waits(event)

    def ended(self, event: Event) -> None:
        if not self.quiet or event.kind == "failed":
            say(self.line(event))

    def waits(self, event: Event) -> None:
        """Say once for each trial that another process runs it."""
        if event.trial.name not in self.waited:
            self.waited.add(event.trial.name)
            self.ended(event)

    def line(self, event: Event) -> str:
        name = event.trial.name
        parts = [f"{event.kind:<8}", name]
        if event.kind == "finished" and name in self.started:
            parts.append(f"{time.monotonic() - self.started[name]:.0f} s")
        if event.kind == "finished" and name in self.last:
            parts.append(describe(self.last[name]))
        line = "  ".join(filter(None, [*parts, event.message]))
        return printable(line, len(line))


class Bars(Lines):
    """One bar for each running trial, with epoch, loss, validation score and time left.

    Where the total of trials is given, one more bar counts them, and cached trials are only
    counted.
    """

    def __init__(self, total: int | None = None) -> None:
        super().__init__()
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        self.failures = 0
        bars = _rich_progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.fields[status]}", markup=False),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        self.bars = self.enter_context(bars)
        self.tasks: dict[str, TaskID] = {}
        self.all = None
        if total is not None:
            self.all = self.bars.add_task("all trials", total=total, status="")

    def __call__(self, event: Event) -> None:
        name, progress = event.trial.name, event.progress
        if event.kind in ("started", "progress") and name not in self.tasks:
            self.tasks[name] = self.bars.add_task(name, total=None, status="starting")
        if progress is not None:
            self.bars.update(
                self.tasks[name],
                status=describe(progress),
                total=progress.epochs,
                completed=progress.epoch,
            )
        elif event.kind == "progress" and event.message:
            self.bars.update(self.tasks[name], status=printable(event.message))
        super().__call__(event)

    def waits(self, event: Event) -> None:
        """Say nothing more than the bar does."""

    def ended(self, event: Event) -> None:
        name = event.trial.name
        if event.kind in ("finished", "cached", "failed"):
            if name in self.tasks:
                self.bars.remove_task(self.tasks.pop(name))
            self.failures += event.kind == "failed"
            if self.all is not None:
                self.bars.update(self.all, advance=1, status=f"{self.failures} failed")
        if event.kind == "cached" and self.all is not None:
            return
        self.bars.console.print(self.line(event), markup=False, highlight=False, soft_wrap=True)


def _rich_progress(*columns: Any) -> RichProgress:
    """Return bars on stderr that vanish at the end."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(
        *columns, console=console, transient=True, refresh_per_second=REFRESHES_A_SECOND
    )


def describe(progress: Progress) -> str:
    """Return progress in words: epoch, loss, validation score."""
    total = f"/{progress.epochs}" if progress.epochs else ""
    parts = [f"epoch {progress.epoch}{total}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.4g}")
    if progress.validation_score is not None:
        parts.append(f"validation {progress.validation_score:.3f}")
    return "  ".join(parts)


class Counter(ExitStack):
    """How many of many equal parts are done: one bar on a terminal, a line every 5 % elsewhere."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__()
        self.quiet, self.shown, self.bar = quiet, 0, None
        if sys.stderr.isatty() and not quiet:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

            words = TextColumn("{task.description}", markup=False)
            self.bar = self.enter_context(_rich_progress(BarColumn(), MofNCompleteColumn(), words))
            self.task = self.bar.add_task("", total=None)

    def __call__(self, done: int, total: int, what: str, seconds_left: float | None = None) -> None:
        left = "" if seconds_left is None else f"  {duration(seconds_left)} left"
        if self.bar is not None:
            self.bar.update(self.task, completed=done, total=total, description=f"{what}{left}")
        elif not self.quiet and (done == total or done >= self.shown + total / LINES_IN_ALL):
            self.shown = done
            say(f"{done}/{total}  {what}{left}")


def duration(seconds: float) -> str:
    """Return a time in words: minutes and seconds, or hours and minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d} min"
