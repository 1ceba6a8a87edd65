"""Importing a published dataset: file by file, in parallel, resumable, into a store of ours.

The work goes on in `<destination>.importing` and takes the name `destination`
when it is whole. Each finished configuration leaves an entry in a ledger; a
killed import that is started again does what has no entry, and files that were
mended since are read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from ..home.cores import available_cores
from ..home.files import write_json
from .errors import DatasetError, SourceError
from .layout import StateLayout
from .leaks import Fingerprinted, copies_across_splits, fingerprint
from .opening import STORE_NAME
from .parallel import Run, run_in_processes
from .readers import reader_of
from .readers.source import (
    PlannedState,
    Problem,
    Settings,
    SourceFile,
    SourcePlan,
    entries_of,
    layout_of,
    slots_of,
)
from .splits import carve_validation, check_splits
from .writing import create_store, erase_configuration, finish_store, write_configuration

STAGING_SUFFIX = ".importing"
LEFT_OUT = "left_out"
Stamps = dict[str, list[int] | None]


@dataclass(frozen=True)
class ImportReport:
    """What an import left.

    Attributes
    ----------
    configurations : written, by state and split
    problems : files that could not be used, and why
    """

    path: Path
    digest: str
    configurations: Mapping[str, Mapping[str, int]]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class ImportEvent:
    """One configuration that is done, for progress lines."""

    state: str
    configuration: str
    done: int
    total: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class LedgerEntry:
    """What is known of one configuration that is done; written when it is whole.

    Attributes
    ----------
    stamps : size and modification time of each of its files, None for one that is not there
    facts : what `write_configuration` returned, None where no file of it could be used
    fingerprint : of its structure, by which copies are known
    """

    stamps: Stamps
    facts: dict[str, Any] | None
    problems: tuple[Problem, ...]
    fingerprint: list[float] | None = None


@dataclass(frozen=True)
class _Job:
    """All that a worker needs to import one configuration."""

    kind: str
    source: Path
    store: Path
    ledger: Path
    planned: PlannedState
    layout: StateLayout
    index: int
    settings: Settings


def import_dataset(
    kind: str,
    source: Path | str,
    destination: Path | str,
    *,
    settings: Settings | None = None,
    run: Run | None = None,
    on_event: Callable[[ImportEvent], None] = lambda event: None,
) -> ImportReport:
    """Import a published dataset into the folder `destination`, whose name it takes.

    Parameters
    ----------
    kind : `botan`, `bapst` or `roadmap`
    source : the folder that holds train and test folders
    run : runs a list of picklable functions and yields their results, in any order;
        by default in as many processes as there are cores

    Raises
    ------
    SourceError
        If nothing can be read from the source, or one structure stands in two splits.
    DatasetError
        If the destination holds another dataset, or another process imports it.
    """
    source, destination = Path(source).absolute(), Path(destination).absolute()
    settings = settings or Settings()
    reader = reader_of(kind)
    plan = _with_validation(reader.plan(source, settings), settings)
    staging = destination.with_name(destination.name + STAGING_SUFFIX)
    request = _request(kind, plan, settings)
    if destination.exists():
        _check_same_plan(destination, request)
        report = _finished_report(destination, source, plan)
        if report is not None:
            return report
        destination.rename(staging)
    staging.mkdir(parents=True, exist_ok=True)
    with _locked(staging):
        layouts = _lay_out(reader, source, staging, plan, request, settings, destination.name)
        jobs = _jobs(kind, source, staging, plan, layouts, settings)
        total = sum(len(state.configurations) for state in plan.states)
        done = total - len(jobs)
        run = run or run_in_processes(available_cores())
        for job_index, problems in run([partial(_import_one, job) for job in jobs]):
            done += 1
            state, name = job_index
            on_event(ImportEvent(state, name, done, total, problems))
        report = _finish(staging, destination, plan, layouts)
        staging.rename(destination)
    return report


def _import_one(job: _Job) -> tuple[tuple[str, str], tuple[Problem, ...]]:
    """Import one configuration; files that cannot be used are reported, never raised."""
    planned = job.planned.configurations[0]
    before = _stamps(job.source, planned.files)
    arrays, problems = reader_of(job.kind).read(job.source, job.planned, planned, job.settings)
    facts, known = None, None
    if arrays is not None:
        try:
            facts = write_configuration(job.store, job.layout, job.index, arrays)
            known = fingerprint(arrays["positions"], arrays["box"]).tolist()
        except DatasetError as error:
            problems = [*problems, Problem(planned.files[0].path, str(error))]
    if facts is None:
        erase_configuration(job.store, job.layout, job.index)
    entry = LedgerEntry(before, facts, tuple(problems), known)
    write_entry(_ledger_path(job.ledger, job.layout.name, job.index), entry)
    return (job.layout.name, planned.name), tuple(problems)


def _with_validation(plan: SourcePlan, settings: Settings) -> SourcePlan:
    states = []
    for state in plan.states:
        entries = carve_validation(entries_of(state), settings.validation_fraction, seed=state.name)
        check_splits(entries)
        configurations = tuple(
            replace(configuration, split=entry.split)
            for configuration, entry in zip(state.configurations, entries, strict=True)
        )
        states.append(replace(state, configurations=configurations))
    if not states:
        first = f" First: {plan.problems[0].message}" if plan.problems else ""
        raise SourceError(f"no file of the source can be used.{first}")
    return replace(plan, states=tuple(states))


def _request(kind: str, plan: SourcePlan, settings: Settings) -> dict[str, Any]:
    """Return the plan as plain JSON values, to be compared when an import goes on."""
    times = {f"{t:g}": values for t, values in settings.times.items()}
    states = [asdict(state) for state in plan.states]
    plain = {"kind": kind, "settings": asdict(settings) | {"times": times}, "states": states}
    return json.loads(json.dumps(plain))


def _check_same_plan(folder: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the stored plan of a folder, None where there is none yet; refuse another one."""
    path = folder / "plan.json"
    if not path.exists():
        if folder.name.endswith(STAGING_SUFFIX):
            return None
        raise DatasetError(f"{folder} exists and is no import: choose another name")
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["request"] != request:
        changed = [key for key in request if stored["request"].get(key) != request[key]]
        raise DatasetError(
            f"{folder} was begun with other {' and '.join(changed)} than those of this import: "
            "remove it, or import to another name"
        )
    return stored


