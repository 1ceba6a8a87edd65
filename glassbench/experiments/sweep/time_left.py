"""How long a sweep still takes, from what its trials took so far."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from statistics import median


def seconds_left(
    running: Iterable[tuple[float | None, float]],
    waiting: Sequence[float | None],
    at_once: int,
) -> float | None:
    """Return when the last trial ends if each takes what is expected and starts when one ends.

    Parameters
    ----------
    running : expected seconds of each trial under way, and those since its start
    waiting : expected seconds of those that have not started, in their order
    at_once : trials that run side by side

    Returns
    -------
    seconds, None where nothing is known of any trial
    """
    running = list(running)
    known = [seconds for seconds, _ in running if seconds is not None]
    known += [seconds for seconds in waiting if seconds is not None]
    if not known:
        return None if running or waiting else 0.0
    usual = median(known)
    ends = [max(0.0, (usual if s is None else s) - since) for s, since in running]
    ends += [0.0] * max(0, at_once - len(ends))
    heapq.heapify(ends)
    for seconds in waiting:
        heapq.heapreplace(ends, ends[0] + (usual if seconds is None else seconds))
    return max(ends)
