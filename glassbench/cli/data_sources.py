"""`glassbench data import`: datasets from published files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..contract.conditions import WordError
from ..experiments.words import check_keys, parse_axis, parse_count, split_words  # fmt: skip
from ..home.workspace import open_workspace
from ..plugins.registry import whole_tasks
from .columns import in_pairs
from .counter import Counter
from .guard import FAILED, guarded, say
from .output import Json, Words, write_json, write_lines

NUMBERS = ("pair_cutoff", "close_pair_cutoff", "validation_fraction")


@guarded
def import_command(
    kind: Annotated[str, typer.Argument(metavar="botan|bapst|roadmap", show_default=False)],
    source: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", show_default=False)],
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Import a published dataset, or go on importing.

    [name=NAME] [cluster=auto|local|none|HOST:PORT] [workers=N] [pair_cutoff=R]
    [close_pair_cutoff=R] [validation_fraction=F] [times.TEMPERATURE=T0,T1,…] [home=FOLDER]

    Without name= the dataset has the name of the folder. A killed import goes on where it was.
    The exit code is 1 where files had to be left out; the others are imported.
    """
    values = split_words(words or [])
    plain = {key: value for key, value in values.items() if not key.startswith("times.")}
    check_keys(plain, ("name", "cluster", "workers", *NUMBERS, "times.<temperature>", "home"))
    workspace = open_workspace(values.get("home"))
    name = values.get(
        "name", source.absolute().stem if source.is_file() else source.absolute().name
    )
    _refuse_taken(name)
    from ..cluster.importing import open_import_run
    from ..datasets import import_dataset
    from ..datasets.readers.source import Settings

    settings = Settings(**_settings(values))
    workers = parse_count("workers", values["workers"]) if "workers" in values else None
    destination = workspace.datasets / name
    destination.parent.mkdir(parents=True, exist_ok=True)
    place = open_import_run(
        source.absolute(), destination.parent, values.get("cluster", "auto"), workers
    )
    with place as run, Counter(quiet=json_output) as counter:
        report = import_dataset(
            kind,
            source,
            destination,
            settings=settings,
            run=run,
            on_event=lambda e: counter(e.done, e.total, f"{e.state} {e.configuration}"),
        )
    problems = [{"file": p.file, "message": p.message} for p in report.problems]
    if json_output:
        write_json(
            {
                "name": name,
                "path": str(report.path),
                "digest": report.digest,
                "configurations": {k: dict(v) for k, v in report.configurations.items()},
                "problems": problems,
            }
        )
    else:
        for problem in problems:
            say(f"left out: {problem['file']}: {problem['message']}")
        lines = [(state, counts_text(counts)) for state, counts in report.configurations.items()]
        write_lines(in_pairs([("dataset", name), ("path", str(report.path)), *lines,
                              ("digest", report.digest)]))  # fmt: skip
    if problems:
        raise typer.Exit(FAILED)


def counts_text(counts: Mapping[str, int]) -> str:
    """Return how many configurations each split has, in words."""
    return ", ".join(f"{number} {split}" for split, number in counts.items())


def _refuse_taken(name: str) -> None:
    """Refuse a name that a task gives to its embedded data, or that is no plain name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise WordError(f"`name={name}` is not a plain name: use letters, digits, `_`, `-`, `.`")
    for task in whole_tasks():
        entry = task.datasets.get(name)
        if entry is not None and entry.path:
            raise WordError(f"`{name}` names the embedded data of {task.name}: give another name=")


def _settings(values: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key in NUMBERS:
        if key in values:
            settings[key] = _one_number(key, values[key])
    times = {k: v for k, v in values.items() if k.startswith("times.")}
    if times:
        settings["times"] = {
            _one_number(key, key.removeprefix("times.")): parse_axis(key, text).values
            for key, text in times.items()
        }
    return settings


def _one_number(key: str, text: str) -> float:
    choice = parse_axis(key, text)
    if len(choice.values) != 1 or choice.ranges:
        raise WordError(f"`{key}={text}` is not one number")
    return choice.values[0]
