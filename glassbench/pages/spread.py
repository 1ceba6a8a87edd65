"""One function over many items, on all cores, where that is safe."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any

FEWEST = 200  # items that are worth other processes
_work: tuple[Callable[[Any], Any], Sequence[Any]] | None = None


def spread(act: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return `act` of every item, in order.

    Copies of this process share the work: they have all that it has read, so that nothing
    but the results is sent. A process with several threads is not copied, for a copy holds
    the locks of threads that it does not have: it does the work alone.
    """
    global _work
    workers = min(len(os.sched_getaffinity(0)), len(items) // FEWEST) if _can_copy() else 1
    if workers < 2:
        return [act(item) for item in items]
    _work = (act, items)
    try:
        context = multiprocessing.get_context("fork")
        # Ctrl-C reaches the copies too: to stop is for this process to say.
        with context.Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            return pool.map(_one, range(len(items)), chunksize=8)
    finally:
        _work = None


def _can_copy() -> bool:
    known = "fork" in multiprocessing.get_all_start_methods() and hasattr(os, "sched_getaffinity")
    return known and threading.active_count() == 1


def _one(number: int) -> Any:
    act, items = _work
    return act(items[number])
