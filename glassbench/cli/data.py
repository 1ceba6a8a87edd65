"""`glassbench data`: list, show, import, check and generate datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..contract.errors import UserError, WordError
from ..experiments.words import check_keys, parse_axis, parse_number
from ..home.workspace import Workspace
from ..plugins.datasets import FoundDataset, all_datasets, find_any
from ..plugins.registry import whole_tasks
from ..plugins.task_modules import find_reader, list_readers
from .data_made import counts_text, download, generate, imported, prepare
from .data_view import view
from .output import Asked, Result, absolute, command, new_group
from .progress import Counter
from .tables import in_pairs, in_table

app = new_group(help="List, show, import, check and generate datasets.")
COORDINATES_SHOWN = 40
DIGEST_SHOWN = len("sha256:") + 12
NAME = ("the dataset", "mini")


@app.command("list")
@command("home")
def list_command(asked: Asked) -> Result:
    """List the datasets on this machine.

    [home=FOLDER]
    """
    rows = [_row(entry) for entry in all_datasets(asked.workspace)]
    table = in_table(
        ("dataset", "from", "task", "configurations>", "MB>", "digest"),
        [
            (
                row["name"],
                row["origin"],
                row["task"] or "-",
                "{} of {}".format(*row["whole"]) if row["whole"] else str(row["configurations"]),
                f"{row['bytes'] / 1e6:.1f}",
                (row["digest"] or "-")[:DIGEST_SHOWN],
            )
            for row in rows
        ],
    )
    notes = [f"broken: {row['name']}: {row['error']}" for row in rows if row["error"]]
    notes += [
        f"incomplete: {row['name']}: {row['left_out']} files were left out when it was "
        "imported; the same `glassbench data import` names them"
        for row in rows
        if row["left_out"]
    ]
    if not rows:
        notes = ["no dataset: `glassbench data import` and `glassbench data generate` make them"]
    return Result({"datasets": rows}, table, notes=notes)


@app.command()
@command("plot home", plain="NAME|PATH")
def info(asked: Asked) -> Result:
    """Show a dataset: states, coordinates, splits, provenance.

    [plot=on|FILE.png] [home=FOLDER]. plot= draws structure, dynamics or mechanics, and targets.
    """
    entry = find_any(asked.one(*NAME), asked.workspace)
    from ..datasets.store import describe_dataset

    card = describe_dataset(entry.path)
    figure = _figure(asked.values.get("plot", "off"), entry, asked.workspace)
    if figure is None:
        return Result(card, card_lines(card))
    return Result(card | {"figure": str(figure)}, [*card_lines(card), "", f"figure  {figure}"])


@app.command()
@command("home", plain="NAME|PATH")
def verify(asked: Asked) -> Result:
    """Check every file of a dataset against its manifest, then its physics.

    [home=FOLDER]. The content digest is computed again. The arrays are searched for overlaps,
    crystals, structures that stand in two splits, and spreads of density, composition and
    noise. The exit code is 1 where something is wrong.
    """
    entry = find_any(asked.one(*NAME), asked.workspace)
    from ..datasets.manifest import verify as verify_dataset
    from ..datasets.physics import check_physics

    faults = verify_dataset(entry.path) or check_physics(entry.path)
    plain = {"dataset": entry.name, "path": str(entry.path), "findings": list(map(asdict, faults))}
    lines = [f"{fault.kind}: {fault.message}" for fault in faults]
    whole = f"{entry.path} is whole, its physics as it should be"
    return Result(plain, lines or [whole], failed=bool(faults))


@app.command("import")
@command(None, plain="[READER FOLDER|FILE]")
def import_command(asked: Asked) -> Result:
    """Import a published dataset, or go on importing. Alone it lists the readers of formats.

    [name=NAME] [cluster=auto|local|none|HOST:PORT] [workers=N] [validation_fraction=F]
    [home=FOLDER], and words of the reader, as [pair_cutoff=R] [times.TEMPERATURE=T0,T1,…]

    READER is a name, or the path of a file NAME.py. Without name= the dataset has the name of the
    folder. A killed import goes on where it was. The exit code is 1 where files had to be left
    out; the others are imported.
    """
    if not asked.plain:
        readers = list_readers()
        keys = ("name", "origin", "summary")
        rows = [[getattr(reader, key) for key in keys] for reader in readers]
        plain = {"readers": [dict(zip(keys, row)) for row in rows]}
        return Result(plain, in_table(("reader", "from", "reads"), rows))
    reader_entry = find_reader(asked.plain[0])
    if len(asked.plain) < 2:
        raise WordError(f"{reader_entry.name} reads what? Name the folder or the file")
    takes = reader_entry.load().WORDS
    values = asked.values
    starts = tuple(word.partition("<")[0] for word in takes if "<" in word)
    own = ("name", "cluster", "workers", "validation_fraction", "home")
    check_keys({k: v for k, v in values.items() if not (starts and k.startswith(starts))},
               (*own, *takes))  # fmt: skip
    numbers = {key: _numbers(key, text) for key, text in values.items() if key not in own}
    fraction = {k: parse_number(k, values[k]) for k in ("validation_fraction",) if k in values}
    source = Path(asked.plain[1]).absolute()
    name = values.get("name", source.stem if source.is_file() else source.name)
    _refuse_taken(name)
    from ..cluster.functions import open_import_run
    from ..datasets.importing import import_dataset

    datasets = asked.workspace.datasets
    datasets.mkdir(parents=True, exist_ok=True)
    cluster, workers = values.get("cluster", "auto"), asked.count("workers")
    opened = open_import_run(source, datasets, cluster, workers)
    with opened as run, Counter(quiet=asked.json) as counter:
        report = import_dataset(
            reader_entry,
            source,
            datasets / name,
            words=numbers,
            **fraction,
            run=run,
            on_event=lambda e: counter(e.done, e.total, f"{e.state} {e.configuration}"),
        )
    return imported(name, report)


app.command()(download)
app.command()(generate)
app.command()(prepare)
app.command()(view)


def _figure(word: str, found: FoundDataset, workspace: Workspace) -> Path | None:
    if word == "off":
        return None
    if word == "on":
        name = f"{found.task}-{found.name}" if found.task else found.name
        path = workspace.home / "figures" / "datasets" / f"{name}.png"
    elif word.endswith(".png"):
        path = absolute(word)
    else:
        raise WordError(
            f"`plot={word}` is not possible: write plot=on, or a file that ends in .png"
        )
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
        "whole": None,
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


def _refuse_taken(name: str) -> None:
    """Refuse a name that a task gives to its embedded data, or that is no plain name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise WordError(f"`name={name}` is not a plain name: use letters, digits, `_`, `-`, `.`")
    for task in whole_tasks():
        entry = task.datasets.get(name)
        if entry is not None and entry.path:
            raise WordError(f"`{name}` names the embedded data of {task.name}: give another name=")


def _numbers(key: str, text: str) -> tuple[float, ...]:
    choice = parse_axis(key, text)
    if choice.everything or choice.ranges:
        raise WordError(f"`{key}={text}` is not a list of numbers")
    return choice.values
