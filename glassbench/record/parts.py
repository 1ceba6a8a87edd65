"""The parts of a record: what it says at one condition, and what ran where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from ..contract.checked import Checked, Name, Text

MOST = 100_000

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Digest = Annotated[str, StringConstraints(min_length=8, max_length=200)]
Word = Annotated[str, StringConstraints(max_length=2000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Labels = Annotated[list[Label], Field(min_length=1, max_length=MOST)]
Seed = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
# Values on the axes of the task, by name, each in the unit of its axis.
Point = Annotated[dict[Name, float], Field(min_length=1, max_length=20)]
# Ends of the 95 % interval: cluster bootstrap over independent parent samples.
Interval = Annotated[list[float], Field(min_length=2, max_length=2)]
# The value of each test configuration, in the order of `configurations`; null where undefined.
ByConfiguration = Annotated[list[float | None], Field(max_length=MOST)]
Values = Annotated[list[float], Field(max_length=MOST)]
# A file of the workspace: no step of its path leads upwards.
RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*$", max_length=500)
]


class Part(Checked):
    """A part of a JSON file; a line below a field describes it in the published schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    def __getitem__(self, key: str) -> Any:
        if key not in self.model_fields_set:
            raise KeyError(key)
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in self.model_fields_set

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, `default` where the file has none."""
        return self[key] if key in self else default

    def keys(self) -> Iterator[str]:
        """Yield the keys that the file has, in the order of the schema."""
        return (name for name in type(self).model_fields if name in self)

    def items(self) -> Iterator[tuple[str, Any]]:
        return ((key, self[key]) for key in self.keys())

    def __or__(self, changes: dict[str, Any]) -> Any:
        """Return the part with other values, checked."""
        return type(self).model_validate({**self.to_json(), **changes})

    def to_json(self) -> dict[str, Any]:
        """Return plain values, exactly those of the file."""
        return self.model_dump(mode="json", exclude_unset=True)


class SeedScore(Part):
    """The score of one seed."""

    seed: int
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


class Ceiling(Part):
    """The highest score that noise in the labels allows any model in expectation."""

    value: float | None
    """Mean over configurations."""
    by_configuration: ByConfiguration


class TrueValue(Part):
    """What a collective metric gives for the labels themselves, to which it is a ratio."""

    value: float | None
    interval: Interval | None


class FloorScore(Part):
    """A trivial model on the same data, in the primary metric."""

    model: Name
    value: float | None
    interval: Interval | None
    by_configuration: ByConfiguration


class AboveFloor(Part):
    """The model against the best floor."""

    floor: Name
    """Name of the best floor."""
    difference: float | None
    """Value of the model minus value of the floor; of the floor minus the model where lower values
    are better."""
    interval: Interval | None
    """95 % interval of the difference, paired over configurations; null where undefined."""


class Published(Part):
    """A published number on the same dataset, in the primary metric."""

    model: Word
    """Name of the model in its publication."""
    value: float
    source: Word


class Means(Part):
    """Means over test configurations of what the primary metric compares."""

    prediction: float
    target: float


class Scored(Part):
    """Scores at one condition."""

    condition: Point
    """Values on the axes of the task, by name."""
    configurations: Labels
    """Names of the test configurations."""
    parents: Labels
    """Independent parent sample of each configuration, in their order."""
    scores: Annotated[dict[Name, MetricScore], Field(max_length=100)]
    """Scores by name of the metric."""


class TransferCondition(Scored):
    """The fits of one condition, scored at another one."""

    means: Means


class Transfer(Part):
    """The fits of one condition, scored at conditions that differ on the transfer axes."""

    conditions: Annotated[list[TransferCondition], Field(min_length=1, max_length=1000)]
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


class ConditionEntry(Scored):
    """All that is known at one condition."""

    ceiling: Annotated[dict[Name, Ceiling | None], Field(max_length=100)]
    """Noise ceiling by name of the metric, null where unknown."""
    floors: Annotated[list[FloorScore], Field(max_length=100)]
    """Trivial models on the same data, in the primary metric."""
    above_floor: AboveFloor | None
    """How far the model stands above the best floor; null without floors or where undefined."""
    tau_alpha: float | None
    """Structural relaxation time at this state, in the unit of the time axis; null if unknown."""
    reported: Annotated[list[Published], Field(max_length=1000)]
    """Published numbers on the same dataset, in the primary metric."""
    truth: Annotated[dict[Name, TrueValue], Field(max_length=100)] | None = None
    """By name of a collective metric its value for the labels, in the unit of the target, its
    square, or that of the positions; left out where none was measured."""
    trained_at: Point | None = None
    """Where the model was trained; left out where that is the condition itself."""
    transfer: Transfer | None = None
    """Scores of the same fits at other conditions; left out where there are none."""
    rotation_probe: RotationProbe | None = None
    """What the fits predict for particles that rearrange as the structure turns against its load;
    left out without a load."""


class FailedFit(Part):
    """A fit that failed."""

    condition: Point | None
    """Condition of the fit, null for a fit of all conditions at once."""
    seed: int
    error: Text


class Cost(Part):
    """What fitting and predicting took, summed over seeds and conditions, without the floors."""

    wall_seconds: Amount
    """Wall-clock time, in s; parallel fits add up."""
    cpu_seconds: Amount
    """Processor time over all cores, in s."""
    gpu_seconds: Amount
    """Wall-clock time on a GPU, in s."""
    peak_memory_bytes: Annotated[int | float, Field(ge=0)]
    """Largest resident memory of any fit, in bytes."""


class Checkout(Part):
    """The state of a checkout."""

    commit: Word
    dirty: bool
    """Whether files differed from the commit."""


class Packages(Part):
    """Installed packages."""

    sha256: Sha256
    """sha256 over the lines `name==version`."""
    list: Annotated[dict[Word, Word], Field(max_length=20_000)]
    """Versions by name."""


class Hardware(Part):
    """Hardware of a worker."""

    cpu: Word
    cores: int | None
    """Number of logical cores."""
    memory_bytes: int
    """Memory of the machine, in bytes."""
    gpus: Annotated[list[Word], Field(max_length=1000)]
    """Names of the GPUs that the process could use."""


class Environment(Part):
    """Software and hardware of a worker; nobody's name, machine or folder."""

    glassbench: Word | None
    """Version of GlassBench, null where it is not installed."""
    git: Checkout | None
    """State of the checkout, null outside one."""
    python: Word
    """Version of Python."""
    platform: Word
    """Operating system and machine type."""
    packages: Packages
    hardware: Hardware


