"""The record's file: its schema, its digest, reading and writing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import UserError
from ..home.files import write_json
from ..model import Condition

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.task import Task
    from ..contract.trial_plan import DatasetReference


SCHEMA_VERSION = 1


SCHEMA_FILE = Path(__file__).parents[1] / "contract" / "schemas" / "record.schema.json"


# When and where a result was made does not change what it says.
VOLATILE = ("created", "tracking", "cost", "provenance")


Record = dict[str, Any]


class RecordError(UserError):
    """A record breaks its schema, or its parts do not fit; the message says where."""


def validate_record(record: Mapping[str, Any]) -> None:
    """Check a record against the published JSON schema.

    Raises
    ------
    RecordError
        If it breaks the schema; the message names the place and the limit.
    """
    version = record.get("schema_version") if isinstance(record, Mapping) else None
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"the record has schema_version {version!r}, this GlassBench reads {SCHEMA_VERSION}: "
            "install the version that wrote it"
        )
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(record))
    if error is not None:
        where = "/".join(str(step) for step in error.absolute_path) or "the record"
        raise RecordError(f"the record breaks its schema at {where}: {error.message[:300]}")


def write_record(path: Path, record: Mapping[str, Any]) -> Path:
    """Write a valid record so that it appears whole, replacing an earlier one."""
    validate_record(record)
    write_json(path, record)
    return path


def read_record(path: Path) -> Record:
    """Return the record in a file.

    Raises
    ------
    RecordError
        If the file is missing, is no JSON, or breaks the schema.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        validate_record(record)
    except FileNotFoundError:
        raise RecordError(f"there is no record at {path}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} is no JSON: {error}") from error
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    return record


def record_digest(record: Mapping[str, Any]) -> str:
    """Return the sha256 over the canonical JSON of a record without its `VOLATILE` fields."""
    return _digest({name: value for name, value in record.items() if name not in VOLATILE})


def request_digest(
    task: Task,
    dataset: DatasetReference,
    model: ModelCard,
    conditions: Iterable[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
) -> str:
    """Return the sha256 over what was asked for: the same request has one record."""
    return _digest(
        {
            "task": task.name,
            "protocol_version": task.protocol_version,
            "dataset": dataset.digest,
            "model": model.digest,
            "conditions": [dict(condition) for condition in conditions],
            "hyperparameters": dict(hyperparameters),
            "seeds": list(seeds),
        }
    )


def record_stem(task: str, dataset: str, model: str, digest: str) -> str:
    """Return the name of a record's file without `.json`."""
    words = [re.sub(r"[^\w.]+", "_", word) for word in (task, dataset, model)]
    return "-".join([*words, digest[:8]])


def _digest(plain: Mapping[str, Any]) -> str:
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _validator():
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
