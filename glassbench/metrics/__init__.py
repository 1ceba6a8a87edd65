"""Metrics on arrays: pure functions that import nothing of the house, and only numpy.

Values that do not fit are refused with a ValueError that names them: NaN or infinite values, labels
that are neither 0 nor 1, numbers of particles or of configurations that differ.
"""

from .bootstrap import Interval, RankedModel, holm, interval_of_mean, paired_difference, rank_groups
from .classification import average_precision, balanced_accuracy, c_rank, overlap_ratio, roc_auc
from .collective import COLLECTIVE, collective_interval
from .correlation import midranks, noise_ceiling, pearson, reliability, spearman
from .evaluate import ConfigurationScores, score_configurations, score_interval
from .pooled_interval import (
    interval_of_pooled_classes,
    interval_of_pooled_pearson,
    interval_of_statistic,
)
from .regression import (
    binned_pearson,
    binned_pearson_of_binning,
    binned_slope,
    mae,
    mean_error,
    mse,
    r2,
    rmse,
    spatial_average,
    spatially_averaged_pearson,
)
from .specification import METRICS, SELECTIONS, MetricSpecification, select_pairs, select_particles

__all__ = [
    "COLLECTIVE",
    "METRICS",
    "SELECTIONS",
    "ConfigurationScores",
    "Interval",
    "MetricSpecification",
    "RankedModel",
    "average_precision",
    "balanced_accuracy",
    "binned_pearson",
    "binned_pearson_of_binning",
    "binned_slope",
    "c_rank",
    "collective_interval",
    "holm",
    "interval_of_mean",
    "interval_of_pooled_classes",
    "interval_of_pooled_pearson",
    "interval_of_statistic",
    "mae",
    "mean_error",
    "midranks",
    "mse",
    "noise_ceiling",
    "overlap_ratio",
    "paired_difference",
    "pearson",
    "r2",
    "rank_groups",
    "reliability",
    "rmse",
    "roc_auc",
    "score_configurations",
    "score_interval",
    "select_pairs",
    "select_particles",
    "spatial_average",
    "spatially_averaged_pearson",
    "spearman",
]
