"""How fits did at conditions that they were not trained on, as a table from a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .columns import Column, in_columns
from .tables import condition_words, score_words

if TYPE_CHECKING:
    from ..contract.task import Task

Plain = Mapping[str, Any]


def transfer_table(record: Plain, task: Task, width: int) -> list[str]:
    """Return one line for each condition at which a fit was tested, none where none was.

    A task with a mean error among its metrics has it there too, and the rank correlation of
    mean prediction with mean target over the conditions below.
    """
    metrics = [task.primary_metric, *(m for m in task.metrics if m.function == "mean_error")]
    rows, orders = [], []
    for entry in record["conditions"]:
        if "transfer" not in entry:
            continue
        own, elsewhere = entry["condition"], entry["transfer"]["conditions"]
        rows += [(own, own, entry["scores"])]
        rows += [(own, other["condition"], other["scores"]) for other in elsewhere]
        orders.append((own, 1 + len(elsewhere), entry["transfer"]["rank_order"]))
    if not rows:
        return []
    columns = [
        Column("trained at", [condition_words(own) for own, _, _ in rows]),
        Column("tested at", [condition_words(other) for _, other, _ in rows]),
        *(
            Column(
                f"{metric.title} [95 %]",
                [score_words(scores, metric.name) for _, _, scores in rows],
            )
            for metric in metrics
        ),
    ]
    lines = in_columns(columns, width, keys=2)
    if len(metrics) > 1:
        lines += [
            f"trained at {condition_words(own)}: rank correlation of mean prediction with mean "
            f"{task.target} over {count} conditions: {'undefined' if rank is None else f'{rank:g}'}"
            for own, count, rank in orders
        ]
    return lines
