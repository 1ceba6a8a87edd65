"""Labels of particles: positive above a threshold, which the top fraction of a split defines.

A balanced set is all positives of a sample under one load, and as many negatives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..contract.errors import DatasetError
from .state import State

FRACTIONS = (0.005, 0.01, 0.02, 0.05)


@dataclass
class Labels:
    """The labels of one sample at a protocol, a strain and a fraction.

    Beside the stored quantity, such as `d2min`, the dataset has `<quantity>_threshold` and, for
    samples deformed twice, `<quantity>_repeat`.
    """

    state: State
    index: int
    quantity: str
    at: Mapping[str, float | str]

    @cached_property
    def threshold(self) -> float:
        """Value above which a particle is positive, in the unit of the quantity."""
        return float(self.state.shared(f"{self.quantity}_threshold", **self.at))

    @cached_property
    def positive(self) -> np.ndarray:
        """Which particles are positive: (N,) bool."""
        return self.state.values(self.index, self.quantity, **self.at) > self.threshold

    @property
    def negatives(self) -> np.ndarray:
        """Indices (M,) int64 of the negatives of the balanced set.

        Those that the dataset stores where it does for this fraction; elsewhere they are
        drawn from the names of state, sample, protocol, strain and fraction.
        """
        state, sample = self.state, self.state.configuration_ids[self.index]
        if np.isclose(float(self.at["fraction"]), float(state.attributes["negative_fraction"])):
            stored = np.flatnonzero(self.state.values(self.index, "negative", **self.at))
            count = int(self.positive.sum())
            if len(stored) != min(count, len(self.positive) - count):
                raise DatasetError(
                    f"the balanced set of configuration {sample} of {state.name} has "
                    f"{len(stored)} negatives for {count} positives: its chunk is lost; check the "
                    "dataset with `glassbench data verify`"
                )
            return stored
        names = (self.at["protocol"], self.at["strain"], self.at["fraction"])
        return draw_negatives(self.positive, state.name, sample, *names)

    @property
    def repeated(self) -> bool:
        """Whether there is a second measurement of the quantity."""
        return self.state.holds(self.index, f"{self.quantity}_repeat", **self.at)

    def score(self) -> np.ndarray:
        """Return q / (q + threshold) of the second measurement q: (N,), above 1/2 if positive."""
        repeat = self.state.values(self.index, f"{self.quantity}_repeat", **self.at)
        values = repeat.astype(np.float64)
        return values / (values + self.threshold)


def draw_negatives(positive: np.ndarray, *names: object) -> np.ndarray:
    """Return the indices (M,) int64, sorted, of negatives drawn without replacement.

    As many as there are positives, or all negatives where they are fewer. The draw depends on
    nothing but the labels (N,) and the names of what is drawn for: it takes the raw words of
    PCG64, whose stream is the same in every version of numpy.
    """
    negative = np.flatnonzero(~np.asarray(positive, dtype=bool))
    wanted = min(len(positive) - len(negative), len(negative))
    text = "\x1f".join(f"{n:.10g}" if isinstance(n, float) else str(n) for n in names)
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    ranks = np.random.PCG64(seed).random_raw(len(negative))
    return np.sort(negative[np.argsort(ranks, kind="stable")[:wanted]]).astype(np.int64)


def balanced_set(positive: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """Return the indices (M,) int64, sorted, of all positives and the drawn negatives."""
    return np.sort(np.concatenate([np.flatnonzero(positive), negatives])).astype(np.int64)
