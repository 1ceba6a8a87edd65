"""The commands that reproduce a record."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping
from typing import Any

from ..contract.model_card import HyperparameterError, ModelCard
from ..contract.task import Task
from ..record.record import PlainRecord as Record


def reproduce(record: Record, task: Task, card: ModelCard | None) -> list[str]:
    """Return the commands, one for each block of conditions that is a product of its axes."""
    own = record["hyperparameters"]
    usual = _usual(record, card)
    request = [
        f"task={task.name}",
        f"model={record['model']['name']}",
        f"dataset={record['dataset']['name']}",
    ]
    changed = [f"model.{k}={_word(v)}" for k, v in own.items() if k not in usual or usual[k] != v]
    seeds = f"seed={','.join(map(str, record['seeds']))}"
    return [
        shlex.join(["glassbench", "run", *request, *block, seeds, *changed])
        for block in _blocks(record, task)
    ]


def _usual(record: Record, card: ModelCard | None) -> Mapping[str, Any]:
    """Return the hyperparameters that a run takes by default."""
    if card is None:
        return {}
    try:
        return card.hyperparameters_for(record["task"]["name"], record["dataset"]["name"], {})
    except HyperparameterError:
        return {}


def _blocks(record: Record, task: Task) -> list[list[str]]:
    """Return the conditions as words of the command line, one list for each product of axes."""
    conditions = [entry["condition"] for entry in record["conditions"]]
    names = [axis.name for axis in task.axes]
    groups: dict[tuple, list[Mapping[str, float]]] = {}
    points = {tuple(c[name] for name in names) for c in conditions}
    values = [list(dict.fromkeys(c[name] for c in conditions)) for name in names]
    if set(itertools.product(*values)) == points:
        groups[()] = conditions
    else:
        for condition in conditions:
            groups.setdefault(tuple(condition[name] for name in names[:-1]), []).append(condition)
    return [
        [f"{name}={','.join(dict.fromkeys(f'{c[name]:.10g}' for c in members))}" for name in names]
        for members in groups.values()
    ]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(_word, value))
    return str(value)
