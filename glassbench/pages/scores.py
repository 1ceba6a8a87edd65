"""What boards read of a record: arrays over its conditions, instead of ten thousand objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..record.file import Record

Point = tuple[float, ...]
Ends = tuple[float, float] | None


@dataclass(frozen=True)
class ByConfiguration:
    """The primary metric at the conditions that have the same configurations.

    Attributes
    ----------
    configurations, parents : (n,) names
    places : (c,) of the conditions in the record
    values : (c, n), the mean over seeds; NaN where a value is undefined
    """

    configurations: tuple[str, ...]
    parents: tuple[str, ...]
    places: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """A record's scores, and what it says of the data at its conditions; NaN for nothing.

    Attributes
    ----------
    points : (C,) the conditions as values on the task's axes
    value, low, high : by metric, (C,)
    ceiling : by metric, (C,)
    floors : by model, (C,) of the primary metric
    tau_alpha : (C,)
    parents : (C,) names of the independent samples
    groups : the primary metric by configuration; conditions at which it was not told are in none
    transfer : by place of the condition that was trained at, what the record says of others
    """

    points: tuple[Point, ...]
    value: Mapping[str, NDArray[np.float64]]
    low: Mapping[str, NDArray[np.float64]]
    high: Mapping[str, NDArray[np.float64]]
    ceiling: Mapping[str, NDArray[np.float64]]
    floors: Mapping[str, NDArray[np.float64]]
    tau_alpha: NDArray[np.float64]
    parents: tuple[tuple[str, ...], ...]
    groups: tuple[ByConfiguration, ...]
    transfer: Mapping[int, Mapping[str, Any]]

    @cached_property
    def place(self) -> dict[Point, int]:
        """Where each condition stands in the arrays."""
        return {point: k for k, point in enumerate(self.points)}

    def along(
        self, values: NDArray[np.float64] | None, points: Iterable[Point]
    ) -> NDArray[np.float64]:
        """Return one of the arrays at other conditions, NaN at those that the record lacks."""
        places = [self.place.get(point, -1) for point in points]
        if values is None:
            return np.full(len(places), np.nan)
        return np.append(values, np.nan)[places]

    def score(self, metric: str, point: Point) -> tuple[float | None, Ends]:
        """Return value and interval of a metric at a condition, None where there is none."""
        place = self.place.get(point)
        if place is None or metric not in self.value:
            return None, None
        low, high = float(self.low[metric][place]), float(self.high[metric][place])
        return known(self.value[metric][place]), None if low != low else (low, high)


def known(value: float) -> float | None:
    """Return a number, or None for NaN."""
    return None if value != value else float(value)


def known_values(values: NDArray[np.float64]) -> list[float | None]:
    """Return numbers, with None for NaN."""
    return [None if value != value else value for value in values.tolist()]


def scores_of(record: Record, axes: Sequence[str]) -> Scores:
    """Return what boards read of the conditions of a record that fits its schema."""
    entries = record["conditions"]
    primary = record["task"]["primary_metric"]
    scores = [entry["scores"] for entry in entries]
    value, low, high = {}, {}, {}
    for metric in sorted({name for found in scores for name in found}):
        told = [found.get(metric) or {} for found in scores]
        ends = [one.get("interval") or (None, None) for one in told]
        value[metric] = _array(one.get("value") for one in told)
        low[metric], high[metric] = _array(e[0] for e in ends), _array(e[1] for e in ends)
    return Scores(
        points=tuple(tuple(float(entry["condition"][axis]) for axis in axes) for entry in entries),
        value=value,
        low=low,
        high=high,
        ceiling=_by_name(
            {name: (found or {}).get("value") for name, found in entry["ceiling"].items()}
            for entry in entries
        ),
        floors=_by_name({f["model"]: f["value"] for f in entry["floors"]} for entry in entries),
        tau_alpha=_array(entry["tau_alpha"] for entry in entries),
        parents=_shared(tuple(entry["parents"]) for entry in entries),
        groups=_groups(entries, primary),
        transfer={k: entry["transfer"] for k, entry in enumerate(entries) if entry.get("transfer")},
    )


def _array(values: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)


def _by_name(entries: Iterable[Mapping[str, float | None]]) -> dict[str, NDArray[np.float64]]:
    """Return, by name, the values of all entries, names in the order in which they come."""
    entries = list(entries)
    names = dict.fromkeys(name for entry in entries for name in entry)
    return {name: _array(entry.get(name) for entry in entries) for name in names}


def _shared(values: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return tuples, equal ones as one object."""
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    return tuple(seen.setdefault(value, value) for value in values)


def _groups(entries: Sequence[Mapping[str, Any]], primary: str) -> tuple[ByConfiguration, ...]:
    found: dict[tuple, list[tuple[int, list]]] = {}
    for k, entry in enumerate(entries):
        seeds = [seed["by_configuration"] for seed in entry["scores"][primary]["seeds"]]
        if seeds and all(seeds):
            key = tuple(entry["configurations"]), tuple(entry["parents"])
            found.setdefault(key, []).append((k, seeds))
    return tuple(
        ByConfiguration(
            *key, np.array([k for k, _ in members]), _mean_over_seeds([s for _, s in members])
        )
        for key, members in found.items()
    )


def _mean_over_seeds(conditions: Sequence[list[list[float | None]]]) -> NDArray[np.float64]:
    """Return (conditions, configurations) from conditions, seeds and configurations."""
    if len({len(seeds) for seeds in conditions}) == 1:
        return np.array(conditions, dtype=np.float64).mean(axis=1)
    return np.array([np.array(seeds, dtype=np.float64).mean(axis=0) for seeds in conditions])
