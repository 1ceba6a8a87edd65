"""`glassbench data`: list, show, import, check and generate datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ..contract.errors import UserError, WordError, did_you_mean
from ..experiments.words import check_keys, parse_axis, parse_count, parse_number, split_words
from ..home.workspace import Workspace, open_workspace
from ..plugins.datasets import FoundDataset, all_datasets, find_any
from ..plugins.readers import find_reader, list_readers
from ..plugins.registry import whole_tasks
from .data_generate import generate, prepare
from .output import FAILED, Json, Words, get_words, guarded, new_group, say, write_result
from .progress import Counter
from .tables import Column, in_columns, in_pairs, terminal_width

app = new_group(help="List, show, import, check and generate datasets.")
COORDINATES_SHOWN = 40
DIGEST_SHOWN = len("sha256:") + 12
Name = Annotated[str, typer.Argument(metavar="NAME|PATH", show_default=False)]


@app.command("list")
@guarded
def list_command(words: Words = None, json_output: Json = False) -> None:
    """List the datasets on this machine.

    [home=FOLDER]
    """
    _, workspace = get_words(words)
    rows = [_row(found) for found in all_datasets(workspace)]
    columns = [
        Column("dataset", [row["name"] for row in rows]),
        Column("from", [row["origin"] for row in rows]),
        Column("task", [row["task"] or "-" for row in rows]),
        Column("configurations", [_of_source(row) for row in rows], True),
        Column("MB", [f"{row['bytes'] / 1e6:.1f}" for row in rows], True),
        Column("digest", [(row["digest"] or "-")[:DIGEST_SHOWN] for row in rows]),
    ]
    write_result(json_output, {"datasets": rows}, in_columns(columns, terminal_width()))
    for row in rows if not json_output else ():
        if row["error"]:
            say(f"broken: {row['name']}: {row['error']}")
        if row["left_out"]:
            say(
                f"incomplete: {row['name']}: {row['left_out']} files were left out when it was "
                "imported; the same `glassbench data import` names them"
            )
    if not rows and not json_output:
        say("no dataset: `glassbench data import` and `glassbench data generate` make them")


@app.command()
@guarded
def info(name: Name, words: Words = None, json_output: Json = False) -> None:
    """Show a dataset: states, coordinates, splits, provenance.

    [plot=on|FILE.png] [home=FOLDER]. plot= draws structure, dynamics or mechanics, and targets.
    """
    values, workspace = get_words(words, "plot")
    found = find_any(name, workspace)
    from ..datasets.store import describe_dataset

    card = describe_dataset(found.path)
    figure = _figure(values.get("plot", "off"), found, workspace)
    drawn, lines = ({"figure": str(figure)}, ["", f"figure  {figure}"]) if figure else ({}, [])
    write_result(json_output, card | drawn, [*card_lines(card), *lines])


@app.command()
@guarded
def verify(name: Name, words: Words = None, json_output: Json = False) -> None:
    """Check every file of a dataset against its manifest, then its physics.

    [home=FOLDER]. The content digest is computed again. The arrays are searched for overlaps,
    crystals, structures that stand in two splits, and spreads of density, composition and
    noise. The exit code is 1 where something is wrong.
    """
    _, workspace = get_words(words)
    found = find_any(name, workspace)
    from ..datasets.manifest import verify as verify_dataset

    findings = verify_dataset(found.path)
    if not findings:
        from ..datasets.physics import check_physics

        findings = check_physics(found.path)
    plain = [asdict(finding) for finding in findings]
    lines = [f"{finding.kind}: {finding.message}" for finding in findings]
    lines = lines or [f"{found.path} is whole, its physics as it should be"]
    about = {"dataset": found.name, "path": str(found.path), "findings": plain}
    write_result(json_output, about, lines)
    if findings:
        raise typer.Exit(FAILED)


@app.command("import")
@guarded
def import_command(
    reader: Annotated[str, typer.Argument(metavar="[READER", show_default=False)] = "",
    source: Annotated[
        Path | None, typer.Argument(metavar="FOLDER|FILE]", show_default=False)
    ] = None,
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Import a published dataset, or go on importing. Alone it lists the readers of formats.

    [name=NAME] [cluster=auto|local|none|HOST:PORT] [workers=N] [validation_fraction=F]
    [home=FOLDER], and words of the reader, as [pair_cutoff=R] [times.TEMPERATURE=T0,T1,…]

    READER is a name, or the path of a file NAME.py. Without name= the dataset has the name of the
    folder. A killed import goes on where it was. The exit code is 1 where files had to be left
    out; the others are imported.
    """
    if source is None:
        _show_readers(reader, json_output)
        return
    reader_entry = find_reader(reader)
    takes = reader_entry.load().WORDS
    values = split_words(words or [])
    starts = tuple(word.partition("<")[0] for word in takes if "<" in word)
    own = ("name", "cluster", "workers", "validation_fraction", "home")
    check_keys({k: v for k, v in values.items() if not (starts and k.startswith(starts))},
               (*own, *takes))  # fmt: skip
    numbers = {key: _numbers(key, text) for key, text in values.items() if key not in own}
    fraction = {k: parse_number(k, values[k]) for k in ("validation_fraction",) if k in values}
    workspace = open_workspace(values.get("home"))
    source = source.absolute()
    name = values.get("name", source.stem if source.is_file() else source.name)
    _refuse_taken(name)
    from ..cluster.functions import open_import_run
    from ..datasets.importing import import_dataset

    workers = parse_count("workers", values["workers"]) if "workers" in values else None
    destination = workspace.datasets / name
    destination.parent.mkdir(parents=True, exist_ok=True)
    opened = open_import_run(source, destination.parent, values.get("cluster", "auto"), workers)
    with opened as run, Counter(quiet=json_output) as counter:
        report = import_dataset(
            reader_entry,
            source,
            destination,
            words=numbers,
            **fraction,
            run=run,
            on_event=lambda e: counter(e.done, e.total, f"{e.state} {e.configuration}"),
        )
    for problem in report.problems if not json_output else ():
        say(f"left out: {problem.file}: {problem.message}")
    pairs = [("dataset", name), ("path", str(report.path))]
    pairs += [(state, counts_text(counts)) for state, counts in report.configurations.items()]
    pairs.append(("digest", report.digest))
    write_result(json_output, {"name": name, **asdict(report)}, in_pairs(pairs))
    if report.problems:
        raise typer.Exit(FAILED)