def _lay_out(
    reader: ModuleType, source: Path, staging: Path, plan: SourcePlan, request: dict[str, Any],
    settings: Settings, name: str,
) -> list[StateLayout]:  # fmt: skip
    stored = _check_same_plan(staging, request)
    if stored is None:
        needed = {state.name: slots_of(reader, source, state, settings) for state in plan.states}
        stored = {"request": request, "slots": needed}
        write_json(staging / "plan.json", stored)
    slots = stored["slots"]
    layouts = [layout_of(state, tuple(slots[state.name]), settings) for state in plan.states]
    if not (staging / STORE_NAME).exists():
        create_store(staging / STORE_NAME, {"name": name, **plan.attributes}, layouts)
    return layouts


def _jobs(
    kind: str, source: Path, staging: Path, plan: SourcePlan, layouts: Sequence[StateLayout],
    settings: Settings,
) -> list[_Job]:  # fmt: skip
    return [
        _Job(
            kind=kind,
            source=source,
            store=staging / STORE_NAME,
            ledger=staging / "ledger",
            planned=replace(state, configurations=(state.configurations[index],)),
            layout=layout,
            index=index,
            settings=settings,
        )
        for state, layout in zip(plan.states, layouts, strict=True)
        for index in _unfinished(staging / "ledger", source, state)
    ]


def _unfinished(ledger: Path, source: Path, state: PlannedState) -> list[int]:
    """Return the configurations without an entry, or whose files changed since."""
    left = []
    for index, configuration in enumerate(state.configurations):
        entry = read_entry(_ledger_path(ledger, state.name, index))
        if entry is None or entry.stamps != _stamps(source, configuration.files):
            left.append(index)
    return left


