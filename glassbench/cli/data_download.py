"""`glassbench data download`, and the download of a dataset when it is used first."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..contract.errors import UserError, WordError, did_you_mean
from ..experiments.words import items_of, parse_switch
from ..home.workspace import Workspace
from ..plugins.datasets import list_datasets
from ..plugins.registry import whole_tasks
from ..plugins.task_modules import find_reader
from .output import Asked, Result, command, say
from .progress import Counter
from .tables import in_pairs, in_table

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..datasets.downloading import Download
    from ..datasets.importing import ImportReport


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
    """Return how many configurations each split has, in words."""
    return ", ".join(f"{number} {split}" for split, number in counts.items())
