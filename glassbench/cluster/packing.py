"""Which trial starts next: the longest first, each on a share of its own, none starved."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from ..experiments.resources import Capacity, Share, gpu_slots

AHEAD = 2
SLACK = 1e-6


class Packing:
    """Trials that wait, in order, and the room that those under way leave.

    The first trial that fits starts. One that does not fit keeps what it is short
    of for itself, so that smaller ones behind it fill the rest and it is not put off
    for ever. A few that do not fit start ahead of their turn, so that no core waits
    for the driver, and a cluster that grows on demand sees a demand.

    Every wait is short of one machine's room at most: which machine takes a trial is
    for the cluster to say.
    """

    def __init__(self, capacity: Capacity, ahead: int = AHEAD) -> None:
        self.capacity, self.ahead = capacity, ahead
        self.free = _room(capacity)
        self.started_ahead: Counter[Share] = Counter()
        self._queues: dict[Share, deque[tuple[int, Any]]] = {}
        self._last, self._first = itertools.count(), itertools.count(-1, -1)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, item: Any, share: Share) -> None:
        """Let a trial wait behind all others."""
        self._queues.setdefault(share, deque()).append((next(self._last), item))

    def add_first(self, item: Any, share: Share) -> None:
        """Let a trial wait before all others, as one that was under way before."""
        self._queues.setdefault(share, deque()).appendleft((next(self._first), item))

    def start(self) -> Iterator[tuple[Any, Share, bool]]:
        """Yield what starts now, each once, and whether it starts ahead of its turn.

        Its room is taken until `ended`.
        """
        while (found := self._next()) is not None:
            share, ahead = found
            _, item = self._queues[share].popleft()
            self._take(share, 1)
            yield item, share, ahead

    def ended(self, share: Share) -> None:
        """Give the room of a trial back."""
        self._take(share, -1)
        self.started_ahead[share] = max(0, self.started_ahead[share] - 1)

    def resize(self, capacity: Capacity) -> None:
        """Take note that machines came or went."""
        before, now = _room(self.capacity), _room(capacity)
        for resource in self.free:
            self.free[resource] += now[resource] - before[resource]
        self.capacity = capacity

    def _next(self) -> tuple[Share, bool] | None:
        """Return the share of the trial that starts next and whether ahead, or None."""
        free, kept = dict(self.free), set()
        waiting = [share for share, queue in self._queues.items() if queue]
        for share in sorted(waiting, key=lambda share: self._queues[share][0][0]):
            amounts = self._amounts(share)
            short = {name for name, amount in amounts.items() if amount > free[name] + SLACK}
            if not short:
                return share, False
            if not short & kept and self.started_ahead[share] < self.ahead:
                self.started_ahead[share] += 1
                return share, True
            for name in short:
                free[name] -= amounts[name]
            kept |= short
        return None

    def _take(self, share: Share, times: int) -> None:
        for name, amount in self._amounts(share).items():
            self.free[name] -= times * amount

    def _amounts(self, share: Share) -> dict[str, float]:
        """Return what a share takes of that which is limited."""
        amounts = {"cpus": share.cpus, "gpus": gpu_slots(share.gpus), "memory": share.memory}
        return {name: amount for name, amount in amounts.items() if amount}


def _room(capacity: Capacity) -> dict[str, float]:
    return {"cpus": capacity.cpus, "gpus": capacity.gpus, "memory": capacity.memory}