def _finish(
    staging: Path, destination: Path, plan: SourcePlan, layouts: Sequence[StateLayout]
) -> ImportReport:
    entries = _entries(staging, plan)
    facts = {name: [entry.facts for entry in listed] for name, listed in entries.items()}
    if all(one is None for listed in facts.values() for one in listed):
        first = next(entry.problems[0] for listed in entries.values() for entry in listed)
        raise SourceError(
            f"no configuration could be imported. First: {first.message}; mend the files and "
            "import again"
        )
    _refuse_copies(staging, plan, entries)
    report = _report(destination, "", plan, entries)
    about = {LEFT_OUT: len(report.problems)}
    digest = finish_store(staging / STORE_NAME, layouts, facts, about)
    return replace(report, digest=digest)


def _refuse_copies(
    staging: Path, plan: SourcePlan, entries: Mapping[str, Sequence[LedgerEntry]]
) -> None:
    """Refuse a source in which one structure stands in two splits, whatever its names."""
    known = [
        Fingerprinted(state.name, one.name, one.split, np.array(entry.fingerprint))
        for state in plan.states
        for one, entry in zip(state.configurations, entries[state.name], strict=True)
        if entry.fingerprint is not None
    ]
    for message in copies_across_splits(known):
        raise SourceError(f"{message}. Remove one of the two and {staging}, then import again")


def _entries(folder: Path, plan: SourcePlan) -> dict[str, list[LedgerEntry]]:
    entries: dict[str, list[LedgerEntry]] = {}
    for state in plan.states:
        entries[state.name] = []
        for index, configuration in enumerate(state.configurations):
            entry = read_entry(_ledger_path(folder / "ledger", state.name, index))
            if entry is None:
                raise DatasetError(
                    f"configuration {configuration.name} of {state.name} was not imported: "
                    "run again"
                )
            entries[state.name].append(entry)
    return entries


def _finished_report(destination: Path, source: Path, plan: SourcePlan) -> ImportReport | None:
    """Return the report of a finished import if no file changed since, else None."""
    from .store import open_dataset

    if any(_unfinished(destination / "ledger", source, state) for state in plan.states):
        return None
    digest = open_dataset(destination).digest
    return _report(destination, digest, plan, _entries(destination, plan))


def _report(
    destination: Path, digest: str, plan: SourcePlan, entries: Mapping[str, list[LedgerEntry]]
) -> ImportReport:
    counts: dict[str, dict[str, int]] = {}
    problems = list(plan.problems)
    for state in plan.states:
        counts[state.name] = {"train": 0, "valid": 0, "test": 0}
        for configuration, entry in zip(state.configurations, entries[state.name], strict=True):
            problems += entry.problems
            if entry.facts is not None:
                counts[state.name][configuration.split] += 1
    return ImportReport(destination, digest, counts, tuple(problems))


def _stamps(source: Path, files: Sequence[SourceFile]) -> Stamps:
    root = source.parent if source.is_file() else source
    stamps: Stamps = {}
    for file in files:
        try:
            status = (root / file.path).stat()
        except OSError:
            stamps[file.path] = None
        else:
            stamps[file.path] = [status.st_size, status.st_mtime_ns]
    return stamps


def _ledger_path(folder: Path, state: str, index: int) -> Path:
    return folder / f"{state}-{index:06d}.json"


def read_entry(path: Path) -> LedgerEntry | None:
    """Return an entry, or None where the configuration is not finished."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return LedgerEntry(**plain | {"problems": tuple(Problem(**one) for one in plain["problems"])})


def write_entry(path: Path, entry: LedgerEntry) -> None:
    """Write an entry, whole or not at all."""
    write_json(path, asdict(entry))


@contextmanager
def _locked(staging: Path) -> Iterator[None]:
    """Hold the staging folder against a second import; the lock ends with the process."""
    try:
        with FileLock(staging / "lock", timeout=0, fallback_to_soft=False):
            yield
    except Timeout:
        raise DatasetError(f"another process imports to {staging}: wait for it") from None
