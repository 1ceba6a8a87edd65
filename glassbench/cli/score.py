"""`glassbench score`: scores of predictions that any framework wrote; no plugin, no Ray."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import match_condition
from ..contract.errors import UserError, WordError
from ..experiments.request import open_asked, task_of
from ..experiments.words import check_keys, parse_number, split_words
from ..model import Condition
from .output import Asked, Result, command, say
from .tables import in_pairs, number, result_table, task_words, terminal_width

if TYPE_CHECKING:
    import numpy as np

    from ..contract.task import Task
    from ..datasets.view import View


@command(None, plain="FILE.npz")
def score(asked: Asked) -> Result:
    """Score predictions that any framework wrote.

    FILE.npz task=NAME [target=NAME] [dataset=NAME|PATH] [temperature=T] [time=T]
    [failed_checks=allow] [home=FOLDER]

    For one condition the file holds `configuration` (C,), the names of the test configurations,
    an array per target, such as `propensity` (C, N), and the condition as scalars, such as
    `temperature` and `time`; or the condition is given in words. Several conditions carry their
    name as a prefix: `temperature=0.64 time=16.5/propensity`, and so for each array.
    """
    example = "glassbench score predictions.npz task=NAME"
    path, values = Path(asked.one("one file of predictions", example)), asked.values
    task = task_of(values)
    axes = [axis.name for axis in task.axes]
    check_keys(values, ("task", "target", "dataset", *axes, "failed_checks", "home"))
    from ..trial.predictions import read_predictions

    predictions = read_predictions(path)
    given = {axis: parse_number(axis, values[axis]) for axis in axes if axis in values}
    allowed = values.get("failed_checks")
    dataset, view = open_asked(task, values.get("dataset"), asked.workspace, allowed)
    record = score_record(task, dataset.name, view, _by_condition(path, predictions, given, view))
    about = [
        ("predictions", str(path)),
        ("task", task_words(record["task"])),
        ("dataset", f"{dataset.name} ({view.digest})"),
    ]
    table = result_table(record, task.primary_metric, terminal_width())
    others = [
        (
            f"{Condition.of(**c['condition']).name} {metric.name}",
            number(c["scores"][metric.name]["value"]),
        )
        for c in record["conditions"]
        for metric in task.metrics
        if not metric.primary and metric.name in c["scores"]
    ]
    rest = ["", *in_pairs(others)] if others else []
    return Result(record, [*in_pairs(about), "", *table, *rest])


def score_record(
    task: Task,
    dataset: str,
    view: View,
    predictions: Mapping[Condition, Mapping[str, Mapping[str, np.ndarray]]],
) -> dict[str, Any]:
    """Return scores in the shape of a record's `task`, `dataset` and `conditions`.

    Parameters
    ----------
    predictions : by condition, configuration and target; they stand for one seed
    """
    from ..record.make import condition_entry, known_at
    from ..trial.result import TrialResult
    from ..trial.score import PredictionsError, score_condition

    entries = []
    for condition, by_configuration in predictions.items():
        try:
            scores = score_condition(task, view, condition, by_configuration)
        except PredictionsError as error:
            raise UserError(str(error)) from error
        if task.primary_metric.name not in scores.scores:
            raise UserError(
                f"{condition.name}: there is no `{task.primary_metric.target}`, which the "
                f"primary metric of {task.name} needs; the file holds "
                f"{', '.join(next(iter(by_configuration.values())))}"
            )
        ignored = len(set(by_configuration) - set(scores.configurations))
        if ignored:
            say(f"{condition.name}: {ignored} configurations are not of the test split: left out")
        result = TrialResult("", {"seed": 0}, (scores,), history=(), cost={}, predictions={})
        known = known_at(task, dataset, view, condition)
        entry = condition_entry(task, condition, [result], {}, known)
        assert entry is not None
        entries.append(entry.to_json())
    return {
        "task": {
            "name": task.name,
            "protocol_version": task.protocol_version,
            "primary_metric": task.primary_metric.name,
        }
        | ({"target": task.other_target} if task.other_target else {}),
        "dataset": {"name": dataset, "digest": view.digest},
        "conditions": entries,
    }


def _by_condition(
    path: Path, predictions: Mapping[str, Any], given: Mapping[str, float], view: View
) -> dict[Condition, Any]:
    """Return the predictions by the condition of the dataset that each stands for."""
    chosen: dict[Condition, Any] = {}
    for name, by_configuration in predictions.items():
        words = {axis: parse_number(axis, text) for axis, text in split_words(name.split()).items()}
        for axis in set(words) & set(given):
            if not math.isclose(words[axis], given[axis], rel_tol=1e-9):
                raise WordError(
                    f"{path} holds predictions for {axis}={words[axis]:g}, "
                    f"not for {axis}={given[axis]:g}"
                )
        condition = match_condition(view.conditions(), words | dict(given))
        if condition in chosen:
            raise UserError(f"{path} holds {condition.name} twice")
        chosen[condition] = by_configuration
    return chosen
