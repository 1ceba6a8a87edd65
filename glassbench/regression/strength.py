"""Choice of the ridge strength by configurations that were not fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .moments import Moments, merge, pooled_within
from .ridge import correlations, ridge


@dataclass(frozen=True, eq=False)
class Group:
    """Configurations that are held out together: moments of all their particles."""

    merged: Moments
    within: Moments  # without differences between configurations

    @classmethod
    def of(cls, configuration: Moments) -> Group:
        """Return the group of one configuration."""
        return cls(configuration, configuration)

    def with_configuration(self, configuration: Moments) -> Group:
        """Return the group with one more configuration; memory does not grow."""
        return Group(
            merge([self.merged, configuration]), pooled_within([self.within, configuration])
        )


def choose_strength(
    train: Sequence[Group], valid: Group | None, strengths: Sequence[float]
) -> tuple[float, float]:
    """Return the strength that predicts best what was not fitted, and its score.

    Each group of training configurations is predicted by a fit to the other groups,
    and the validation configurations by a fit to all of training. The score of a
    group is the Pearson correlation within its configurations; groups count by
    their particles.
    """
    held_out = []
    if len(train) > 1:
        for index, group in enumerate(train):
            others = [other.merged for k, other in enumerate(train) if k != index]
            held_out.append((merge(others), group.within))
    if valid is not None:
        held_out.append((merge([group.merged for group in train]), valid.within))
    if not held_out:
        raise ValueError(
            "a ridge strength cannot be chosen from one training configuration without "
            "validation: give more configurations or a single strength"
        )
    weights = np.array([within.count for _, within in held_out], dtype=float)
    scores = [correlations(ridge(fitted, strengths), within) for fitted, within in held_out]
    mean = np.average(scores, axis=0, weights=weights)
    best = int(np.argmax(mean))
    return float(strengths[best]), float(mean[best])
