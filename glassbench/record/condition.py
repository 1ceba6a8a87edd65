"""What a record says at one condition: scores, ceiling, floors, published numbers, transfer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..contract.checked import Name
from .part import MOST, ByConfiguration, Interval, Label, Labels, Part, Point, Word

Values = Annotated[list[float], Field(max_length=MOST)]


class SeedScore(Part):
    """The score of one seed."""

    seed: int
    """The seed."""
    value: float | None
    """Value, aggregated as the metric's `average` says."""
    by_configuration: ByConfiguration
    """Value of each test configuration, in the order of `configurations`."""


class MetricScore(Part):
    """The score in one metric."""

    value: float | None
    """Mean over seeds; null where any seed is undefined."""
    interval: Interval | None
    """95 % interval of the value, from a cluster bootstrap over independent parent samples; null
    where undefined, with one parent, and for metrics that are no mean over configurations."""
    seeds: Annotated[list[SeedScore], Field(min_length=1, max_length=1000)]
    """The metric for each seed that finished."""


Scores = Annotated[dict[Name, MetricScore], Field(max_length=100)]


class Ceiling(Part):
    """The highest score that noise in the labels allows any model in expectation."""

    value: float | None
    """Mean over configurations."""
    by_configuration: ByConfiguration
    """Value of each test configuration, in the order of `configurations`."""


class FloorScore(Part):
    """A trivial model on the same data, in the primary metric."""

    model: Name
    """Name of the floor."""
    value: float | None
    """Value of the primary metric."""
    interval: Interval | None
    """95 % interval of the value."""
    by_configuration: ByConfiguration
    """Value of each test configuration, in the order of `configurations`."""


class AboveFloor(Part):
    """The model against the best floor."""

    floor: Name
    """Name of the best floor."""
    difference: float | None
    """Value of the model minus value of the floor."""
    interval: Interval | None
    """95 % interval of the difference, paired over configurations; null where undefined."""


class Published(Part):
    """A published number on the same dataset, in the primary metric."""

    model: Word
    """Name of the model in its publication."""
    value: float
    """Published value."""
    source: Word
    """Publication."""


class Means(Part):
    """Means over test configurations of what the primary metric compares."""

    prediction: float
    """Mean prediction."""
    target: float
    """Mean of the target."""


class TransferCondition(Part):
    """The fits of one condition, scored at another one."""

    condition: Point
    """The other condition: values on the axes of the task, by name."""
    configurations: Labels
    """Names of the test configurations."""
    parents: Labels
    """Independent parent sample of each configuration, in their order."""
    scores: Scores
    """Scores by name of the metric."""
    means: Means
    """Means at the other condition."""


class Transfer(Part):
    """The fits of one condition, scored at conditions that differ on the transfer axes."""

    conditions: Annotated[list[TransferCondition], Field(min_length=1, max_length=1000)]
    """The other conditions."""
    means: Means
    """Means at the fit's own condition."""
    rank_order: float | None
    """Spearman correlation over all conditions, the fit's own among them, of mean prediction with
    mean target; null where undefined."""


class RotationCurves(Part):
    """Predictions of the first seed for some positives of one structure, by angle."""

    configuration: Label
    """Name of the structure."""
    degrees: Values
    """Counter-clockwise turns of the structure against the load, in degrees."""
    particles: Annotated[list[int], Field(max_length=1000)]
    """Indices of the particles."""
    values: Annotated[list[Values], Field(max_length=1000)]
    """One curve a particle, in the order of the angles."""


class RotationProbe(Part):
    """Mean over true positives of P(0) + P(180) - P(90) - P(270), mean over seeds."""

    value: float | None
    """Mean over probed test structures; null where none has a positive."""
    interval: Interval | None
    """95 % interval of the value; null where undefined and with one sample."""
    configurations: Annotated[list[Label], Field(max_length=MOST)]
    """Names of the probed structures that have positives."""
    by_configuration: Values
    """Value of each probed structure."""
    curves: RotationCurves
    """What the fits predict as the structure turns."""


class ConditionEntry(Part):
    """All that is known at one condition."""

    condition: Point
    """The condition: values on the axes of the task, by name."""
    configurations: Labels
    """Names of the test configurations."""
    parents: Labels
    """Independent parent sample of each configuration, in their order."""
    scores: Scores
    """Scores by name of the metric."""
    ceiling: Annotated[dict[Name, Ceiling | None], Field(max_length=100)]
    """Noise ceiling by name of the metric, null where unknown."""
    floors: Annotated[list[FloorScore], Field(max_length=100)]
    """Trivial models on the same data, in the primary metric."""
    above_floor: AboveFloor | None
    """How far the model stands above the best floor; null without floors or where undefined."""
    tau_alpha: float | None
    """Structural relaxation time at this state, in the unit of the time axis; null where
    unknown."""
    reported: Annotated[list[Published], Field(max_length=1000)]
    """Published numbers on the same dataset, in the primary metric."""
    transfer: Transfer | None = None
    """Scores of the same fits at other conditions; left out where there are none."""
    rotation_probe: RotationProbe | None = None
    """What the fits predict for particles that rearrange as the structure turns against its load;
    left out without a load."""
