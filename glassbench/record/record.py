"""The record: what one model scored on one dataset of one task, as the file says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from ..contract.checked import Name, Setting, Text
from .condition import ConditionEntry
from .part import Amount, Count, Part, Point, Seed, Sha256, Word

SCHEMA_VERSION = 1

Digest = Annotated[str, StringConstraints(min_length=8, max_length=200)]
Tier = Literal["thermal", "inherent", "cage", "dynamics"]
# A file of the workspace: no step of its path leads upwards.
RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*$", max_length=500)
]
Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+]00:00)$",
        max_length=50,
    ),
]


class TaskOfRecord(Part):
    """The task."""

    name: Name
    """Name of the task, such as `ka_propensity`."""
    protocol_version: Annotated[int, Field(ge=1)]
    """Version of the task's protocol; scores of two versions are never compared."""
    primary_metric: Name
    """Name of the metric by which models are ranked; floors and `above_floor` are in it."""


class DatasetOfRecord(Part):
    """The dataset."""

    name: Name
    """Name under which the dataset was used."""
    digest: Digest
    """Content digest of the dataset; scores on two digests are never compared."""


class ModelOfRecord(Part):
    """The model."""

    name: Name
    """Name of the model."""
    title: Text
    """Title of the model as tables show it."""
    digest: Sha256
    """sha256 over the code and weights of the model; up to protocol 1 over its whole folder."""
    reads: Annotated[list[Tier], Field(min_length=1, max_length=4)]
    """Tiers of input that the model reads, of thermal, inherent, cage, dynamics."""
    parameters: Count | None
    """Number of trained parameters, null where the model does not tell."""


class Tuning(Part):
    """How much tuning stands behind the hyperparameters, as `glassbench tune` counted it."""

    study: Sha256
    """sha256 over what was searched, on what, and how."""
    trials: Annotated[int, Field(ge=1)]
    """Sets of hyperparameters that were tried."""
    finished: Count
    """Trials that ran to their end."""
    stopped: Count
    """Trials that were stopped early."""
    failed: Count
    """Trials that failed."""
    search: Word
    """How sets of hyperparameters were suggested, such as `random`."""
    scheduler: Word
    """How trials were stopped early or changed: `asha`, `pbt`, `none`."""
    metric: Word
    """Metric by which trials were ranked, on the validation split alone."""
    validation_score: float | None
    """The metric of the best trial on the validation split, the mean over the conditions."""
    seed: Seed
    """Seed of the suggestions and of every fit."""
    conditions: Annotated[list[Point], Field(min_length=1, max_length=1000)]
    """Conditions over which the validation score was averaged."""
    wall_seconds: Amount
    """Wall-clock time of all trials, in s; parallel trials add up."""
    cpu_seconds: Amount
    """Processor time of all trials, in s."""
    gpu_seconds: Amount
    """Wall-clock time of all trials on a GPU, in s."""
    dataset_digest: Digest
    """Content digest of the dataset that was tuned on."""
    model_digest: Sha256
    """Digest of the model that was tuned."""
    changed: Annotated[list[Word], Field(max_length=1000)]
    """Hyperparameters of this record that are not those the tuning found."""


class FailedFit(Part):
    """A fit that failed."""

    condition: Point | None
    """Condition of the fit, null for a fit of all conditions at once."""
    seed: int
    """Seed of the fit."""
    error: Text
    """What went wrong."""


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
    """Commit."""
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
    """Processor."""
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
    """Installed packages."""
    hardware: Hardware
    """Hardware."""


class Provenance(Part):
    """Which software and hardware made the result."""

    environments: Annotated[list[Environment], Field(max_length=1000)]
    """The environments in which the trials ran, each once."""
    dataset_digest: Digest
    """Content digest of the dataset, as above."""
    model_digest: Sha256
    """Digest of the model, as above."""


class TrackedRun(Part):
    """An MLflow run."""

    uri: Word
    """Tracking store, without credentials; a file is named relative to the workspace."""
    run_id: Word
    """Id of the parent run."""


class PredictionFile(Part):
    """The predictions of one fit at one condition."""

    seed: int
    """Seed of the fit."""
    condition: Point
    """Condition of the predictions."""
    path: RelativePath
    """File, relative to the workspace."""
    sha256: Sha256
    """sha256 of the file."""


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
    submitted: Sha256
    """Digest of the record that was handed in."""
    environment: Sha256
    """sha256 over names and versions of the packages that ran."""
    public_key: Word
    """Ed25519 public key of the maintainer, 32 bytes in base64."""
    signature: Word
    """Ed25519 signature, in base64, over the canonical JSON of the record without this field."""


class Record(Part):
    """What one model scored on one dataset of one task with one set of hyperparameters.

    Undefined numbers are null.
    """

    schema_version: Literal[1]
    """Version of this schema."""
    status: Literal["measured", "verified"]
    """Who vouches: `measured` by whoever ran it, `verified` when a maintainer ran it again in the
    sandbox."""
    task: TaskOfRecord
    """The task."""
    dataset: DatasetOfRecord
    """The dataset."""
    model: ModelOfRecord
    """The model."""
    hyperparameters: Annotated[dict[Word, Setting], Field(max_length=1000)]
    """Every hyperparameter of the model by name, with the value of this run."""
    seeds: Annotated[
        list[Seed], Field(min_length=1, max_length=1000, json_schema_extra={"uniqueItems": True})
    ]
    """Seeds that were asked for, one fit each."""
    conditions: Annotated[list[ConditionEntry], Field(min_length=1, max_length=10_000)]
    """Scores at each condition, in the order asked for; a condition at which every seed failed is
    left out."""
    failed: Annotated[list[FailedFit], Field(max_length=100_000)]
    """Fits that failed."""
    cost: Cost
    """What fitting and predicting took."""
    provenance: Provenance
    """Which software and hardware made the result."""
    tracking: TrackedRun | None
    """The MLflow run that holds the details, null until it is delivered."""
    predictions: Annotated[list[PredictionFile], Field(max_length=100_000)]
    """Files with the predictions that were scored."""
    created: Moment
    """When the record was assembled, ISO 8601 in UTC."""
    tuning: Tuning | None = None
    """How the hyperparameters were found; left out where nothing is known of it."""
    verification: Verification | None = None
    """How a maintainer ran the model again; there if and only if the status is `verified`."""
    supersedes: Word | None = None
    """Name of the file, without `.json`, of the record of the same model on the same dataset that
    this one takes the place of; null for the first."""

    @field_validator("seeds")
    @classmethod
    def _once(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("seeds: one of them stands twice")
        return seeds
