"""Ridge regression from moments, and the choice of its strength by what was not fitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

# A feature whose deviation is this much smaller than its mean varies by rounding alone.
CONSTANT = 1e-10
# Samples that are turned into float64 at a time.
PIECE = 2**16


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


@dataclass(frozen=True, eq=False)
class LinearMap:
    """y = intercept + sum_f slopes_f x_f."""

    slopes: np.ndarray
    intercept: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return y (n,) float64 of features (n, F)."""
        pieces = range(0, max(1, len(features)), PIECE)
        parts = [np.asarray(features[i : i + PIECE], np.float64) @ self.slopes for i in pieces]
        return np.concatenate(parts) + self.intercept


def ridge(moments: Moments, strengths: Sequence[float]) -> list[LinearMap]:
    """Return the ridge regression of each strength.

    minimise (1/n) sum_i (y_i - b - w . z_i)^2 + strength |w|^2, z = (x - mean) / deviation

    Features are standardised, so that a strength means the same for any unit and
    any number of samples. Strength 0 is ordinary least squares, of least norm where
    features depend on each other. A constant feature has slope 0.

    Parameters
    ----------
    strengths : numbers >= 0, dimensionless
    """
    for strength in strengths:
        if not (np.isfinite(strength) and strength >= 0):
            raise ValueError(f"ridge strength {strength} must be finite and at least 0")
    deviation = np.sqrt(np.diag(moments.scatter) / moments.count)
    varies = deviation > CONSTANT * np.abs(moments.mean)
    inverse = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies)
    correlation = moments.scatter * inverse[:, None] * inverse / moments.count
    values, vectors = np.linalg.eigh(correlation)
    projected = vectors.T @ (moments.cross * inverse / moments.count)
    smallest = len(values) * np.finfo(float).eps * max(values[-1], 0.0)
    maps = []
    for strength in strengths:
        kept = values > smallest
        weights = np.divide(projected, values + strength, out=np.zeros_like(values), where=kept)
        slopes = (vectors @ weights) * inverse
        maps.append(LinearMap(slopes, float(moments.target_mean - slopes @ moments.mean)))
    return maps


def correlations(maps: Sequence[LinearMap], moments: Moments) -> np.ndarray:
    """Return the Pearson correlation between prediction and target of each map, from moments.

    A constant prediction or target, whose correlation is undefined, has -1, so that
    it is never preferred.
    """
    slopes = np.stack([each.slopes for each in maps], axis=1)
    covariance = slopes.T @ moments.cross
    variance = np.einsum("fk,fk->k", slopes, moments.scatter @ slopes)
    product = variance * moments.target_scatter
    defined = product > 0
    norm = np.sqrt(np.where(defined, product, 1.0))
    return np.where(defined, np.clip(covariance / norm, -1.0, 1.0), -1.0)


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
