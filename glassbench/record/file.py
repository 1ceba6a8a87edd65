"""The record's file: checking, reading, writing, and the digests that stand for its content."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..contract.checked import checked
from ..contract.errors import UserError
from ..home.files import write_json
from .record import SCHEMA_VERSION, Record

# When and where a result was made does not change what it says.
VOLATILE = ("created", "tracking", "cost", "provenance")
# A record as the plain values of its file, for those who change it step by step.
PlainRecord = dict[str, Any]


class RecordError(UserError):
    """A record breaks its schema, or its parts do not fit; the message says where."""


def canonical_digest(plain: Mapping[str, Any]) -> str:
    """Return the sha256 over plain values as canonical JSON."""
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


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
        return validate_record(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RecordError(f"there is no record at {path}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"{path} is no JSON: {error}") from error
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
