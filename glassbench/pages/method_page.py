"""The page on data and method: metrics, noise ceiling, tasks, datasets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

from ..contract.checked import read_toml
from ..contract.task import Task
from ..home.workspace import content_folder
from ..metrics import MetricSpecification
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from ..metrics.specification import NO_SCORE
from .standing import Boards

AVERAGES = {
    "configuration": "computed for each test configuration, then averaged",
    "pooled": "computed once over all particles of the test split",
    "sample_means": "computed over the mean prediction and the mean truth of each configuration",
}
NOISE_CEILING = r"\sqrt{\frac{2 r_h}{1 + r_h}}"


def method_context(boards: Boards, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return what the page on data and method shows."""
    # By function, since many metrics are one function of other particles or targets.
    functions: dict[str, dict[tuple[str, str, str], dict[str, Any]]] = {}
    for board, _ in boards:
        for metric in board.metrics:
            scope = _scope(metric)
            # Two tasks may have metrics of one name that are not the same.
            key = (metric.name, metric.title, scope)
            use: dict[str, Any] = {"metric": metric, "scope": scope, "tasks": []}
            use |= definitions()[metric.function]
            use = functions.setdefault(metric.function, {}).setdefault(key, use)
            if board.task.title not in use["tasks"]:
                use["tasks"].append(board.task.title)
    return {
        "functions": [list(uses.values()) for uses in functions.values()],
        "ceiling_equation": mathml(NOISE_CEILING),
        "fewest": FEWEST_FOR_INTERVAL,
        "boards": boards,
        "tasks": tasks,
    }


@cache
def definitions() -> dict[str, dict[str, str]]:
    """Return `words` and `equation`, as MathML, of every function of a metric."""
    table = read_toml(content_folder("leaderboard") / "metrics.toml")
    return {name: {**of, "equation": mathml(of["equation"])} for name, of in table.items()}


def mathml(latex: str) -> Markup:
    """Return a LaTeX formula as MathML that stands on a line of its own."""
    from latex2mathml.converter import convert

    return Markup(convert(latex, display="block"))


def _scope(metric: MetricSpecification) -> str:
    scope = []
    if metric.on_pairs:
        scope.append(f"pairs: {_kind(metric.pairs)}")
    elif metric.particles != "all":
        scope.append(f"particles: {_kind(metric.particles)}")
    if metric.max_distance is not None:
        scope.append(f"closer than {metric.max_distance:g}")
    scope += [f"{name.replace('_', ' ')} {value:g}" for name, value in metric.options.items()]
    scope.append(AVERAGES[metric.average])
    if metric.at_condition:
        scope.append(f"{' and '.join(metric.at_condition)} of the condition")
    if metric.function not in NO_SCORE:
        scope.append("higher is better" if metric.higher_is_better else "lower is better")
    return "; ".join(scope)


def _kind(selection: str | None) -> str:
    return (selection or "all").replace("type_a", "type A").replace("type_b", "type B")
