"""What a sweep found, in one table: models by conditions, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...model import Condition
from .plan import SweepPlan

if TYPE_CHECKING:
    from ...contract.task import Task

Plain = dict[str, Any]


def summary_of(
    plan: SweepPlan,
    task: Task,
    records: Mapping[int, Mapping[str, Any] | None],
    done: int,
    failed: Sequence[Mapping[str, Any]],
) -> Plain:
    """Return a sweep's scores as plain values.

    Parameters
    ----------
    records : by position of the series in the plan, None where nothing of it finished
    done : trials that finished
    failed : `name`, `key` and `error` of those that did not

    Returns
    -------
    `name`, `task`, `dataset`, `metric`; `trials` with `done` and `failed`; `conditions`;
    `rows`, each with `name`, `model`, `floor` and, by condition, `value` and `interval`, or
    None where there is none; `ceiling` by condition; `failed`
    """
    metric = task.primary_metric.name
    conditions = _conditions(plan)
    whole = {place: record for place, record in records.items() if record is not None}
    rows = []
    for place in records:
        series, record = plan.series[place], whole.get(place)
        scores = _by_condition(record, lambda entry: entry["scores"].get(metric))
        rows.append(_row(series.name, series.model.name, False, scores, conditions))
    return {
        "name": plan.name,
        "digest": plan.digest,
        "task": plan.task,
        "protocol_version": plan.protocol_version,
        "dataset": {"name": plan.dataset.name, "digest": plan.dataset.digest},
        "metric": metric,
        "trials": {"done": done, "failed": len(failed)},
        "conditions": [dict(condition) for condition in conditions],
        "rows": rows + _floor_rows(whole.values(), conditions, {row["model"] for row in rows}),
        "ceiling": _ceilings(whole.values(), metric, conditions),
        "failed": [dict(failure) for failure in failed],
    }


def _conditions(plan: SweepPlan) -> list[Condition]:
    return list(dict.fromkeys(c for series in plan.series for c in series.conditions))


def _by_condition(record, pick) -> dict[Condition, Any]:
    """Return what `pick` takes of each condition's entry of a record."""
    entries = record["conditions"] if record is not None else ()
    return {Condition.of(**entry["condition"]): pick(entry) for entry in entries}


def _row(
    name: str,
    model: str,
    floor: bool,
    scores: Mapping[Condition, Any],
    conditions: Sequence[Condition],
) -> Plain:
    cells = [scores.get(condition) for condition in conditions]
    kept = [c and {"value": c["value"], "interval": c["interval"]} for c in cells]
    return {"name": name, "model": model, "floor": floor, "scores": kept}


def _floor_rows(records, conditions: Sequence[Condition], models: set[str]) -> list[Plain]:
    """Return one row for each floor that is none of the models; records agree about it."""
    by_floor: dict[str, dict[Condition, Any]] = {}
    for record in records:
        for condition, floors in _by_condition(record, lambda entry: entry["floors"]).items():
            for floor in floors:
                by_floor.setdefault(floor["model"], {})[condition] = floor
    return [
        _row(name, name, True, scores, conditions)
        for name, scores in by_floor.items()
        if name not in models
    ]


def _ceilings(records, metric: str, conditions: Sequence[Condition]) -> list[float | None]:
    found: dict[Condition, float | None] = {}
    for record in records:
        for condition, ceiling in _by_condition(record, lambda e: e["ceiling"]).items():
            value = (ceiling.get(metric) or {}).get("value")
            found.setdefault(condition, value)
    return [found.get(condition) for condition in conditions]
