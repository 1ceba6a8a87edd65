"""Labels of particles: whether a stored quantity lies above the threshold of its condition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from .balanced import draw_negatives
from .errors import DatasetError
from .store import Dataset


class Labels:
    """The labels of one sample under one load at one condition.

    Parameters
    ----------
    quantity : the stored variable, such as `d2min`, beside which the dataset has
        `<quantity>_threshold` and, for samples deformed twice, `<quantity>_repeat`
    at : coordinates: protocol, strain, fraction
    """

    def __init__(
        self,
        dataset: Dataset,
        state: str,
        index: int,
        quantity: str,
        at: Mapping[str, float | str],
    ) -> None:
        self.dataset, self.where, self.quantity, self.at = dataset, (state, index), quantity, at

    @cached_property
    def threshold(self) -> float:
        """Value above which a particle is positive, in the unit of the quantity."""
        return float(self.dataset.shared(self.where[0], f"{self.quantity}_threshold", **self.at))

    @cached_property
    def positive(self) -> np.ndarray:
        """Which particles are positive: (N,) bool."""
        return self.dataset.values(*self.where, self.quantity, **self.at) > self.threshold

    @property
    def negatives(self) -> np.ndarray:
        """Indices (M,) int64 of the negatives of the balanced set.

        Those that the dataset stores where it does for this fraction; elsewhere they are
        drawn from the names of state, sample, protocol, strain and fraction.
        """
        state = self.dataset.state(self.where[0])
        if np.isclose(float(self.at["fraction"]), float(state.attributes["negative_fraction"])):
            stored = np.flatnonzero(self.dataset.values(*self.where, "negative", **self.at))
            count = int(self.positive.sum())
            if len(stored) != min(count, len(self.positive) - count):
                raise DatasetError(
                    f"the balanced set of configuration {state.configuration_ids[self.where[1]]} "
                    f"of {state.name} in {self.dataset.path} has {len(stored)} negatives for "
                    f"{count} positives: its chunk is lost; check with `glassbench data verify`"
                )
            return stored
        sample = state.configuration_ids[self.where[1]]
        names = (self.at["protocol"], self.at["strain"], self.at["fraction"])
        return draw_negatives(self.positive, state.name, sample, *names)

    @property
    def repeated(self) -> bool:
        """Whether there is a second measurement of the quantity."""
        return self.dataset.holds(*self.where, f"{self.quantity}_repeat", **self.at)

    def score(self) -> np.ndarray:
        """Return q / (q + threshold) of the second measurement q: (N,), above 1/2 if positive."""
        repeat = self.dataset.values(*self.where, f"{self.quantity}_repeat", **self.at)
        values = repeat.astype(np.float64)
        return values / (values + self.threshold)