class Provenance(Part):
    """Which software and hardware made the result."""

    environments: Annotated[list[Environment], Field(max_length=1000)]
    """The environments in which the trials ran, each once."""
    dataset_digest: Digest
    model_digest: Sha256


class PredictionFile(Part):
    """The predictions of one fit at one condition."""

    seed: int
    condition: Point
    path: RelativePath
    """File, relative to the workspace."""
    sha256: Sha256


class Verification(Part):
    """How a maintainer ran the model again."""

    by: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """Name of the maintainer's key among the trusted ones."""
    mode: Literal["weights", "retrain"]
    """`weights`: predicted again from the weights handed in; `retrain`: trained from the start as
    well."""
    labels: Literal["public", "hidden"]
    """`public`: labels of a dataset that anyone may read; `hidden`: labels that the maintainer
    alone holds."""
    sandbox: Word
    """The sandbox and its version."""
    walls: Annotated[dict[Word, bool], Field(max_length=100)]
    """By name of the wall, whether it held when it was tried before the run."""
    largest_difference: Amount | None
    """Largest difference between a prediction handed in and the same one made again, in standard
    deviations of the prediction; null where none were handed in on these structures."""
    kept_after_permutation: float | None = None
    """Of one fit, drawn by the maintainer: the part of its predictions that was left when it was
    trained again on labels of other particles; left out where nothing was trained."""
    changed_by_subset: float | None = None
    """Of the same fit, the largest change of a prediction when it was trained on a quarter of the
    configurations, in standard deviations."""
    submitted: Sha256
    """Digest of the record that was handed in."""
    environment: Sha256
    """sha256 over names and versions of the packages that ran."""
    public_key: Word
    """Ed25519 public key of the maintainer, 32 bytes in base64."""
    signature: Word
    """Ed25519 signature, in base64, over the canonical JSON of the record without this field."""
