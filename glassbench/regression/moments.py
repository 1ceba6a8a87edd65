"""Means and products of features and target, from which every linear regression follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of n samples of F features x and one target y."""

    count: int
    mean: np.ndarray  # (F,) of x
    target_mean: float
    scatter: np.ndarray  # (F, F) sum over samples of (x - mean)(x - mean)^T
    cross: np.ndarray  # (F,) sum over samples of (x - mean)(y - target_mean)
    target_scatter: float  # sum over samples of (y - target_mean)^2

    @classmethod
    def of(cls, features: np.ndarray, target: np.ndarray) -> Moments:
        """Return the moments of features (n, F) and a target (n,), in float64."""
        features = np.asarray(features, dtype=np.float64)
        target = np.asarray(target, dtype=np.float64)
        if features.ndim != 2 or target.shape != features.shape[:1] or not len(target):
            raise ValueError(
                f"features {features.shape} and target {target.shape} do not fit: "
                "(n, F) and (n,) with n >= 1 are wanted"
            )
        for name, values in (("feature", features), ("target", target)):
            if not np.isfinite(values).all():
                sample = int(np.argwhere(~np.isfinite(values))[0, 0])
                raise ValueError(
                    f"{name} of sample {sample} is not finite: repair it before fitting"
                )
        mean, target_mean = features.mean(axis=0), float(target.mean())
        deviations, target_deviations = features - mean, target - target_mean
        return cls(
            count=len(target),
            mean=mean,
            target_mean=target_mean,
            scatter=deviations.T @ deviations,
            cross=deviations.T @ target_deviations,
            target_scatter=float(target_deviations @ target_deviations),
        )


def merge(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all samples of all parts."""
    parts = list(parts)
    within = pooled_within(parts)
    scatter, cross = within.scatter.copy(), within.cross.copy()
    target_scatter = within.target_scatter
    for part in parts:
        shift, target_shift = part.mean - within.mean, part.target_mean - within.target_mean
        scatter += part.count * np.outer(shift, shift)
        cross += part.count * shift * target_shift
        target_scatter += part.count * target_shift**2
    return Moments(
        within.count, within.mean, within.target_mean, scatter, cross, float(target_scatter)
    )


def pooled_within(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all samples, each part measured from its own means.

    Differences between the means of the parts do not count in the products; the
    means are those of all samples.
    """
    parts = list(parts)
    if not parts:
        raise ValueError("there are no moments to join: give at least one part")
    count = sum(part.count for part in parts)
    return Moments(
        count=count,
        mean=np.asarray(sum(part.count * part.mean for part in parts)) / count,
        target_mean=sum(part.count * part.target_mean for part in parts) / count,
        scatter=np.asarray(sum(part.scatter for part in parts)),
        cross=np.asarray(sum(part.cross for part in parts)),
        target_scatter=sum(part.target_scatter for part in parts),
    )
