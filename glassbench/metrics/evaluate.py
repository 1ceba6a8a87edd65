"""Scores of predictions by a task's metric: each configuration, and all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import selected
from .bootstrap import DRAWS, Interval, interval_of_mean
from .correlation import evaluate_by_configuration, pool
from .pooled_interval import (
    POOLED_CLASSES,
    interval_of_pooled_classes,
    interval_of_pooled_pearson,
    interval_of_statistic,
)
from .specification import METRICS, NEEDS_STRUCTURE, MetricSpecification


class ConfigurationScores(NamedTuple):
    """The aggregate of a metric, and its values (configurations,); NaN stands for undefined."""

    value: float
    by_configuration: NDArray[np.float64]


def score_configurations(
    specification: MetricSpecification,
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    selections: Sequence[ArrayLike] | None = None,
    structures: Sequence[tuple[ArrayLike, ArrayLike]] | None = None,
) -> ConfigurationScores:
    """Return the metric of each configuration and of all.

    With `average = "configuration"` one undefined configuration leaves the aggregate undefined:
    dropping it would favour whoever fails. With `sample_means` the value is the function of one
    mean prediction and one mean target for each configuration.

    Parameters
    ----------
    predictions, targets : arrays (N_c,) or (P_c,), one for each configuration
    selections : masks of the same lengths, from `select_particles` or
        `select_pairs`; None for all
    structures : (positions, box) of each configuration, for functions that
        average in space, which they do over the selected particles
    """
    function = _function(specification)
    if specification.function in NEEDS_STRUCTURE:
        by_configuration = _with_structures(
            specification, function, predictions, targets, selections, structures
        )
    else:
        by_configuration = evaluate_by_configuration(function, predictions, targets, selections)
    if by_configuration.ndim != 1:
        raise ValueError(
            f"predictions have leading dimensions {by_configuration.shape[:-1]}: "
            "score one condition at a time"
        )
    if specification.average == "configuration":
        value = by_configuration.mean()
    elif specification.average == "pooled":
        value = function(*pool(predictions, targets, selections))
    else:
        value = function(*_sample_means(predictions, targets, selections))
    return ConfigurationScores(float(value), by_configuration)


def score_interval(
    specification: MetricSpecification,
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    clusters: ArrayLike,
    selections: Sequence[ArrayLike] | None = None,
    structures: Sequence[tuple[ArrayLike, ArrayLike]] | None = None,
    draws: int = DRAWS,
) -> Interval:
    """Return the aggregate of `score_configurations` with its 95 % cluster-bootstrap interval.

    Means over configurations, the pooled Pearson correlation and the pooled scores of classes
    take well under a second; any other function is computed once for all draws
    that are alike. The parameters are those of `score_configurations` and `interval_of_mean`.
    """
    if specification.average == "configuration":
        scores = score_configurations(specification, predictions, targets, selections, structures)
        return interval_of_mean(scores.by_configuration, clusters, draws)
    function = _function(specification)
    if specification.average == "sample_means":
        first, second = _sample_means(predictions, targets, selections)
        return interval_of_statistic(lambda i: function(first[i], second[i]), clusters, draws)
    arguments = (predictions, targets, clusters, selections, draws)
    if specification.function == "pearson":
        return interval_of_pooled_pearson(*arguments)
    if specification.function in POOLED_CLASSES:
        options: dict[str, Any] = dict(specification.options)
        return interval_of_pooled_classes(specification.function, *arguments, **options)
    parts = list(selected(predictions, targets, selections))

    def pooled(index: NDArray[np.int64]) -> float:
        return function(*(np.concatenate([parts[i][side] for i in index]) for side in (0, 1)))

    return interval_of_statistic(pooled, clusters, draws)


def _function(specification: MetricSpecification) -> Callable:
    return partial(METRICS[specification.function], **specification.options)


def _sample_means(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    selections: Sequence[ArrayLike] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean prediction and mean target of each configuration: two (configurations,)."""
    means = []
    for index, parts in enumerate(selected(predictions, targets, selections)):
        if parts[1].shape[-1] == 0:
            raise ValueError(
                f"configuration {index}: no particle is selected, so that it has no mean: "
                "leave it out or select others"
            )
        means.append([math.fsum(part) / len(part) for part in parts])
    first, second = np.array(means, dtype=np.float64).T
    return first, second


def _with_structures(
    specification, function, predictions, targets, selections, structures
) -> NDArray[np.float64]:
    parts = list(selected(predictions, targets, selections))
    if structures is None or len(structures) != len(parts):
        raise ValueError(
            f"metric {specification.name}: {specification.function} needs positions and box of "
            f"each of {len(parts)} configurations: give structures"
        )
    if selections is None:
        selections = [np.ones(len(np.asarray(target)), bool) for target in targets]
    values = []
    for (prediction, target), mask, (positions, box) in zip(
        parts, selections, structures, strict=True
    ):
        values.append(
            function(prediction, target, positions=np.asarray(positions)[np.asarray(mask)], box=box)
        )
    return np.array(values)
