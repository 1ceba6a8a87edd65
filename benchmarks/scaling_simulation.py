"""A cluster as discrete events: one driver that serves in turn, and workers that wait for it."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

MOST_NODES = 65536


@dataclass(frozen=True)
class Costs:
    """What a trial costs beside its computation, in seconds.

    Attributes
    ----------
    driver : of the driver, which serves one trial at a time
    worker : of its worker, between two trials: locks, logs, results, the way to the driver
    start : of a new worker: a process, and the imports of a trial
    reused : whether a worker takes the next trial, or a new one is started for it
    """

    driver: float
    worker: float
    start: float
    reused: bool = True


def simulate(costs: Costs, nodes: int, trials: int, seconds: float) -> float:
    """Return the seconds until all trials have ended, each of which computes for `seconds`.

    The driver hands a trial to each node in turn, and a new one to each node that
    hands it a result, in the order in which they come.
    """
    driver_free, waiting = 0.0, trials
    done: list[float] = []
    for _ in range(min(nodes, trials)):
        driver_free += costs.driver
        heapq.heappush(done, driver_free + costs.start + seconds)
        waiting -= 1
    last = 0.0
    while done:
        ended = heapq.heappop(done)
        driver_free = max(driver_free, ended) + costs.driver
        last = driver_free
        if waiting:
            waiting -= 1
            between = costs.worker + (0.0 if costs.reused else costs.start)
            heapq.heappush(done, driver_free + between + seconds)
    return last


def efficiency(costs: Costs, nodes: int, trials: int, seconds: float) -> float:
    """Return computation over what all nodes together could have computed in that time."""
    return trials * seconds / (nodes * simulate(costs, nodes, trials, seconds))


def shortest_trial(costs: Costs, nodes: int, trials: int, goal: float) -> float:
    """Return the seconds that a trial must compute for the efficiency to reach the goal."""
    low, high = 1e-3, 1e5
    while high / low > 1.02:
        middle = (low * high) ** 0.5
        if efficiency(costs, nodes, trials, middle) < goal:
            low = middle
        else:
            high = middle
    return high


def most_nodes(costs: Costs, trials_per_node: int, seconds: float, goal: float) -> int:
    """Return how many nodes reach the goal, within a factor of two, and up to `MOST_NODES`."""
    steady = replace(costs, start=0.0) if costs.reused else costs
    if efficiency(steady, 1, trials_per_node, seconds) < goal:
        return 0
    nodes = 1
    while nodes < MOST_NODES and (
        efficiency(steady, 2 * nodes, 2 * nodes * trials_per_node, seconds) >= goal
    ):
        nodes *= 2
    return nodes
