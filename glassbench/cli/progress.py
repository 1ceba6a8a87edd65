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
ENDS = ("finished", "cached", "failed")


class Display(ExitStack):
    """One line for each trial that ended; on a terminal also a bar for each that runs.

    A quiet one shows failures alone, and so does one of a `total` of trials without a terminal;
    on a terminal one more bar counts them.
    """

    def __init__(self, quiet: bool = False, total: int | None = None) -> None:
        super().__init__()
        self.started: dict[str, float] = {}
        self.last: dict[str, Progress] = {}
        self.waited: set[str] = set()
        self.failures = 0
        self.bars: RichProgress | None = None
        self.tasks: dict[str, TaskID] = {}
        self.all: TaskID | None = None
        if sys.stderr.isatty() and not quiet:
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

            self.bars = self.enter_context(_rich_progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=BAR_WIDTH),
                TextColumn("{task.fields[status]}", markup=False),
                TimeRemainingColumn(elapsed_when_finished=True),
            ))  # fmt: skip
            if total is not None:
                self.all = self.bars.add_task("all trials", total=total, status="")
        self.quiet = quiet or (total is not None and self.bars is None)

    def __call__(self, event: Event) -> None:
        name = event.trial.name
        if event.kind == "started":
            self.started.setdefault(name, time.monotonic())
        if event.progress is not None:
            self.last[name] = event.progress
        if self.bars is not None:
            self._draw(event, self.bars)
        if event.kind == "progress" and event.message.startswith("waiting"):
            # Once for each trial that another process runs; a bar says it itself.
            shown = self.bars is None and name not in self.waited
            self.waited.add(name)
        else:
            counted_alone = event.kind == "cached" and self.all is not None
            shown = event.kind in (*ENDS, "retried", "noted") and not counted_alone
        if shown and (event.kind == "failed" or not self.quiet):
            if self.bars is None:
                say(self._line(event))
            else:
                text = self._line(event)
                self.bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _draw(self, event: Event, bars: RichProgress) -> None:
        name, progress = event.trial.name, event.progress
        if event.kind in ("started", "progress") and name not in self.tasks:
            self.tasks[name] = bars.add_task(name, total=None, status="starting")
        if progress is not None:
            status, done = describe(progress), progress.epoch
            bars.update(self.tasks[name], status=status, total=progress.epochs, completed=done)
        elif event.kind == "progress" and event.message:
            bars.update(self.tasks[name], status=printable(event.message))
        elif event.kind in ENDS:
            if name in self.tasks:
                bars.remove_task(self.tasks.pop(name))
            self.failures += event.kind == "failed"
            if self.all is not None:
                bars.update(self.all, advance=1, status=f"{self.failures} failed")

    def _line(self, event: Event) -> str:
        name = event.trial.name
        parts = [f"{event.kind:<8}", name]
        if event.kind == "finished" and name in self.started:
            parts.append(f"{time.monotonic() - self.started[name]:.0f} s")
        if event.kind == "finished" and name in self.last:
            parts.append(describe(self.last[name]))
        line = "  ".join(filter(None, [*parts, event.message]))
        return printable(line, len(line))


def _rich_progress(*columns: Any) -> RichProgress:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(
        *columns, console=console, transient=True, refresh_per_second=REFRESHES_A_SECOND
    )


def describe(progress: Progress) -> str:
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


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d} min"
