"""The file of an explanation: the model that is its schema, checking and writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ..contract.checked import checked
from ..home.files import write_file
from ..record.parts import Amount, Count, Interval, Part, Point

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


def check_explanation(plain: Any) -> Explanation:
    """Return plain values as an explanation; UserError with the place and the limit they break."""
    return checked(Explanation, plain, "the explanation", separator="/")


def write_explanation(path: Path, explanation: Explanation) -> Path:
    """Write an explanation without white space."""
    write_file(path, f"{explanation_text(explanation)}\n")
    return path


def explanation_text(explanation: Explanation) -> str:
    plain = explanation.to_json()
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
