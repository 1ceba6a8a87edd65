"""Published numbers of a task, read from its `reported.csv`: facts with their sources."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Condition
from .errors import UserError

if TYPE_CHECKING:
    from .task import Task

FILE = "reported.csv"
FIXED = ("model", "metric", "dataset", "value", "source")


class ReportedError(UserError):
    """A `reported.csv` breaks its format; the message names file and line."""


@dataclass(frozen=True)
class ReportedNumber:
    """One published number.

    Attributes
    ----------
    model : name of the model in its publication
    metric : name of the task's metric that was published
    dataset : name of the dataset on which it was measured
    condition : values on the axes of the task
    """

    model: str
    metric: str
    dataset: str
    condition: Condition
    value: float
    source: str

    def is_of(self, model: str) -> bool:
        """Return whether the number is of the model, `botan` being `BOTAN`, `nt_gnn` NT-GNN."""
        return plain_name(self.model) == plain_name(model)


def read_reported(task: Task) -> list[ReportedNumber]:
    """Return all published numbers of a task; none where it has no `reported.csv`.

    The file has the columns model, metric, dataset, one for each axis of the
    task, value, source.

    Raises
    ------
    ReportedError
        If a column is missing or unknown, a metric is not the task's, or a number is none.
    """
    path = task.folder / FILE
    if not path.exists():
        return []
    axes = [axis.name for axis in task.axes]
    metrics = {metric.name for metric in task.metrics}
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        if sorted(columns) != sorted([*FIXED, *axes]):
            raise ReportedError(
                f"{path} has the columns {columns}: it needs {[*FIXED[:3], *axes, *FIXED[3:]]}"
            )
        return [_number(path, reader.line_num, row, axes, metrics) for row in reader]


def reported_at(
    task: Task, dataset: str, condition: Condition, metric: str | None = None
) -> list[ReportedNumber]:
    """Return the published numbers at a condition, best first; only those on the same dataset.

    Parameters
    ----------
    metric : the primary metric unless named
    """
    specification = task.metric(metric) if metric else task.primary_metric
    numbers = [
        number
        for number in read_reported(task)
        if number.dataset == dataset
        and number.metric == specification.name
        and _same(number.condition, condition)
    ]
    return sorted(numbers, key=lambda number: number.value, reverse=specification.higher_is_better)


def _number(path: Path, line: int, row: dict, axes: list[str], metrics: set[str]) -> ReportedNumber:
    try:
        condition = Condition.of(**{axis: float(row[axis]) for axis in axes})
        value = float(row["value"])
    except (TypeError, ValueError) as error:
        raise ReportedError(f"{path}, line {line}: {error}") from error
    if row["metric"] not in metrics:
        raise ReportedError(
            f"{path}, line {line}: metric `{row['metric']}` is none of {sorted(metrics)}"
        )
    if not math.isfinite(value) or not row["source"]:
        raise ReportedError(f"{path}, line {line}: a number needs a finite value and a source")
    return ReportedNumber(
        row["model"], row["metric"], row["dataset"], condition, value, row["source"]
    )


def _same(one: Condition, other: Condition) -> bool:
    return set(one) == set(other) and all(
        math.isclose(one[axis], other[axis], rel_tol=1e-6) for axis in one
    )


def plain_name(name: str) -> str:
    """Return letters and digits alone, so that `NT-GNN` of a paper is `nt_gnn` of a folder."""
    return "".join(filter(str.isalnum, name.casefold()))
