"""The page of a record: every number, what explains its errors, and how to run it again."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..contract.model_card import HyperparameterError, ModelCard
from ..contract.task import Task, reported_at
from ..contract.units import printed
from ..experiments.tuning.study import tuning_words
from ..explain.schema import LearningCurve
from ..metrics import MetricSpecification
from ..model import Condition
from ..record.record import PlainRecord as Record
from ..record.record import Tuning
from .boards import NO_CONDITION, Board, Row
from .published import beside
from .references import cite_all, record_bibtex
from .sources import Entry, cell_of, reductions, shown_interval
from .standing import Standing

MOST_FULL_CONDITIONS = 24  # of a record whose page shows every metric
MOST_TABLES = 6  # of conditions whose scores by configuration stand in the page


def record_context(entry: Entry, board: Board, standing: Standing, row: Row) -> dict[str, Any]:
    """Return what the template of a record's page shows."""
    record, card = entry.record, row.card
    titles = {metric.name: metric.title for metric in board.metrics}
    primary = record["task"]["primary_metric"]
    others = {name for c in record["conditions"] for name in c["scores"]} - {primary}
    metrics = [(name, titles.get(name, name)) for name in (primary, *sorted(others))]
    few = len(record["conditions"]) <= MOST_FULL_CONDITIONS
    curves = entry.explanation.learning_curve if entry.explanation else ()
    note = f"Record {entry.name}, {board.task.name}, dataset {board.dataset}, sha256 {entry.digest}"
    own = record_bibtex(entry.name, record["model"]["name"], record["created"], note)
    tuning = Tuning.model_validate(record["tuning"]) if "tuning" in record else None
    return {
        "entry": entry,
        "record": record,
        "board": board,
        "changed": card is not None and card.digest != record["model"]["digest"],
        "primary": primary,
        "metrics": metrics if few else metrics[:1],
        "by_configuration": [m.name for m in board.metrics if m.average == "configuration"],
        "labels": bool(board.task.targets[board.task.target].label_of),
        "standing": standing,
        "row": row,
        "reduced": reductions(entry, card),
        "beside": beside(board, row.name),
        "cite": f"{own}\n{cite_all([card] if card else [], board.dataset)}",
        # A record may say anything of other publications.
        "reported": {
            board.words(c["condition"]): reported_at(
                board.task, board.dataset, Condition.of(**c["condition"])
            )
            for c in record["conditions"]
        },
        "cell_of": cell_of,
        "shown_interval": shown_interval,
        "few": few,
        "tables": len(record["conditions"]) <= MOST_TABLES,
        "commands": reproduce(record, board.task, card),
        "hardware": hardware_words(record),
        "tuning": f"{tuning_words(tuning)}; stated by the author" if tuning else None,
        "explanation": entry.explanation,
        "learning": [_learning_curve(curve, entry, board) for curve in curves],
    }


def _learning_curve(curve: LearningCurve, entry: Entry, board: Board) -> dict[str, Any]:
    condition = entry.conditions.get(board.point(curve.condition), NO_CONDITION)
    points = [
        {**p, **{end: shown_interval(condition, p[end]) for end in ("interval", "difference")}}
        for p in curve.points
    ]
    words = board.words(curve.condition)
    return {"words": words, "points": points, "verdict": verdict(points, board.primary)}


def hardware_words(record: Record) -> list[str]:
    """Return on what the trials of a record ran, each machine once."""
    machines = []
    for environment in record["provenance"]["environments"]:
        hardware = environment["hardware"]
        gpus = ", ".join(dict.fromkeys(hardware["gpus"]))
        cores = "" if hardware["cores"] is None else f", {hardware['cores']} cores"
        machines.append(f"{hardware['cpu']}{cores}" + (f"; GPU {gpus}" if gpus else "; no GPU"))
    return list(dict.fromkeys(machines))


def drawn_parts(entry: Entry, board: Board) -> dict[str, Any]:
    """Return what the scripts of a record's page draw: parity, maps, structures, extremes."""
    assert entry.explanation is not None, "a record without one has no such file"
    explanation = entry.explanation.to_json()

    def shown(part: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        kept = {name: part[name] for name in names}
        return {**kept, "words": board.words(part["condition"]), "unit": printed(part["unit"])}

    return {
        "conditions": [shown(part, ("condition", "parity")) for part in explanation["conditions"]],
        "maps": [shown(part, part) for part in explanation["maps"]],
        "extremes": [shown(part, part) for part in explanation.get("extremes", [])],
        "structures": [{**one, "unit": printed(one["unit"])} for one in explanation["structures"]],
    }


def verdict(points: Sequence[Mapping[str, Any]], metric: MetricSpecification) -> str:
    """Say whether more training configurations would help, from the last doubling of the curve."""
    known = [p for p in points if p["value"] is not None]
    if len(known) < 2:
        return "too few points to tell"
    before, last = known[-2], known[-1]
    sign = 1 if metric.higher_is_better else -1
    gain = sign * (last["value"] - before["value"])
    step = f"from {before['configurations']} to {last['configurations']} configurations"
    if last["difference"] is None:
        return f"the score changed by {gain:+.3f} {step}; no interval is known"
    low, high = sorted(sign * end for end in last["difference"])
    change = f"{gain:+.3f} [{low:+.3f}, {high:+.3f}] {step}"
    if low > 0:
        return f"more data still help: {change}"
    if high < 0:
        return f"the last doubling made it worse: {change}"
    return f"the last doubling made no significant difference: {change}"


def reproduce(record: Record, task: Task, card: ModelCard | None) -> list[str]:
    """Return the commands, one for each block of conditions that is a product of its axes."""
    own = record["hyperparameters"]
    usual = _usual(record, card)
    request = [
        f"task={task.name}",
        *([f"target={task.target}"] if task.other_target else []),
        f"model={record['model']['name']}",
        f"dataset={record['dataset']['name']}",
    ]
    changed = [f"model.{k}={_word(v)}" for k, v in own.items() if k not in usual or usual[k] != v]
    seeds = f"seed={','.join(map(str, record['seeds']))}"
    request += [f"train.{axis}={value:.10g}" for axis, value in record.get("trained", {}).items()]
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
