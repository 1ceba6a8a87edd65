"""What each metric is, in words and as an equation in MathML."""

from __future__ import annotations

from functools import cache
from typing import Any

from markupsafe import Markup

from ..metrics import MetricSpecification
from ..metrics.specification import NO_SCORE

# Prediction x, target y, particles i = 1 … N of one configuration.
DEFINITIONS: dict[str, tuple[str, str]] = {
    "pearson": (
        "Linear correlation between prediction and truth. A constant prediction has none.",
        r"r = \frac{\sum_i (x_i - \bar x)(y_i - \bar y)}"
        r"{\sqrt{\sum_i (x_i - \bar x)^2 \sum_i (y_i - \bar y)^2}}",
    ),
    "spearman": (
        "Linear correlation between the ranks of prediction and truth, ties at mid-ranks.",
        r"r_s = r(\operatorname{rank} x, \operatorname{rank} y)",
    ),
    "mse": ("Mean squared error.", r"\mathrm{MSE} = \frac{1}{N} \sum_i (x_i - y_i)^2"),
    "rmse": (
        "Root of the mean squared error, in the unit of the target.",
        r"\mathrm{RMSE} = \sqrt{\frac{1}{N} \sum_i (x_i - y_i)^2}",
    ),
    "mae": ("Mean absolute error.", r"\mathrm{MAE} = \frac{1}{N} \sum_i |x_i - y_i|"),
    "mean_error": (
        "Mean of prediction minus truth: an offset; no score.",
        r"\frac{1}{N} \sum_i (x_i - y_i)",
    ),
    "r2": (
        "Share of the variance that is explained; 0 for a prediction of the mean.",
        r"R^2 = 1 - \frac{\sum_i (x_i - y_i)^2}{\sum_i (y_i - \bar y)^2}",
    ),
    "binned_pearson": (
        "Linear correlation of bin means after sorting by the true value.",
        r"r\left(\langle x \rangle_b, \langle y \rangle_b\right)",
    ),
    "binned_pearson_of_binning": (
        "What binning alone makes of the correlation of the particles: the binned correlation of "
        "a prediction whose error is independent of the truth. No score.",
        r"\frac{r s}{\sqrt{r^2 s^2 + (1 - r^2) \langle 1/n_b \rangle (1 - 1/B)}}, \quad "
        r"s^2 = \frac{\mathrm{var}_b \langle y \rangle_b}{\mathrm{var}\, y}",
    ),
    "binned_slope": (
        "Slope of the binned prediction against the binned truth; 1 has the right scale.",
        r"s = \frac{\sum_b \langle x \rangle_b (\langle y \rangle_b - \bar y)}"
        r"{\sum_b (\langle y \rangle_b - \bar y)^2}",
    ),
    "spatially_averaged_pearson": (
        "Linear correlation after averaging both fields over all particles within a radius.",
        r"r\left(\tilde x, \tilde y\right), \quad"
        r"\tilde x_i = \langle x_j \rangle_{|\mathbf r_{ij}| < R}",
    ),
    "c_rank": (
        "Where the particles that rearrange most stand in the order of the prediction: "
        "1 at the top, 0 for chance.",
        r"C = 2 \left\langle \mathrm{CDF}(x_i) \right\rangle_{i \in \mathrm{top}_f} - 1",
    ),
    "overlap_ratio": (
        "Share of the particles that rearrange most which the prediction also puts on top.",
        r"O = \frac{|\mathrm{top}_f(x) \cap \mathrm{top}_f(y)|}{|\mathrm{top}_f(y)|}",
    ),
    "balanced_accuracy": (
        "Mean of the shares of positives and of negatives that are found.",
        r"A = \frac{1}{2} \left( \frac{\mathrm{TP}}{P} + \frac{\mathrm{TN}}{N} \right)",
    ),
    "roc_auc": (
        "Chance that a positive is predicted above a negative; 0.5 for chance.",
        r"\mathrm{AUC} = P(x_+ > x_-) + \frac{1}{2} P(x_+ = x_-)",
    ),
    "average_precision": (
        "Area under precision against recall.",
        r"\mathrm{AP} = \sum_n (R_n - R_{n-1}) P_n",
    ),
}
AVERAGES = {
    "configuration": "computed for each test configuration, then averaged",
    "pooled": "computed once over all particles of the test split",
    "sample_means": "computed over the mean prediction and the mean truth of each configuration",
}
NOISE_CEILING = r"\sqrt{\frac{2 r_h}{1 + r_h}}"


def definition(metric: MetricSpecification) -> dict[str, Any]:
    """Return what a metric of a task is: words, equation, and on what it is computed."""
    words, latex = DEFINITIONS[metric.function]
    scope = []
    if metric.on_pairs:
        scope.append(f"pairs: {_kind(metric.pairs or 'all')}")
    elif metric.particles != "all":
        scope.append(f"particles: {_kind(metric.particles or 'all')}")
    if metric.max_distance is not None:
        scope.append(f"closer than {metric.max_distance:g}")
    scope += [f"{name.replace('_', ' ')} {value:g}" for name, value in metric.options.items()]
    scope.append(AVERAGES[metric.average])
    if metric.at_condition:
        scope.append(f"{' and '.join(metric.at_condition)} of the condition")
    if metric.function not in NO_SCORE:
        scope.append("higher is better" if metric.higher_is_better else "lower is better")
    return {"words": words, "equation": mathml(latex), "scope": "; ".join(scope)}


@cache
def mathml(latex: str) -> Markup:
    """Return a LaTeX formula as MathML that stands on a line of its own."""
    from latex2mathml.converter import convert

    return Markup(convert(latex, display="block"))


def _kind(selection: str) -> str:
    return selection.replace("type_a", "type A").replace("type_b", "type B")
