"""`glassbench runs` and `explain`: what was run here, with scores, and where it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.errors import WordError
from ..experiments.trained import find_run, read_records
from ..experiments.words import parse_switch
from ..home.workspace import Workspace
from .output import Json, Words, get_words, guarded, say, write_json, write_lines, write_result
from .tables import number, runs_table, terminal_width

if TYPE_CHECKING:
    from ..explain.schema import Explanation

FILTERS = ("task", "model", "dataset")


@guarded
def runs(words: Words = None, json_output: Json = False) -> None:
    """List what was run here, with scores.

    [task=NAME] [model=NAME] [dataset=NAME] [home=FOLDER]
    """
    values, workspace = get_words(words, *FILTERS)
    records, unreadable = read_records(workspace)
    wanted = {key: values[key].split(",") for key in FILTERS if key in values}
    records = [
        (path, record)
        for path, record in records
        if all(record[key]["name"] in names for key, names in wanted.items())
    ]
    unfinished = unfinished_trials(workspace)
    if json_output:
        plain = [{"path": str(path), "record": record} for path, record in records]
        write_json({"runs": plain, "unreadable": unreadable, "unfinished": unfinished})
        return
    if records:
        write_lines([*runs_table(records, terminal_width()), "", f"records: {workspace.records}"])
    else:
        asked = " ".join(f"{key}={values[key]}" for key in wanted)
        of = f" with {asked}" if asked else ""
        say(f"no finished run{of} in {workspace.home}: start one with `glassbench run`")
    for message in unreadable:
        say(f"unreadable record: {message}")
    if unfinished:
        say(f"{len(unfinished)} trials are not finished; the command that began them goes on:")
        for trial in unfinished[:5]:
            say(f"  {trial['name']} ({trial['task']}, {trial['dataset']})")


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


@guarded
def explain(words: Words = None, json_output: Json = False) -> None:
    """Explain where and why the predictions of a run fail.

    RUN [curve=on] [transfer=on] [out=FILE] [home=FOLDER]

    RUN is the path of a record, its name in the workspace, or the name of a model with a single
    record there. The explanation appears on the record's page of the leaderboard. `curve=on` fits
    the model again on fewer configurations; `transfer=on` tests each fit at the other conditions.
    """
    words = words or []
    runs = [word for word in words if "=" not in word or Path(word).is_file()]
    others = [word for word in words if word not in runs]
    values, workspace = get_words(others, "curve", "transfer", "out")
    if len(runs) != 1:
        raise WordError("name one run, `glassbench explain RUN`: `glassbench runs` lists them")
    path, record = find_run(runs[0], workspace)

    from ..explain import explain_record, write_explanation

    explanation = explain_record(
        record,
        workspace,
        curve=parse_switch("curve", values.get("curve", "off")),
        transfer=parse_switch("transfer", values.get("transfer", "off")),
        report=say,
    )
    default = workspace.home / "explain" / path.name
    written = write_explanation(Path(values.get("out", default)).expanduser(), explanation)
    lines = _explanation_lines(explanation, record["task"]["primary_metric"])
    write_result(json_output, explanation.to_json(), [*lines, "", f"written: {written}"])


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
