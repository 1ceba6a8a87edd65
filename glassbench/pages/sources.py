"""What pages are made of: records, explanations, tasks and model cards, each checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..plugins.registry import Plugin, list_models, list_tasks
from ..record.file import SCHEMA_FILE, Record, validate_record
from .scores import Scores, scores_of
from .spread import spread
from .words import safe_name

EXPLANATION_SCHEMA = SCHEMA_FILE.with_name("explanation.schema.json")
MOST_FULL_CONDITIONS = 24  # of a record whose page tells every number
LARGEST_RECORD, LARGEST_EXPLANATION = 32_000_000, 1_000_000


# What boards read of an explanation; its other parts stand on the record's page alone.
EXPLANATION_OF_BOARDS = ("dataset", "replaced", "transfer")


@dataclass(frozen=True)
class Entry:
    """A record that was read.

    Attributes
    ----------
    name : name of its page, the file's stem made safe
    path, explanation_path : the files
    record : its facts. `conditions` holds no scores and `predictions` nothing: a thousand
        whole records would take gigabytes
    shown : JSON of the record as its page shows it
    scores : what boards read of its conditions
    explanation : what boards read of what `glassbench explain` wrote about it, or None
    file_digest : sha256 of the record's file
    digest : sha256 over record and explanation
    """

    name: str
    path: Path
    explanation_path: Path
    record: Record
    shown: bytes
    scores: Scores
    explanation: Mapping[str, Any] | None
    file_digest: str
    digest: str

    def shown_record(self) -> Record:
        """Return the record as its page shows it, see `_shown`."""
        return _parsed(self.shown)

    def whole_explanation(self) -> Mapping[str, Any] | None:
        """Return all of the explanation, from its file, or None."""
        if self.explanation is None:
            return None
        return _parsed(self.explanation_path.read_bytes())


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
    paths = sorted(records.glob("*.json"))
    read = spread(lambda path: _read_record(path, explanations / path.name, tasks), paths)
    entries = tuple(entry for entry, _ in read if entry is not None)
    problems += [problem for _, problem in read if problem]
    return Sources(tasks, cards, entries, tuple(problems))


def _whole(plugins: Iterable[Plugin], problems: list[str]) -> dict[str, Any]:
    """Return what the plugins state, by name; those that are broken become problems."""
    whole = {}
    for plugin in plugins:
        if plugin.error is None:
            whole[plugin.name] = plugin.contract
        else:
            # Pages tell it too: where the folder lies on this machine is nobody's business.
            reason = plugin.error.replace(str(plugin.folder), plugin.folder.name)
            problems.append(f"{plugin.name} is left out: {reason}")
    return whole


def _read_record(path: Path, beside: Path, tasks: Mapping[str, Task]) -> tuple[Entry | None, str]:
    """Return a record with the explanation beside it, and what of them was left out and why."""
    import orjson

    try:
        content = _content(path, LARGEST_RECORD)
        record = _parsed(content)
        if not _fast_validator(SCHEMA_FILE).is_valid(record):
            validate_record(record)
        _check_fit(record, tasks)
    except (UserError, OSError, ValueError, RecursionError) as error:
        return None, f"record {path.name} is left out: {error}"
    explanation, second, problem = None, b"", ""
    task = tasks[record["task"]["name"]]
    if beside.is_file():
        try:
            second = _content(beside, LARGEST_EXPLANATION)
            explanation = _explanation(_parsed(second), record, task)
            explanation = {name: explanation[name] for name in EXPLANATION_OF_BOARDS}
        except (UserError, OSError, ValueError, RecursionError) as error:
            problem = f"explanation {beside.name} is left out: {error}"
    own = hashlib.sha256(content).hexdigest()
    entry = Entry(
        name=safe_name(path.stem),
        path=path,
        explanation_path=beside,
        record=_facts(record),
        shown=orjson.dumps(_shown(record)),
        scores=scores_of(record, [axis.name for axis in task.axes]),
        explanation=explanation,
        file_digest=own,
        digest=hashlib.sha256(own.encode() + b"\0" + second).hexdigest(),
    )
    return entry, problem


def _facts(record: Record) -> Record:
    """Return a record without what it says of each condition."""
    conditions = [{"condition": entry["condition"]} for entry in record["conditions"]]
    return record | {"conditions": conditions, "predictions": []}


def _shown(record: Record) -> Record:
    """Return a record as its page shows it: the primary metric alone where conditions are many."""
    if len(record["conditions"]) <= MOST_FULL_CONDITIONS:
        return record
    primary = record["task"]["primary_metric"]

    def shortened(entry: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: entry[name] for name in ("condition", "above_floor", "ceiling", "reported")}
        return kept | {"scores": {primary: {**entry["scores"][primary], "seeds": []}}}

    conditions = [shortened(entry) for entry in record["conditions"]]
    return record | {"conditions": conditions, "predictions": []}


def _content(path: Path, limit: int) -> bytes:
    size = path.stat().st_size
    if size > limit:
        raise UserError(f"it has {size} bytes, {limit} is the limit: leave out what nobody reads")
    return path.read_bytes()


def _parsed(text: bytes) -> Any:
    """Return parsed JSON; words that are none, such as NaN, are refused."""
    import orjson

    return orjson.loads(text)


def _check_fit(record: Record, tasks: Mapping[str, Task]) -> None:
    """Refuse a record that the schema admits and its task does not."""
    name = record["task"]["name"]
    if name not in tasks:
        raise UserError(f"its task `{name}` is none of {', '.join(sorted(tasks)) or 'no task'}")
    task = tasks[name]
    primary = record["task"]["primary_metric"]
    if record["task"]["protocol_version"] > task.protocol_version:
        raise UserError(
            f"protocol version {record['task']['protocol_version']} of {name} is newer than "
            f"{task.protocol_version}, the one that is here: update the task"
        )
    _check_points(task, _points_of(record))
    for entry in record["conditions"]:
        if primary not in entry["scores"]:
            raise UserError(f"condition {entry['condition']} lacks the primary metric {primary}")
        configurations = len(entry["configurations"])
        if len(entry["parents"]) != configurations:
            raise UserError(f"condition {entry['condition']} has too few or too many parents")
        for metric, values in entry["scores"].items():
            for seed in values["seeds"]:
                if len(seed["by_configuration"]) not in (0, configurations):
                    raise UserError(
                        f"{metric} at {entry['condition']} has {len(seed['by_configuration'])} "
                        f"values for {configurations} configurations"
                    )


def _points_of(record: Record) -> Iterable[Mapping[str, float]]:
    """Yield every condition that a record names."""
    for entry in record["conditions"]:
        yield entry["condition"]
        for other in (entry.get("transfer") or {}).get("conditions", ()):
            yield other["condition"]
    yield from (p["condition"] for p in record["predictions"])
    yield from (f["condition"] for f in record["failed"] if f["condition"] is not None)


def _check_points(task: Task, points: Iterable[Mapping[str, float]]) -> None:
    axes = {axis.name for axis in task.axes}
    for point in points:
        if set(point) != axes:
            raise UserError(f"condition {point} does not name {sorted(axes)}")


def _explanation(plain: Any, record: Record, task: Task) -> Mapping[str, Any]:
    """Return an explanation that fits its schema, its record and its task."""
    if not _fast_validator(EXPLANATION_SCHEMA).is_valid(plain):
        error = next(_fast_validator(EXPLANATION_SCHEMA).iter_errors(plain))
        raise UserError(f"it breaks its schema: {str(error.message)[:300]}")
    told = (plain["model_digest"], plain["dataset_digest"])
    if told != (record["model"]["digest"], record["dataset"]["digest"]):
        raise UserError("it is of another model or dataset than its record: explain the run again")
    for part in ("conditions", "maps", "extremes", "learning_curve", "replaced"):
        _check_points(task, (entry["condition"] for entry in plain.get(part, ())))
    for pair in plain["transfer"]:
        _check_points(task, (pair["trained_on"], pair["tested_on"]))
    if any(drawn["structure"] >= len(plain["structures"]) for drawn in plain["maps"]):
        raise UserError("a map names a structure that is not there: explain the run again")
    for entry in plain.get("extremes", ()):
        if any(len(curve["values"]) != len(entry["distances"]) for curve in entry["curves"]):
            raise UserError(
                "a curve of g(r) is longer or shorter than its distances: explain again"
            )
    return plain


@cache
def _fast_validator(schema: Path):
    import jsonschema_rs

    return jsonschema_rs.validator_for(json.loads(schema.read_text(encoding="utf-8")))
