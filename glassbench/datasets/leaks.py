"""Structures that stand in two splits: a model must not be tested on what it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from .layout import MISSING
from .store import Dataset

NEIGHBOURS = 6
# Independent glasses differ by 1e-3 in these means, a copy stored in float32 by 1e-7.
TOLERANCE = 1e-5


class Fingerprinted(NamedTuple):
    """One configuration with the numbers by which copies of it are known."""

    state: str
    name: str
    split: str
    fingerprint: np.ndarray

    def __str__(self) -> str:
        return f"{self.name} of {self.state} ({self.split})"


def fingerprint(positions: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return mean and deviation of the distances to the first six neighbours: (12,) float64.

    Distances are in units of the mean spacing (V/N)^(1/d). Shifted, turned, mirrored, scaled
    and renumbered copies of a structure have the same numbers. `positions` (N, d) may lie
    outside the `box` (d,).
    """
    from scipy.spatial import cKDTree

    edges = np.asarray(box, dtype=np.float64)
    wrapped = np.mod(np.asarray(positions, dtype=np.float64), edges)
    wrapped[wrapped >= edges] = 0.0
    tree = cKDTree(wrapped, boxsize=edges)
    count = min(NEIGHBOURS, len(wrapped) - 1)
    distances, _ = tree.query(wrapped, k=range(2, count + 2))
    distances /= (edges.prod() / len(wrapped)) ** (1 / len(edges))
    return np.concatenate([distances.mean(axis=0), distances.std(axis=0)])


def copies_across_splits(entries: Iterable[Fingerprinted]) -> Iterator[str]:
    """Yield, for each structure that stands in two splits, a message that names both."""
    ordered = sorted(entries, key=lambda entry: (len(entry.fingerprint), *entry.fingerprint))
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            if len(first.fingerprint) != len(second.fingerprint):
                break
            if second.fingerprint[0] - first.fingerprint[0] > TOLERANCE:
                break
            differ = np.abs(second.fingerprint - first.fingerprint).max() > TOLERANCE
            if first.split != second.split and not differ:
                one, other = sorted((first, second), key=lambda entry: entry.split)
                yield (
                    f"configuration {one} is the same structure as {other}, maybe shifted, turned "
                    "or mirrored: a model would be tested on what it was trained on"
                )


def leaks(dataset: Dataset) -> list[str]:
    """Return which structures of a dataset stand in two splits, in words."""
    entries = []
    for name in dataset.states:
        state = dataset.state(name)
        for index, split in enumerate(state.splits):
            if split == MISSING or split in dataset.closed:
                continue
            positions, box = state.one("positions", index), state.short("box")[index]
            if not (np.isfinite(positions).all() and (box > 0).all()):
                continue  # damaged, which the checks of the physics say
            numbers = fingerprint(positions, box)
            entries.append(Fingerprinted(name, state.configuration_ids[index], split, numbers))
    return list(copies_across_splits(entries))
