"""The scores of a sweep in one table: models by conditions, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...model import Condition
from .plan import SweepPlan

if TYPE_CHECKING:
    from ...contract.task import Task
    from ...record.condition import ConditionEntry
    from ...record.record import Record

if TYPE_CHECKING:
    from ...contract.task import Task
    from ...record.condition import ConditionEntry
    from ...record.record import Record

Plain = dict[str, Any]


def summary_of(
    plan: SweepPlan,
    task: Task,
    records: Mapping[int, Record | None],
    done: int,
    failed: Sequence[Mapping[str, Any]],
) -> Plain:
    """Return a sweep's scores as plain values.

    Parameters
    ----------
    records : by position of the series in the plan, None where nothing of it finished
    done : number of trials that finished
    failed : `name`, `key` and `error` of those that did not

    Returns
    -------
    among others `conditions`; `rows`, each with `name`, `model`, `floor` and, by condition,
    `value` and `interval`, or None where there is none; `ceiling` by condition
    """
    metric = task.primary_metric.name
    conditions = list(dict.fromkeys(c for series in plan.series for c in series.conditions))
    there = [record for record in records.values() if record is not None]

    def row(name: str, model: str, floor: bool, scores: Mapping[Condition, Any]) -> Plain:
        cells = [scores.get(condition) for condition in conditions]
        kept = [cell and {"value": cell.value, "interval": cell.interval} for cell in cells]
        return {"name": name, "model": model, "floor": floor, "scores": kept}

    rows = []
    for position, record in records.items():
        series = plan.series[position]
        own = [] if record is None else [record]
        scores = _by_condition(own, lambda entry: entry.scores.get(metric))
        rows.append(row(series.name, series.model.name, False, scores))
    models = {each["model"] for each in rows}
    # Records agree about their floors.
    floors = _by_condition(there, lambda entry: {f.model: f for f in entry.floors})
    for name in dict.fromkeys(name for of_condition in floors.values() for name in of_condition):
        if name not in models:
            rows.append(row(name, name, True, {c: f.get(name) for c, f in floors.items()}))
    ceilings = _by_condition(there, lambda entry: entry.ceiling.get(metric))
    heights = [ceilings.get(condition) for condition in conditions]
    return {
        "name": plan.name,
        "digest": plan.digest,
        "task": plan.task,
        "protocol_version": plan.protocol_version,
        "dataset": {"name": plan.dataset.name, "digest": plan.dataset.digest},
        "metric": metric,
        "trials": {"done": done, "failed": len(failed)},
        "conditions": [dict(condition) for condition in conditions],
        "rows": rows,
        "ceiling": [None if ceiling is None else ceiling.value for ceiling in heights],
        "failed": [dict(failure) for failure in failed],
    }


def _by_condition(
    records: Iterable[Record], pick: Callable[[ConditionEntry], Any]
) -> dict[Condition, Any]:
    """Return what `pick` takes of each condition's entry, of the first record that has it."""
    values: dict[Condition, Any] = {}
    for record in records:
        for entry in record.conditions:
            values.setdefault(Condition.of(**entry.condition), pick(entry))
    return values
