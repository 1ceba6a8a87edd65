"""Importing a published dataset: file by file, in parallel, resumable, into a store of ours.

The work goes on in `<destination>.importing` and takes the name `destination`
when it is whole. Each finished configuration leaves an entry in a ledger; a
killed import that is started again does what has no entry, and files that were
mended since are read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from filelock import FileLock, Timeout

from ..contract.errors import DatasetError, SourceError
from ..home.files import write_json
from ..home.machine import available_cores
from .layout import (
    SPLITS,
    VALIDATION_FRACTION,
    ConfigurationEntry,
    StateLayout,
    carve_validation,
    check_splits,
)
from .physics import Fingerprinted, copies_across_splits, fingerprint
from .reading import STORE_NAME
from .source import Problem, Reader, SourcePlan, Words
from .store import LEFT_OUT, open_dataset
from .writing import create_store, erase_configuration, finish_store, write_configuration

STAGING_SUFFIX = ".importing"
Stamps = dict[str, list[int] | None]
# Runs functions without arguments, and yields what they return in any order.
Run = Callable[[Sequence[Callable[[], Any]]], Iterator[Any]]


class NamedReader(Protocol):
    """A reader that other processes load too; it can be pickled."""

    @property
    def name(self) -> str: ...

    def load(self) -> Reader: ...


@dataclass(frozen=True)
class ImportReport:
    """What an import wrote, by state and split, and which files could not be used."""

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


class Job(NamedTuple):
    """One configuration: the layout of its state, its number there, and its files."""

    layout: StateLayout
    number: int
    files: tuple[str, ...]

    @property
    def configuration(self) -> ConfigurationEntry:
        return self.layout.configurations[self.number]

    def entry(self, folder: Path) -> Path:
        """Return where the ledger has what is known of it."""
        return folder / "ledger" / f"{self.layout.name}-{self.number:06d}.json"


class LedgerEntry(NamedTuple):
    """What is known of one configuration that is done; written when it is whole.

    `stamps` are size and modification time of its files, None for one that is not there;
    `facts` what `write_configuration` returned, None where no file of it could be used.
    """

    stamps: Stamps
    facts: dict[str, Any] | None
    problems: Sequence[Mapping[str, str]]
    fingerprint: list[float] | None = None


def import_dataset(
    reader: NamedReader,
    source: Path | str,
    destination: Path | str,
    *,
    words: Words | None = None,
    validation_fraction: float = VALIDATION_FRACTION,
    run: Run | None = None,
    on_event: Callable[[ImportEvent], None] = lambda event: None,
) -> ImportReport:
    """Import a published dataset into the folder `destination`, whose name it takes.

    Parameters
    ----------
    source : what the reader takes: mostly the folder that holds train and test folders
    validation_fraction : share of the training configurations that become the validation split,
        where the source has none
    run : runs a list of picklable functions and yields their results, in any order;
        by default in as many processes as there are cores
    """
    source, destination = Path(source).absolute(), Path(destination).absolute()
    if not source.exists():
        raise SourceError(f"there is no file or folder {source}")
    folder, words = source.parent if source.is_file() else source, words or {}
    loaded = reader.load()
    plan = _with_validation(loaded.plan(source, words), validation_fraction)
    staging = destination.with_name(destination.name + STAGING_SUFFIX)
    settings = {**words, "validation_fraction": validation_fraction}
    states = [*map(asdict, plan.states)]
    request = _plain({"reader": reader.name, "settings": settings, "states": states})
    if destination.exists():
        _check_same_plan(destination, request)
        if not _unfinished(destination, folder, plan):
            return _report(destination, plan, _entries(destination, plan))
        destination.rename(staging)
    staging.mkdir(parents=True, exist_ok=True)
    with _locked(staging):
        plan = _lay_out(loaded, folder, staging, plan, request, words)
        store, attributes = staging / STORE_NAME, {"name": destination.name, **plan.attributes}
        if not store.exists():
            create_store(store, attributes, [state.layout for state in plan.states])
        jobs = _unfinished(staging, folder, plan)
        total = sum(len(state.files) for state in plan.states)
        run = run or run_in_processes(available_cores())
        work = [partial(_import_one, reader, folder, staging, words, job) for job in jobs]
        for done, (state, name) in enumerate(run(work), start=total - len(jobs) + 1):
            on_event(ImportEvent(state, name, done, total))
        _finish(staging, plan)
        staging.rename(destination)
    return _report(destination, plan, _entries(destination, plan))


def _import_one(
    reader: NamedReader, source: Path, staging: Path, words: Words, job: Job
) -> tuple[str, str]:
    """Import one configuration; files that cannot be used are noted, never raised."""
    (layout, index, files), store = job, staging / STORE_NAME
    before = _stamps(source, files)
    arrays, problems = reader.load().read(source, files, layout, index, words)
    facts, known = None, None
    if arrays is not None:
        try:
            facts = write_configuration(store, layout, index, arrays)
            known = fingerprint(arrays["positions"], arrays["box"]).tolist()
        except DatasetError as error:
            problems = [*problems, Problem(files[0], str(error))]
    if facts is None:
        erase_configuration(store, layout, index)
    entry = LedgerEntry(before, facts, [asdict(one) for one in problems], known)
    write_json(job.entry(staging), entry._asdict())
    return layout.name, job.configuration.name


def _with_validation(plan: SourcePlan, fraction: float) -> SourcePlan:
    if not plan.states:
        first = f" First: {plan.problems[0].message}" if plan.problems else ""
        raise SourceError(f"no file of the source can be used.{first}")
    states = []
    for state in plan.states:
        entries = carve_validation(state.layout.configurations, fraction, seed=state.layout.name)
        check_splits(entries)
        states.append(replace(state, layout=replace(state.layout, configurations=entries)))
    return replace(plan, states=tuple(states))


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
    reader: Reader, source: Path, staging: Path, plan: SourcePlan, request: dict[str, Any],
    words: Words,
) -> SourcePlan:  # fmt: skip
    """Return the plan with room for pairs and its shared arrays, also when the import goes on."""
    stored = _check_same_plan(staging, request)
    if stored is None:
        slots_of = getattr(reader, "pair_slots", lambda source, state, words: (0, 0))
        shared_of: Callable[..., dict[str, np.ndarray]] = getattr(
            reader, "shared_arrays", lambda source, state, words: {}
        )
        slots = {state.layout.name: slots_of(source, state, words) for state in plan.states}
        shared_arrays = {s.layout.name: shared_of(source, s, words) for s in plan.states}
        stored = {"request": request, "slots": slots, "shared": _plain(shared_arrays)}
        write_json(staging / "plan.json", stored)
    states = []
    for state in plan.states:
        layout, arrays = state.layout, stored.get("shared", {}).get(state.layout.name, {})
        pairs, close = stored["slots"][layout.name]
        shared = tuple((v, np.array(arrays.get(v.name, own))) for v, own in layout.shared)
        layout = replace(layout, pair_slots=pairs, close_pair_slots=close, shared=shared)
        states.append(replace(state, layout=layout))
    return replace(plan, states=tuple(states))


def _plain(values: Any) -> Any:
    """Return plans and arrays as the JSON values that are read back."""
    return json.loads(json.dumps(values, default=np.ndarray.tolist))


def _entries(folder: Path, plan: SourcePlan) -> list[tuple[Job, LedgerEntry | None]]:
    """Return every configuration with its entry, None where it is not done."""
    entries: list[tuple[Job, LedgerEntry | None]] = []
    for state in plan.states:
        for index, files in enumerate(state.files):
            job, entry = Job(state.layout, index, files), None
            with suppress(FileNotFoundError):
                entry = LedgerEntry(**json.loads(job.entry(folder).read_text(encoding="utf-8")))
            entries.append((job, entry))
    return entries


def _unfinished(folder: Path, source: Path, plan: SourcePlan) -> list[Job]:
    """Return the configurations without an entry, or whose files changed since."""
    return [
        job
        for job, entry in _entries(folder, plan)
        if entry is None or entry.stamps != _stamps(source, job.files)
    ]


def _finish(staging: Path, plan: SourcePlan) -> None:
    """Finish the store, unless nothing could be imported or a structure stands in two splits."""
    entries = [(job, entry) for job, entry in _entries(staging, plan) if entry]
    if all(entry.facts is None for _, entry in entries):
        first = entries[0][1].problems[0]["message"]
        raise SourceError(
            f"no configuration could be imported. First: {first}; mend the files and import again"
        )
    known = [
        Fingerprinted(
            job.layout.name,
            job.configuration.name,
            job.configuration.split,
            np.array(entry.fingerprint),
        )
        for job, entry in entries
        if entry.fingerprint is not None
    ]
    for message in copies_across_splits(known):
        raise SourceError(f"{message}. Remove one of the two and {staging}, then import again")
    layouts = [state.layout for state in plan.states]
    facts: dict[str, list] = {layout.name: [] for layout in layouts}
    for job, entry in entries:
        facts[job.layout.name].append(entry.facts)
    left_out = len(plan.problems) + sum(len(entry.problems) for _, entry in entries)
    finish_store(staging / STORE_NAME, layouts, facts, {LEFT_OUT: left_out})


def _report(
    destination: Path, plan: SourcePlan, entries: Sequence[tuple[Job, LedgerEntry | None]]
) -> ImportReport:
    counts = {state.layout.name: dict.fromkeys(SPLITS, 0) for state in plan.states}
    problems = list(plan.problems)
    for job, entry in entries:
        if entry:
            counts[job.layout.name][job.configuration.split] += entry.facts is not None
            problems += [Problem(**one) for one in entry.problems]
    digest = open_dataset(destination).digest
    return ImportReport(destination, digest, counts, tuple(problems))


def _stamps(source: Path, files: Sequence[str]) -> Stamps:
    stamps: Stamps = {}
    for file in files:
        stamps[file] = None
        with suppress(OSError):
            status = (source / file).stat()
            stamps[file] = [status.st_size, status.st_mtime_ns]
    return stamps


@contextmanager
def _locked(staging: Path) -> Iterator[None]:
    """Hold the staging folder against a second import; the lock ends with the process."""
    try:
        with FileLock(staging / "lock", timeout=0, fallback_to_soft=False):
            yield
    except Timeout:
        raise DatasetError(f"another process imports to {staging}: wait for it") from None


def run_here(tasks: Sequence[Callable[[], Any]]) -> Iterator[Any]:
    """Run tasks one after the other in this process, and yield their results."""
    for task in tasks:
        yield task()


def run_in_processes(workers: int) -> Run:
    """Return what runs tasks in `workers` processes; a task that raises stops the rest."""
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=workers, return_as="generator_unordered")
    return lambda tasks: parallel(delayed(task)() for task in tasks)
