"""`glassbench runs` and `explain`: what was run here, with scores, and where it fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..contract.errors import WordError
from ..home.workspace import Workspace
from .output import Asked, Result, command, say
from .tables import number, runs_table, terminal_width

if TYPE_CHECKING:
    from ..explain.schema import Explanation

FILTERS = ("task", "model", "dataset")


@command("task model dataset home")
def runs(asked: Asked) -> Result:
    """List what was run here, with scores.

    [task=NAME] [model=NAME] [dataset=NAME] [home=FOLDER]
    """
    workspace = asked.workspace
    from ..record.record import read_records

    records, unreadable = read_records(workspace.records)
    wanted = {key: asked.values[key].split(",") for key in FILTERS if key in asked.values}
    records = [
        (path, record)
        for path, record in records
        if all(record[key]["name"] in names for key, names in wanted.items())
    ]
    unfinished = unfinished_trials(workspace)
    runs = [{"path": str(path), "record": record} for path, record in records]
    plain = {"runs": runs, "unreadable": unreadable, "unfinished": unfinished}
    notes = [f"unreadable record: {message}" for message in unreadable]
    if unfinished:
        count = len(unfinished)
        notes.append(f"{count} trials are not finished; the command that began them goes on:")
        notes += [f"  {t['name']} ({t['task']}, {t['dataset']})" for t in unfinished[:5]]
    if records:
        table = runs_table(records, terminal_width())
        return Result(plain, [*table, "", f"records: {workspace.records}"], notes=notes)
    of = " with " + " ".join(f"{key}={asked.values[key]}" for key in wanted) if wanted else ""
    none = f"no finished run{of} in {workspace.home}: start one with `glassbench run`"
    return Result(plain, notes=[none, *notes])


def unfinished_trials(workspace: Workspace) -> list[dict[str, str]]:
    """Return the trials that began and have no result."""
    from ..contract.trial_plan import trial_from_json

    unfinished = []
    for path in sorted(workspace.trials.glob("*/*/trial.json")):
        if (path.parent / "result.json").exists():
            continue
        try:
            trial = trial_from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if trial.variation.scored_split == "valid":
            # A study of tuning knows of it, and may have stopped it for good.
            continue
        unfinished.append(
            {"name": trial.name, "task": trial.task, "dataset": trial.dataset.name,
             "key": trial.key, "folder": str(path.parent)}
        )  # fmt: skip
    return unfinished


@command("curve transfer out home", plain="RUN")
def explain(asked: Asked) -> Result:
    """Explain where and why the predictions of a run fail.

    RUN [curve=on] [transfer=on] [out=FILE] [home=FOLDER]

    RUN is the path of a record, its name in the workspace, or the name of a model with a single
    record there. The explanation appears on the record's page of the leaderboard. `curve=on` fits
    the model again on fewer configurations; `transfer=on` tests each fit at the other conditions.
    """
    if not asked.plain:
        raise WordError("name one run, `glassbench explain RUN`: `glassbench runs` lists them")
    from ..experiments.trained import find_run
    from ..explain.schema import write_explanation
    from ..explain.section import explain_record

    workspace = asked.workspace
    path, record = find_run(asked.plain[0], workspace)
    curve, transfer = asked.switch("curve"), asked.switch("transfer")
    explanation = explain_record(record, workspace, curve=curve, transfer=transfer, report=say)
    out = asked.path("out") or workspace.home / "explain" / path.name
    written = write_explanation(out, explanation)
    lines = _explanation_lines(explanation, record["task"]["primary_metric"])
    return Result(explanation.to_json(), [*lines, "", f"written: {written}"])


def _explanation_lines(explanation: Explanation, metric: str) -> list[str]:
    lines = []
    for entry in explanation.conditions:
        lines.append(" ".join(f"{name}={value:g}" for name, value in entry.condition.items()))
        for worst in entry.worst[:3]:
            value = number(worst.value)
            lines.append(f"  worst: configuration {worst.configuration}, {metric} {value}")
        for table in entry.errors:
            groups = ", ".join(f"{g.label}: {g.mean_absolute_error:g}" for g in table.groups)
            lines.append(f"  mean absolute error by {table.by}: {groups}")
    for curve in explanation.learning_curve:
        points = ", ".join(f"{p.configurations}: {number(p.value, '–')}" for p in curve.points)
        lines.append(f"{metric} by number of training configurations: {points}")
    return lines
