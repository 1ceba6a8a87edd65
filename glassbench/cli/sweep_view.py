"""A sweep while it runs: done, running, failed and time left, in one line on a terminal."""

from __future__ import annotations

import time
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Self

from ..experiments.sweep import SweepPlan
from ..experiments.sweep.time_left import seconds_left
from .counter import duration
from .guard import say

if TYPE_CHECKING:
    from ..cluster import Event

ESTIMATE_EVERY = 2.0


def open_view(plan: SweepPlan, quiet: bool) -> SweepView:
    """Return the view that suits stderr; a quiet one says what failed alone."""
    return SweepView(plan) if quiet else LiveSweepView(plan)


class SweepView:
    """Counts what happens to the trials of a plan, and says what failed.

    What trials of a series took since the sweep began counts more than what the plan
    expects of them.
    """

    def __init__(self, plan: SweepPlan) -> None:
        self.waiting = {planned.key: planned for planned in plan.planned}
        self.total = len(self.waiting)
        self.running: dict[str, tuple[int, float | None, float]] = {}
        self.done = self.failed = self.retried = 0
        self.took: dict[int, list[float]] = defaultdict(list)
        self.most_at_once = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, event: Event) -> None:
        key = event.trial.key
        if event.kind == "started" and key in self.waiting:
            planned = self.waiting.pop(key)
            self.running[key] = (planned.series, planned.seconds, time.monotonic())
            self.most_at_once = max(self.most_at_once, len(self.running))
        elif event.kind in ("finished", "cached", "failed"):
            self._end(key, event)
        elif event.kind == "retried":
            self.retried += 1
            self.say(f"retried  {event.trial.name}: {event.message}")

    def say(self, line: str) -> None:
        say(line)

    def line(self) -> str:
        """Return the state in words."""
        parts = [
            f"{self.done} done",
            f"{len(self.running)} running",
            f"{self.failed} failed",
            f"{len(self.waiting)} waiting",
        ]
        left = self.seconds_left()
        return ", ".join(parts) + (f"; about {duration(left)} left" if left else "")

    def seconds_left(self) -> float | None:
        """Return when the last trial is expected to end."""
        usual = {series: median(took) for series, took in self.took.items()}
        now = time.monotonic()
        running = [
            (usual.get(series, seconds), now - since)
            for series, seconds, since in self.running.values()
        ]
        waiting = [usual.get(p.series, p.seconds) for p in self.waiting.values()]
        return seconds_left(running, waiting, self.most_at_once)

    def _end(self, key: str, event: Event) -> None:
        self.waiting.pop(key, None)
        entry = self.running.pop(key, None)
        if event.kind == "failed":
            self.failed += 1
            self.say(f"failed  {event.trial.name}: {event.message}")
            return
        self.done += 1
        if entry is not None and event.kind == "finished":
            self.took[entry[0]].append(time.monotonic() - entry[2])


class LiveSweepView(SweepView):
    """The same with a bar on the terminal."""

    def __init__(self, plan: SweepPlan) -> None:
        super().__init__(plan)
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.bar = Progress(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.bar.add_task("", total=self.total)
        self.estimated = -ESTIMATE_EVERY

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        # The time left is a walk through all that waits: not for every event of thousands.
        if time.monotonic() - self.estimated >= ESTIMATE_EVERY:
            self.estimated = time.monotonic()
            self.bar.update(self.task, completed=self.done + self.failed, description=self.line())

    def say(self, line: str) -> None:
        self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
