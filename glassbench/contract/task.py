"""A task, as its folder states it: `task.toml`, and published numbers in `reported.csv`."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PrivateAttr,
    field_validator,
    model_validator,
)

from ..metrics.specification import NO_SCORE, MetricSpecification
from ..model import Condition
from .checked import Checked, Name, Names, Numbers, Text, Texts, checked, read_toml
from .errors import UserError, did_you_mean

INPUT_TIERS = ("thermal", "inherent", "cage", "dynamics")
# The last reads nothing of a structure: another program made the predictions.
TIERS = (*INPUT_TIERS, "predictions")
# What a structure may carry under the tier `dynamics`, where a dataset has it.
DYNAMICS = ("vibrational_msd",)
REPORTED_FILE = "reported.csv"
REPORTED_FIXED = ("model", "metric", "dataset", "value", "source")


class Axis(Checked):
    """One axis of the conditions, such as `temperature` or `time`.

    `default` holds the values of a run that names none, on a dataset without its own default;
    empty for all that there are.
    """

    name: Name
    symbol: Text
    unit: Text
    default: Numbers = ()


class Target(Checked):
    """A quantity to predict: per `particle` or per `pair`.

    `label_of` names the stored quantity whose threshold makes it a label of 0 and 1; it
    is empty for a quantity that is stored itself.
    """

    name: Name
    per: Literal["particle", "pair"]
    unit: Text
    description: Text = ""
    label_of: Text = ""


class DatasetEntry(Checked):
    """A dataset that a task names, and the conditions of a run that names none.

    `tau_alpha` holds the relaxation time by temperature where only published numbers are at hand:
    records bring their own.
    """

    name: Name
    path: Text | None = None
    description: Text = ""
    default: Mapping[str, Numbers] = {}
    tau_alpha: Mapping[str, float] = {}


def _with_names(entries: Any) -> Any:
    """Give each table of a table its key as its name."""
    if not isinstance(entries, Mapping):
        return entries
    for name, entry in entries.items():
        if isinstance(entry, Mapping) and "name" in entry:
            raise ValueError(f"[{name}] has a `name`: its heading names it, so leave the key out")
    return {
        name: {**entry, "name": name} if isinstance(entry, Mapping) else entry
        for name, entry in entries.items()
    }


class MetricTable(BaseModel):
    """A table of `[[metrics]]`: its types. Further keys are options of the function."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    name: Name
    function: Text
    target: Text
    prediction: Text = ""
    particles: Text | None = None
    pairs: Text | None = None
    max_distance: float | None = None
    average: Text = "configuration"
    primary: bool = False
    title: Text = ""
    at_condition: Texts = ()


def _specifications(tables: Any) -> Any:
    """Return the `[[metrics]]` as checked specifications."""
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise ValueError("`metrics` must be tables [[metrics]]")
    for number, table in enumerate(tables, start=1):
        checked(MetricTable, table, f"metric {table.get('name', number)}")
    return tuple(MetricSpecification.from_table(table) for table in tables)