@app.command()
@guarded
def download(
    name: Annotated[str, typer.Argument(metavar="[NAME]", show_default=False)] = "",
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Download a published dataset and import it, or go on. Alone it lists what there is.

    [home=FOLDER]. Each file is held to its sha256. GLASSBENCH_DATA_URL names another place that
    holds the files, in a folder NAME; proxies are those of the environment.
    """
    _, workspace = get_words(words)
    from ..datasets.downloading import fetch, list_downloads

    there = {n: (task, d) for task in whole_tasks() for n, d in list_downloads(task).items()}
    if not name:
        columns = [
            Column("dataset", list(there)),
            Column("task", [task.name for task, _ in there.values()]),
            Column("MB", [f"{entry.megabytes:.0f}" for _, entry in there.values()], True),
            Column("licence", [entry.licence for _, entry in there.values()]),
            Column("what", [entry.title for _, entry in there.values()]),
        ]
        plain = [entry.model_dump(exclude={"files"}) for _, entry in there.values()]
        write_result(json_output, {"downloads": plain}, in_columns(columns, terminal_width()))
        return
    if name not in there:
        raise WordError(f"no dataset `{name}` can be downloaded{did_you_mean(name, there)}")
    from ..datasets.importing import import_dataset

    _, entry = there[name]
    say(f"{entry.title}: {entry.megabytes:.0f} MB, {entry.licence}")
    with Counter(quiet=json_output) as counter:
        folder = fetch(entry, workspace.home / "downloads" / name, counter)
    workspace.datasets.mkdir(parents=True, exist_ok=True)
    report = import_dataset(find_reader(entry.reader), folder, workspace.datasets / name)
    pairs = [("dataset", name), ("path", str(report.path))]
    pairs += [(state, counts_text(counts)) for state, counts in report.configurations.items()]
    pairs.append(("digest", report.digest))
    write_result(json_output, {"name": name, **asdict(report)}, in_pairs(pairs))


app.command()(generate)
app.command()(prepare)


def _figure(word: str, found: FoundDataset, workspace: Workspace) -> Path | None:
    """Draw a dataset where a word asks for it, and return the file."""
    if word in ("on", "off"):
        name = f"{found.task}-{found.name}" if found.task else found.name
        path = workspace.home / "figures" / "datasets" / f"{name}.png"
    elif word.endswith(".png"):
        path = Path(word).expanduser().absolute()
    else:
        raise WordError(
            f"`plot={word}` is not possible: write plot=on, or a file that ends in .png"
        )
    if word == "off":
        return None
    from ..datasets.store import open_dataset
    from ..figures import draw_dataset

    return draw_dataset(open_dataset(found.path), path)


def card_lines(card: Mapping[str, Any]) -> list[str]:
    """Return a dataset card for people, from what `describe_dataset` returns."""
    states = card["states"]
    lines = in_pairs([(k, _text(v)) for k, v in card.items() if k != "states"])
    for name, state in states.items():
        lines += ["", f"state {name}"]
        shown = ("coordinates", "configurations", "variables")
        rest = {k: v for k, v in state.items() if k not in shown}
        pairs = [
            ("configurations", counts_text(state["configurations"])),
            *((k, _coordinate_text(v)) for k, v in state["coordinates"].items()),
            *((k, _text(v)) for k, v in rest.items()),
            ("variables", ", ".join(state["variables"])),
        ]
        lines += in_pairs(pairs, "  ")
    return lines


def _row(found: FoundDataset) -> dict[str, Any]:
    """Return a dataset as one row; what is wrong with it stands in `error`."""
    from ..datasets.store import describe_dataset

    files = found.path.rglob("*") if found.path.is_dir() else [found.path]
    row: dict[str, Any] = {"name": found.name, "origin": found.origin, "task": found.task}
    row |= {
        "path": str(found.path),
        "bytes": sum(file.stat().st_size for file in files if file.is_file()),
        "configurations": 0,
        "digest": None,
        "left_out": 0,
        "error": None,
    }
    try:
        card = describe_dataset(found.path)
    except UserError as error:
        return row | {"error": str(error)}
    in_states = sum(sum(s["configurations"].values()) for s in card["states"].values())
    return row | {
        "configurations": (card.get("whole") or [in_states])[0],
        "whole": card.get("whole"),
        "digest": card.get("content_digest"),
        "left_out": card.get("left_out", 0),
    }


def _of_source(row: Mapping[str, Any]) -> str:
    """Return how many configurations there are, of how many where files were left out."""
    whole = row.get("whole")
    return f"{whole[0]} of {whole[1]}" if whole else str(row["configurations"])


def _coordinate_text(values: list) -> str:
    """Return the values of a coordinate; of a long one, such as the steps of a curve, its ends."""
    shown = [value if isinstance(value, str) else f"{value:g}" for value in values]
    if len(shown) > COORDINATES_SHOWN:
        return f"{len(shown)} from {shown[0]} to {shown[-1]}"
    return ", ".join(shown)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


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


def _show_readers(name: str, json_output: bool) -> None:
    """List the readers of published formats; a name alone asks for one with its folder."""
    if name:
        raise WordError(f"{find_reader(name).name} reads what? Name the folder or the file")
    readers = list_readers()
    keys = ("name", "origin", "summary")
    plain = {"readers": [{key: getattr(one, key) for key in keys} for one in readers]}
    columns = [
        Column("reader", [one.name for one in readers]),
        Column("from", [one.origin for one in readers]),
        Column("reads", [one.summary for one in readers]),
    ]
    write_result(json_output, plain, in_columns(columns, terminal_width()))


def _numbers(key: str, text: str) -> tuple[float, ...]:
    choice = parse_axis(key, text)
    if choice.everything or choice.ranges:
        raise WordError(f"`{key}={text}` is not a list of numbers")
    return choice.values
