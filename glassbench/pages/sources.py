"""What pages are made of: records, explanations, tasks and model cards, each checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..explain import check_explanation
from ..plugins.registry import Plugin, list_models, list_tasks
from ..record.file import PlainRecord as Record
from ..record.file import validate_record
from .scores import ConditionEntry, Point
from .words import safe_name

LARGEST_RECORD, LARGEST_EXPLANATION = 32_000_000, 1_000_000


@dataclass(frozen=True)
class Entry:
    """A record that was read.

    Attributes
    ----------
    name : name of its page, the file's stem made safe
    path : its file
    conditions : what the record says of each condition, by its values on the task's axes
    explanation : what `glassbench explain` wrote about it, or None
    digest : sha256 of the record's file
    """

    name: str
    path: Path
    record: Record
    conditions: Mapping[Point, ConditionEntry]
    explanation: Mapping[str, Any] | None
    digest: str


@dataclass(frozen=True)
class Sources:
    """All that a site is built from.

    Attributes
    ----------
    cards : model cards by name
    problems : what was left out, and why
    """

    tasks: Mapping[str, Task]
    cards: Mapping[str, ModelCard]
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


def read_sources(records: Path, explanations: Path | None = None) -> Sources:
    """Return every task, model card and record that can be read; the others are named.

    Parameters
    ----------
    records : folder of `*.json`
    explanations : folder of explanations, each under the name of its record;
        by default `explain` beside the folder of records
    """
    problems: list[str] = []
    tasks = _whole(list_tasks(), problems)
    cards = _whole(list_models(), problems)
    explanations = explanations or records.parent / "explain"
    entries = []
    for path in sorted(records.glob("*.json")):
        try:
            entries.append(_read_entry(path, explanations / path.name, tasks, problems))
        except (UserError, OSError, ValueError, RecursionError) as error:
            problems.append(f"record {path.name} is left out: {error}")
    return Sources(tasks, cards, tuple(entries), tuple(problems))


def _whole(plugins: Iterable[Plugin], problems: list[str]) -> dict[str, Any]:
    """Return what the plugins state, by name; those that are broken become problems."""
    whole = {}
    for plugin in plugins:
        if plugin.error is None:
            whole[plugin.name] = plugin.contract
        else:
            # Pages name the problem too, and paths of this machine do not belong there.
            reason = plugin.error.replace(str(plugin.folder), plugin.folder.name)
            problems.append(f"{plugin.name} is left out: {reason}")
    return whole


def _read_entry(
    path: Path, explanation_path: Path, tasks: Mapping[str, Task], problems: list[str]
) -> Entry:
    """Return a record with the explanation beside it, unless that is broken."""
    content = _content(path, LARGEST_RECORD)
    record = _parsed(content)
    validate_record(record)
    _check_fit(record, tasks)
    task = tasks[record["task"]["name"]]
    explanation = None
    if explanation_path.is_file():
        try:
            plain = _parsed(_content(explanation_path, LARGEST_EXPLANATION))
            explanation = _fitting_explanation(plain, record, task)
        except (UserError, OSError, ValueError, RecursionError) as error:
            problems.append(f"explanation {explanation_path.name} is left out: {error}")
    return Entry(
        name=safe_name(path.stem),
        path=path,
        record=record,
        conditions={
            tuple(float(entry["condition"][axis.name]) for axis in task.axes): entry
            for entry in record["conditions"]
        },
        explanation=explanation,
        digest=hashlib.sha256(content).hexdigest(),
    )


def _content(path: Path, limit: int) -> bytes:
    size = path.stat().st_size
    if size > limit:
        raise UserError(f"it has {size} bytes, {limit} is the limit")
    return path.read_bytes()


def _parsed(text: bytes) -> Any:
    """Return parsed JSON; NaN and infinity, which JSON does not have, are refused."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON number")

    return json.loads(text, parse_constant=refuse)


def _check_fit(record: Record, tasks: Mapping[str, Task]) -> None:
    """Refuse a record that fits the schema but not its task."""
    name = record["task"]["name"]
    if name not in tasks:
        raise UserError(f"its task `{name}` is none of {', '.join(sorted(tasks)) or 'no task'}")
    task = tasks[name]
    primary = record["task"]["primary_metric"]
    if record["task"]["protocol_version"] > task.protocol_version:
        raise UserError(
            f"protocol version {record['task']['protocol_version']} of {name} is newer than "
            f"the installed {task.protocol_version}: update the task"
        )
    _check_axes(task, _conditions_in(record))
    for entry in record["conditions"]:
        if primary not in entry["scores"]:
            raise UserError(f"condition {entry['condition']} lacks the primary metric {primary}")
        number = len(entry["configurations"])
        if len(entry["parents"]) != number:
            raise UserError(
                f"condition {entry['condition']} names {len(entry['parents'])} parents for "
                f"{number} configurations"
            )
        for metric, values in entry["scores"].items():
            for seed in values["seeds"]:
                if len(seed["by_configuration"]) not in (0, number):
                    raise UserError(
                        f"{metric} at {entry['condition']} has {len(seed['by_configuration'])} "
                        f"values for {number} configurations"
                    )


def _conditions_in(record: Record) -> Iterator[Mapping[str, float]]:
    """Yield every condition that a record names."""
    for entry in record["conditions"]:
        yield entry["condition"]
        for other in (entry.get("transfer") or {}).get("conditions", ()):
            yield other["condition"]
    yield from (p["condition"] for p in record["predictions"])
    yield from (f["condition"] for f in record["failed"] if f["condition"] is not None)


def _check_axes(task: Task, conditions: Iterable[Mapping[str, float]]) -> None:
    axes = {axis.name for axis in task.axes}
    for condition in conditions:
        if set(condition) != axes:
            raise UserError(f"condition {condition} does not name the axes {sorted(axes)}")


def _fitting_explanation(plain: Any, record: Record, task: Task) -> Mapping[str, Any]:
    """Return an explanation that fits its schema, its record and its task."""
    check_explanation(plain)
    digests = (plain["model_digest"], plain["dataset_digest"])
    if digests != (record["model"]["digest"], record["dataset"]["digest"]):
        raise UserError("it is of another model or dataset than its record: explain the run again")
    for part in ("conditions", "maps", "extremes", "learning_curve", "replaced"):
        _check_axes(task, _conditions_of(plain.get(part, ())))
    for pair in plain["transfer"]:
        _check_axes(task, (pair["trained_on"], pair["tested_on"]))
    if any(drawn["structure"] >= len(plain["structures"]) for drawn in plain["maps"]):
        raise UserError("a map names a structure that is not there: explain the run again")
    for entry in plain.get("extremes", ()):
        if any(len(curve["values"]) != len(entry["distances"]) for curve in entry["curves"]):
            raise UserError(
                "a curve of g(r) is longer or shorter than its distances: explain the run again"
            )
    return plain


def _conditions_of(entries: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, float]]:
    return (entry["condition"] for entry in entries)
