"""The file of an explanation: its schema, writing, and whether it belongs to a record.

Nobody signs it, so it is held to what is signed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ..contract.checked import checked
from ..contract.errors import UserError
from ..contract.task import Task
from ..home.files import write_file
from ..record.parts import Amount, Count, Interval, Part, Point
from ..record.record import PlainRecord as Record

# What of a score rounding the predictions may change.
ROUNDED = 2e-3
AGAIN = "explain the run again"
EXPLANATION_VERSION: Literal[1] = 1
Bytes = Annotated[str, Field(description="A byte a particle, base64.")]
Values = Annotated[list[Amount], Field(min_length=1, max_length=500)]


class Fact(Part):
    name: str
    value: str


class ReplacedDynamics(Part):
    """The molecular dynamics behind the labels of one configuration at one condition."""

    condition: Point
    trajectories: Count
    simulated_time: Amount
    """Trajectories times their length, in the unit of the time axis."""
    unit: str
    particle_steps: float | None
    """Particles times time steps, null where the time step is unknown."""


class WorstConfiguration(Part):
    configuration: str
    value: float | None
    """Primary metric."""
    target_mean: float
    target_spread: float
    """Standard deviation of the target."""
    bias: float
    """Mean of prediction minus target."""


class ErrorGroup(Part):
    """Errors of particles with similar surroundings; `pearson` is within the group."""

    label: str
    particles: Count
    mean_absolute_error: Amount
    bias: float
    pearson: float | None


class ErrorTable(Part):
    """Errors by one property of the surroundings."""

    by: str
    unit: str
    """Unit of the property, empty for kinds."""
    groups: Annotated[list[ErrorGroup], Field(max_length=50)]


class Parity(Part):
    """Numbers of particles in squares of true against predicted value."""

    low: float
    high: float
    bins: Annotated[int, Field(ge=1)]
    counts: list[Annotated[list[Count], Field(min_length=3, max_length=3)]]
    """Index of the true value, of the predicted value, number; squares without any left out."""


class ConditionErrors(Part):
    condition: Point
    unit: str
    """Unit of target and prediction."""
    worst: Annotated[list[WorstConfiguration], Field(max_length=50)]
    """Test configurations from the worst on."""
    errors: Annotated[list[ErrorTable], Field(max_length=10)]
    parity: Parity | None


class ParticleMap(Part):
    """Particles of one test configuration with true and predicted values."""

    condition: Point
    configuration: str
    unit: str
    limits: Interval
    """Values that the bytes 0 and 255 stand for."""
    cut: Annotated[list[bool], Field(min_length=2, max_length=2)] | None = None
    """Whether values lie below the first limit and above the second."""
    structure: Count
    """Index in `structures`."""
    target: Bytes
    prediction: Bytes


class PackedStructure(Part):
    box: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=2, max_length=3)]
    spacing: Annotated[float, Field(gt=0)]
    """Mean distance of particles, (volume / N)^(1/d)."""
    unit: str
    species: Bytes
    species_names: list[str] = []
    """Names of the species 0, 1, …."""
    positions: str
    """In units of the box edge / 65536, little-endian 16-bit integers (N, d), base64."""


class DistributionCurve(Part):
    """g(r) around the particles at one end of the true or the predicted values."""

    end: Literal["highest", "lowest"]
    by: Literal["true", "predicted"]
    values: Values


class ExtremeSurroundings(Part):
    """Radial distribution functions around the extreme particles of all test configurations."""

    condition: Point
    unit: str
    share: Annotated[float, Field(gt=0, le=1)]
    """Share of the particles of a configuration that counts as extreme."""
    distances: Values
    """Middles of the bins."""
    curves: Annotated[list[DistributionCurve], Field(min_length=1, max_length=4)]


class LearningPoint(Part):
    """The model fitted on some of the training configurations."""

    configurations: Count
    value: float | None
    """Primary metric on the test split."""
    interval: Interval | None
    difference: Interval | None
    """Interval of the paired difference to the point before, null for the first."""


class LearningCurve(Part):
    """Score against number of training configurations, from few to all."""

    condition: Point
    points: Annotated[list[LearningPoint], Field(max_length=50)]


class Transfer(Part):
    """Primary metric of a fit at another condition."""

    trained_on: Point
    tested_on: Point
    value: float | None
    interval: Interval | None


class Explanation(Part):
    """Where and why the predictions of one record fail; written by `glassbench explain`."""

    schema_version: Literal[1]
    model_digest: str
    dataset_digest: str
    seed: Count
    """Seed of the fit that is explained."""
    dataset: Annotated[list[Fact], Field(max_length=200)]
    replaced: Annotated[list[ReplacedDynamics], Field(max_length=1000)]
    conditions: Annotated[list[ConditionErrors], Field(max_length=1000)]
    maps: Annotated[list[ParticleMap], Field(max_length=10)]
    structures: Annotated[list[PackedStructure], Field(max_length=10)]
    extremes: Annotated[list[ExtremeSurroundings], Field(max_length=10)] = []
    learning_curve: Annotated[list[LearningCurve], Field(max_length=1000)]
    transfer: Annotated[list[Transfer], Field(max_length=10_000)]


def write_explanation(path: Path, explanation: Explanation) -> Path:
    """Write an explanation without white space."""
    write_file(path, f"{explanation_text(explanation)}\n")
    return path


def explanation_text(explanation: Explanation) -> str:
    plain = explanation.to_json()
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def fitting_explanation(plain: Any, record: Record, task: Task) -> Explanation:
    """Return an explanation that fits its schema, its record and its task."""
    explanation = checked(Explanation, plain, "the explanation", separator="/")
    digests = (explanation.model_digest, explanation.dataset_digest)
    if digests != (record["model"]["digest"], record["dataset"]["digest"]):
        raise UserError(f"it is of another model or dataset than its record: {AGAIN}")
    for name in ("conditions", "maps", "extremes", "learning_curve", "replaced"):
        check_axes(task, (entry.condition for entry in getattr(explanation, name)))
    for pair in explanation.transfer:
        check_axes(task, (pair.trained_on, pair.tested_on))
    for part in explanation.conditions:
        if not _has_scores_of(record, part, explanation.seed):
            raise UserError(f"its scores at {part.condition} are not those of its record: {AGAIN}")
    if any(drawn.structure >= len(explanation.structures) for drawn in explanation.maps):
        raise UserError(f"a map names a structure that is not there: {AGAIN}")
    for entry in explanation.extremes:
        if any(len(curve.values) != len(entry.distances) for curve in entry.curves):
            raise UserError(f"a curve of g(r) is longer or shorter than its distances: {AGAIN}")
    return explanation


def _has_scores_of(record: Record, part: ConditionErrors, seed: int) -> bool:
    """Return whether the score of each configuration is the one that the record has of a seed."""
    metric = record["task"]["primary_metric"]
    for entry in record["conditions"]:
        for of_seed in entry["scores"][metric]["seeds"]:
            if entry["condition"] == part.condition and of_seed["seed"] == seed:
                scores = dict(zip(entry["configurations"], of_seed["by_configuration"]))
                # A metric that is no mean over configurations has none.
                worst = part.worst if scores else ()
                return all(_alike(scores.get(each.configuration), each.value) for each in worst)
    return False


def _alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= ROUNDED


def check_axes(task: Task, conditions: Iterable[Mapping[str, float]]) -> None:
    """Refuse a condition that names other axes than the task's."""
    axes = {axis.name for axis in task.axes}
    for condition in conditions:
        if set(condition) != axes:
            raise UserError(f"condition {condition} does not name the axes {sorted(axes)}")
