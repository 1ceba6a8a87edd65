"""The record's file: checking, reading and writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..contract.checked import checked
from ..contract.errors import UserError
from ..home.files import write_json
from .record import SCHEMA_VERSION, Record

# A record as the plain values of its file, for those who change it step by step.
PlainRecord = dict[str, Any]


class RecordError(UserError):
    """A record breaks its schema, or its parts do not fit; the message says where."""


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
