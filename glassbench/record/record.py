"""The record: what one model scored on one dataset of one task, its file, and its digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from ..contract.checked import Name, Person, Setting, Text, checked
from ..contract.errors import UserError
from ..contract.model_card import Tier
from ..datasets.manifest import content_digest
from ..home.files import read_plain_file, write_json
from ..plugins.datasets import FoundDataset, datasets_called, find_dataset
from . import parts
from .parts import Part

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..home.workspace import Workspace

SCHEMA_VERSION = 1

# When and where a result was made does not change what it says.
VOLATILE = ("created", "tracking", "cost", "provenance")
# A record as the plain values of its file, for those who change it step by step.
PlainRecord = dict[str, Any]


def _a_date(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"created: {text} is no date: {error}") from None
    return text


Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+]00:00)$",
        max_length=50,
    ),
    AfterValidator(_a_date),
]


class TaskOfRecord(Part):
    """The task."""

    name: Name
    """Name of the task, such as `ka_propensity`."""
    protocol_version: Annotated[int, Field(ge=1)]
    """Version of the task's protocol; scores of two versions are never compared."""
    target: Name | None = None
    """Target that was asked for in place of the task's own; left out for its own."""
    primary_metric: Name
    """Name of the metric by which models are ranked; floors and `above_floor` are in it."""


class DatasetOfRecord(Part):
    """The dataset."""

    name: Name
    digest: parts.Digest
    """Content digest of the dataset; scores on two digests are never compared."""
    whole: Annotated[list[parts.Count], Field(min_length=2, max_length=2)] | None = None
    """Configurations that the dataset holds, and those of its source; there where files of it were
    left out when it was imported."""


class ModelOfRecord(Part):
    """The model."""

    name: Name
    title: Text
    digest: parts.Sha256
    """sha256 over the code and weights of the model; up to protocol 1 over its whole folder."""
    reads: Annotated[list[Tier], Field(min_length=1, max_length=5)]
    """Tiers of input that the model reads, of thermal, inherent, cage, dynamics; or `predictions`
    that another program made."""
    parameters: parts.Count | None
    """Number of trained parameters, null where the model does not tell."""
    authors: Annotated[list[Person], Field(min_length=1, max_length=1000)] | None = None
    """Who owns the name on the board: the authors of the model's card."""


class Tuning(Part):
    """How much tuning stands behind the hyperparameters, as `glassbench tune` counted it."""

    study: parts.Sha256
    """sha256 over what was searched, on what, and how."""
    trials: Annotated[int, Field(ge=1)]
    """Sets of hyperparameters that were tried."""
    finished: parts.Count
    """Trials that ran to their end."""
    stopped: parts.Count
    """Trials that were stopped early."""
    failed: parts.Count
    search: parts.Word
    """How sets of hyperparameters were suggested, such as `random`."""
    scheduler: parts.Word
    """How trials were stopped early or changed: `asha`, `pbt`, `none`."""
    metric: parts.Word
    """Metric by which trials were ranked, on the validation split alone."""
    validation_score: float | None
    """The metric of the best trial on the validation split, the mean over the conditions."""
    seed: parts.Seed
    conditions: Annotated[list[parts.Point], Field(min_length=1, max_length=1000)]
    """Conditions over which the validation score was averaged."""
    wall_seconds: parts.Amount
    """Wall-clock time of all trials, in s; parallel trials add up."""
    cpu_seconds: parts.Amount
    """Processor time of all trials, in s."""
    gpu_seconds: parts.Amount
    """Wall-clock time of all trials on a GPU, in s."""
    dataset_digest: parts.Digest
    """Content digest of the dataset that was tuned on."""
    model_digest: parts.Sha256
    """Digest of the model that was tuned."""
    changed: Annotated[list[parts.Word], Field(max_length=1000)]
    """Hyperparameters of this record that are not those the tuning found."""


class TrackedRun(Part):
    """An MLflow run."""

    uri: parts.Word
    """Tracking store, without credentials; a file is named relative to the workspace."""
    run_id: parts.Word
    """Id of the parent run."""


