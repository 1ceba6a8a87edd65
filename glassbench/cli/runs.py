"""`glassbench runs`: what was run on this machine, with scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..experiments.words import check_keys, split_words
from ..home.workspace import Workspace, open_workspace
from .columns import terminal_width
from .guard import guarded, say
from .output import Json, Words, write_json, write_lines
from .tables import runs_table

if TYPE_CHECKING:
    from ..record.record import Record

FILTERS = ("task", "model", "dataset")


@guarded
def runs(words: Words = None, json_output: Json = False) -> None:
    """List what was run here, with scores.

    [task=NAME] [model=NAME] [dataset=NAME] [home=FOLDER]
    """
    values = split_words(words or [])
    check_keys(values, (*FILTERS, "home"))
    workspace = open_workspace(values.get("home"))
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
        say(f"no finished run in {workspace.home}: start one with `glassbench run`")
    for message in unreadable:
        say(f"unreadable record: {message}")
    if unfinished:
        say(f"{len(unfinished)} trials are not finished; the command that began them goes on:")
        for trial in unfinished[:5]:
            say(f"  {trial['name']} ({trial['task']}, {trial['dataset']})")


def read_records(workspace: Workspace) -> tuple[list[tuple[Path, Record]], list[str]]:
    """Return the records of the workspace, and what is wrong with the files that are none."""
    from ..record.file import RecordError, read_record

    records, unreadable = [], []
    for path in sorted(workspace.records.glob("*.json")):
        try:
            records.append((path, read_record(path)))
        except RecordError as error:
            unreadable.append(str(error))
    return records, unreadable


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
