"""What the conditions of a record say of its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract.task import Task
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL

Point = tuple[float, ...]
Ends = tuple[float, float] | None
ConditionEntry = Mapping[str, Any]  # an item of a record's `conditions`


def point_of(task: Task, condition: Mapping[str, float]) -> Point:
    """Return the values of a condition in the order of the task's axes."""
    return tuple(float(condition[axis.name]) for axis in task.axes)


def samples_of(entry: ConditionEntry) -> int:
    """Return the number of independent samples behind a condition's scores."""
    return len(set(entry["parents"]))


def shown_interval(entry: ConditionEntry, interval: Sequence[float] | None) -> Ends:
    """Return an interval at a condition, or None where too few samples give none."""
    if interval is None or samples_of(entry) < FEWEST_FOR_INTERVAL:
        return None
    return interval[0], interval[1]


def by_configuration(entry: ConditionEntry, metric: str) -> NDArray[np.float64] | None:
    """Return a metric by configuration (n,), the mean over seeds; None where it is not known."""
    seeds = [seed["by_configuration"] for seed in entry["scores"][metric]["seeds"]]
    return np.array(seeds, dtype=np.float64).mean(axis=0) if seeds and all(seeds) else None


def sample_means(entry: ConditionEntry, metric: str) -> dict[str, float]:
    """Return a metric by independent sample, by name; empty where configurations have no value."""
    values, parents = by_configuration(entry, metric), np.asarray(entry["parents"])
    if values is None:
        return {}
    return {name: float(values[parents == name].mean()) for name in sorted(set(entry["parents"]))}