class Record(Part):
    """What one model scored on one dataset of one task with one set of hyperparameters.

    Undefined numbers are null.
    """

    schema_version: Literal[1]
    status: Literal["measured", "verified"]
    """Who vouches: `measured` by whoever ran it, `verified` when a maintainer ran it again in the
    sandbox."""
    task: TaskOfRecord
    dataset: DatasetOfRecord
    model: ModelOfRecord
    hyperparameters: Annotated[dict[parts.Word, Setting], Field(max_length=1000)]
    """Every hyperparameter of the model by name, with the value of this run."""
    seeds: Annotated[
        list[parts.Seed],
        Field(min_length=1, max_length=1000, json_schema_extra={"uniqueItems": True}),
    ]
    """Seeds that were asked for, one fit each."""
    conditions: Annotated[list[parts.ConditionEntry], Field(min_length=1, max_length=10_000)]
    """Scores at each condition, in the order asked for; a condition at which every seed failed is
    left out."""
    failed: Annotated[list[parts.FailedFit], Field(max_length=100_000)]
    cost: parts.Cost
    provenance: parts.Provenance
    tracking: TrackedRun | None
    """The MLflow run that holds the details, null until it is delivered."""
    predictions: Annotated[list[parts.PredictionFile], Field(max_length=100_000)]
    """Files with the predictions that were scored."""
    created: Moment
    """When the record was assembled, ISO 8601 in UTC."""
    trained: parts.Point | None = None
    """Values on axes of the task at which the model was trained in place of those tested; left out
    where it was trained at the conditions that are scored."""
    tuning: Tuning | None = None
    """How the hyperparameters were found; left out where nothing is known of it."""
    verification: parts.Verification | None = None
    """How a maintainer ran the model again; there if and only if the status is `verified`."""
    supersedes: parts.Word | None = None
    """Name of the file, without `.json`, of the record of the same model on the same dataset that
    this one takes the place of; null for the first."""

    @field_validator("seeds")
    @classmethod
    def _once(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("seeds: one of them stands twice")
        return seeds

    @model_validator(mode="after")
    def _trained_where_it_says(self) -> Record:
        for entry in self.conditions:
            there = entry.trained_at or {}
            if (self.trained is None) != (not there) or any(
                there.get(axis) != value for axis, value in (self.trained or {}).items()
            ):
                raise ValueError(
                    f"it says that it was trained at {self.trained}, one of its conditions at "
                    f"{entry.trained_at}"
                )
        return self


class RecordError(UserError):
    """A record breaks its schema, or its parts do not fit; the message says where."""


def refuse_future(record: Record | Mapping[str, Any]) -> None:
    """Refuse a record that was made later than now; a clock may go wrong by a day."""
    created = datetime.fromisoformat(record["created"])
    if created > datetime.now(UTC) + timedelta(days=1):
        raise RecordError(f"it says that it was made on {created:%Y-%m-%d}, which is yet to come")


def canonical_json(plain: Mapping[str, Any]) -> bytes:
    """Return plain values as the one JSON text that is hashed and signed."""
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )
    return text.encode()


def canonical_digest(plain: Mapping[str, Any]) -> str:
    """Return the sha256 over plain values as canonical JSON."""
    return hashlib.sha256(canonical_json(plain)).hexdigest()


def record_digest(record: Record | Mapping[str, Any]) -> str:
    """Return the digest of a record without its `VOLATILE` fields."""
    plain = record if isinstance(record, Mapping) else record.to_json()
    return canonical_digest({k: value for k, value in plain.items() if k not in VOLATILE})


def record_stem(task: str, dataset: str, model: str, digest: str) -> str:
    """Return the name of a record's file without `.json`."""
    words = [re.sub(r"[^\w.]+", "_", word) for word in (task, dataset, model)]
    return "-".join([*words, digest[:8]])


def validate_record(plain: Record | Mapping[str, Any]) -> Record:
    """Return the record that plain values state; a RecordError names what breaks the schema."""
    if isinstance(plain, Record):
        return plain
    version = plain.get("schema_version") if isinstance(plain, Mapping) else None
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"the record has schema_version {version!r}, this GlassBench reads {SCHEMA_VERSION}: "
            "install the version that wrote it"
        )
    return checked(Record, plain, "the record breaks its schema", RecordError, "/")


def write_record(path: Path, record: Record | Mapping[str, Any]) -> Path:
    """Write a valid record so that it appears whole, replacing an earlier one."""
    write_json(path, validate_record(record).to_json())
    return path


def read_record(path: Path) -> Record:
    """Return the record in a file; a RecordError says why there is none."""
    try:
        return validate_record(json.loads(read_plain_file(path).decode()))
    except FileNotFoundError:
        raise RecordError(f"there is no record at {path}") from None
    except UserError as error:
        raise RecordError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is no JSON: {error}") from error


def dataset_of_record(task: Task, named: Mapping[str, Any], workspace: Workspace) -> FoundDataset:
    """Return the dataset that a record names; of several with that name, the one it was made on."""
    candidates = list(datasets_called(task, named["name"], workspace))
    if len(candidates) > 1:
        for dataset in candidates:
            if content_digest(dataset.path) == named["digest"]:
                return dataset
    return find_dataset(task, named["name"], workspace)


def read_records(folder: Path) -> tuple[list[tuple[Path, Record]], list[str]]:
    """Return the records in a folder, and what is wrong with the files that are none."""
    records, unreadable = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            records.append((path, read_record(path)))
        except RecordError as error:
            unreadable.append(str(error))
    return records, unreadable