class Task(Checked):
    """A standardised problem, as its `task.toml` states it.

    `transfer` names the axes over which a model fitted at one value is also scored at the
    others; `quick` names the models of a first look, minutes of work on two cores; `near_target`
    names models that measure nearly the target itself, in another run of the same structure.
    """

    name: Name
    title: Text
    summary: Text
    protocol_version: Annotated[int, Field(ge=1)]
    target: Name
    targets: Annotated[Mapping[str, Target], BeforeValidator(_with_names)]
    symmetry: Literal["none", "square", "cubic", "shear_2d", "shear_3d"]
    axes: Annotated[tuple[Axis, ...], Field(strict=False, min_length=1)]
    metrics: Annotated[
        tuple[InstanceOf[MetricSpecification], ...], BeforeValidator(_specifications)
    ]
    floors: Names
    datasets: Annotated[Mapping[str, DatasetEntry], BeforeValidator(_with_names)]
    default_dataset: Name
    citation: Text
    transfer: Names = ()
    quick: Names = ()
    near_target: Names = ()
    folder: Path = Field(exclude=True, repr=False)
    _own_target: str = PrivateAttr("")

    def model_post_init(self, context: Any) -> None:
        self._own_target = self.target

    @field_validator("metrics")
    @classmethod
    def _one_metric_ranks(cls, metrics: tuple[MetricSpecification, ...]) -> Any:
        names = [metric.name for metric in metrics]
        if len(set(names)) != len(names):
            raise ValueError(f"two of [[metrics]] have one name, of {', '.join(names)}")
        if sum(metric.primary for metric in metrics) != 1:
            raise ValueError("exactly one of [[metrics]] must have `primary = true`")
        return metrics

    @model_validator(mode="after")
    def _names_fit(self) -> Task:
        """Hold every name to what it names."""
        axes = [axis.name for axis in self.axes]
        _among("target", self.target, self.targets)
        _among("default_dataset", self.default_dataset, self.datasets)
        for axis in self.transfer:
            _among("transfer", axis, axes)
        for target in self.targets.values():
            if target.label_of:
                _among(f"targets.{target.name}.label_of", target.label_of, self.targets)
        for entry in self.datasets.values():
            for axis in entry.default:
                _among(f"datasets.{entry.name}.default", axis, axes)
        for metric in self.metrics:
            where = f"metric {metric.name}"
            _among(f"{where}: target", metric.target, self.targets)
            _among(f"{where}: prediction", metric.prediction, self.targets)
            for axis in metric.at_condition:
                _among(f"{where}: at_condition", axis, axes)
            compared = self.targets[metric.target].per
            if (compared == "pair") != metric.on_pairs:
                raise ValueError(
                    f"{where} scores {'pairs' if metric.on_pairs else 'particles'}, and target "
                    f"`{metric.target}` is per {compared}: name `{compared}s` in the metric"
                )
        return self

    @property
    def primary_metric(self) -> MetricSpecification:
        """The metric by which models are ranked."""
        return next(metric for metric in self.metrics if metric.primary)

    @property
    def other_target(self) -> str:
        """The target that was asked for in place of the task's own; empty for its own."""
        return "" if self.target == self._own_target else self.target

    def asked_for(self, target: str) -> Task:
        """Return the task with another of its targets in place of its own, its own where empty.

        The first metric that scores the target is the primary one.
        """
        if target in ("", self.target):
            return self
        scored = {m.prediction: m for m in reversed(self.metrics) if m.function not in NO_SCORE}
        if target not in self.targets:
            raise UserError(
                f"{self.name} has no target `{target}`{did_you_mean(target, self.targets)}"
            )
        if target not in scored:
            raise UserError(
                f"target `{target}` of {self.name} has no metric: give one of {', '.join(scored)}"
            )
        if (per := self.targets[target].per) != self.targets[self.target].per:
            raise UserError(
                f"target `{target}` is per {per}, and {self.name} is about one number a "
                f"{self.targets[self.target].per}: `glassbench tasks` lists what each task predicts"
            )
        metrics = tuple(replace(m, primary=m is scored[target]) for m in self.metrics)
        return self.model_copy(update={"target": target, "metrics": metrics})

    @property
    def is_under_load(self) -> bool:
        """Whether the target depends on a load, which has a direction."""
        return self.symmetry.startswith("shear") and bool(self.targets[self.target].label_of)

    def metric(self, name: str) -> MetricSpecification:
        """Return a metric by its name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def default_values(self, dataset: str) -> Mapping[str, tuple[float, ...]]:
        """Return, by axis, the values of a run on a dataset that names none."""
        entry = self.datasets.get(dataset)
        own = {axis.name: axis.default for axis in self.axes if axis.default}
        return own | dict(entry.default if entry else {})

    def axis(self, name: str) -> Axis:
        """Return an axis by its name."""
        return next(axis for axis in self.axes if axis.name == name)


def read_task(folder: Path) -> Task:
    """Return the task of a folder; a UserError says what breaks the contract."""
    return parse_task(read_toml(folder / "task.toml"), folder)


def parse_task(table: Mapping[str, Any], folder: Path) -> Task:
    """Return the task that a parsed `task.toml` describes."""
    return checked(Task, dict(table), folder / "task.toml", folder=folder)


def _among(key: str, word: str, known: Any) -> None:
    if word not in known:
        raise ValueError(f"{key}: `{word}` is not known{did_you_mean(word, known)}")


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
    path = task.folder / REPORTED_FILE
    if not path.exists():
        return []
    axes = [axis.name for axis in task.axes]
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        if sorted(columns) != sorted([*REPORTED_FIXED, *axes]):
            raise UserError(
                f"{path} has the columns {columns}: it needs "
                f"{[*REPORTED_FIXED[:3], *axes, *REPORTED_FIXED[3:]]}"
            )
        metrics, numbers = sorted(metric.name for metric in task.metrics), []
        for row in reader:
            try:
                condition = Condition.of(**{axis: float(row.pop(axis)) for axis in axes})
                value = float(row.pop("value"))
                if row["metric"] not in metrics:
                    raise ValueError(f"metric `{row['metric']}` is none of {metrics}")
                if not math.isfinite(value) or not row["source"]:
                    raise ValueError("a number needs a finite value and a source")
                numbers.append(ReportedNumber(condition=condition, value=value, **row))
            except (TypeError, ValueError) as error:
                raise UserError(f"{path}, line {reader.line_num}: {error}") from error
        return numbers


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
