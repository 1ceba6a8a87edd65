"""Published numbers of a task, read from its `reported.csv`: facts with their sources."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
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
    """One published number: of which model, as its publication names it, in which metric."""

    model: str
    metric: str
    dataset: str
    condition: Condition
    value: float
    source: str


def plain_name(name: str) -> str:
    """Return letters and digits alone, so that `NT-GNN` of a paper is `nt_gnn` of a folder."""
    return "".join(filter(str.isalnum, name.casefold()))


def read_reported(task: Task) -> list[ReportedNumber]:
    """Return all published numbers of a task; none where it has no `reported.csv`."""
    path = task.folder / FILE
    if not path.exists():
        return []
    axes = [axis.name for axis in task.axes]
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        if sorted(columns) != sorted([*FIXED, *axes]):
            raise ReportedError(
                f"{path} has the columns {columns}: it needs {[*FIXED[:3], *axes, *FIXED[3:]]}"
            )
        numbers = []
        for row in reader:
            try:
                numbers.append(_number(row, task))
            except (TypeError, ValueError) as error:
                raise ReportedError(f"{path}, line {reader.line_num}: {error}") from error
        return numbers


def _number(row: dict[str, str], task: Task) -> ReportedNumber:
    condition = Condition.of(**{axis.name: float(row[axis.name]) for axis in task.axes})
    value, metrics = float(row["value"]), sorted(metric.name for metric in task.metrics)
    if row["metric"] not in metrics:
        raise ValueError(f"metric `{row['metric']}` is none of {metrics}")
    if not math.isfinite(value) or not row["source"]:
        raise ValueError("a number needs a finite value and a source")
    return ReportedNumber(
        row["model"], row["metric"], row["dataset"], condition, value, row["source"]
    )


def reported_at(task: Task, dataset: str, condition: Condition) -> list[ReportedNumber]:
    """Return a dataset's published numbers in the primary metric at a condition, best first."""
    primary = task.primary_metric
    numbers = [
        number
        for number in read_reported(task)
        if number.dataset == dataset
        and number.metric == primary.name
        and all(math.isclose(condition[a], v, rel_tol=1e-6) for a, v in number.condition.values)
    ]
    return sorted(numbers, key=lambda number: number.value, reverse=primary.higher_is_better)
