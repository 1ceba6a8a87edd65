"""Digests over canonical JSON, which stand for a record and for the request behind it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..model import Condition

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.task import Task
    from ..contract.trial_plan import DatasetReference
    from .record import Record

# When and where a result was made does not change what it says.
VOLATILE = ("created", "tracking", "cost", "provenance")


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


def request_digest(
    task: Task,
    dataset: DatasetReference,
    model: ModelCard,
    conditions: Iterable[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
) -> str:
    """Return the digest of what was asked for: the same request has one record."""
    return canonical_digest(
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
