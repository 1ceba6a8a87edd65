"""What an import has finished: one small file per configuration, written when it is whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..home.files import write_json
from .readers.source import Problem, SourceFile

Fingerprint = dict[str, list[int] | None]


@dataclass(frozen=True)
class LedgerEntry:
    """One configuration: the files that it was made of, its facts, and what was wrong.

    `facts` is None where no file of it could be used.
    """

    fingerprint: Fingerprint
    facts: dict | None
    problems: tuple[Problem, ...]


def fingerprint(source: Path, files: Sequence[SourceFile]) -> Fingerprint:
    """Return size and modification time of each file, None for those that are not there."""
    found: Fingerprint = {}
    for file in files:
        try:
            status = (source / file.path).stat()
        except OSError:
            found[file.path] = None
        else:
            found[file.path] = [status.st_size, status.st_mtime_ns]
    return found


def ledger_path(folder: Path, state: str, index: int) -> Path:
    return folder / f"{state}-{index:06d}.json"


def read_entry(path: Path) -> LedgerEntry | None:
    """Return an entry, or None where the configuration is not finished."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    problems = tuple(Problem(**problem) for problem in plain["problems"])
    return LedgerEntry(plain["fingerprint"], plain["facts"], problems)


def write_entry(path: Path, entry: LedgerEntry) -> None:
    """Write an entry, whole or not at all."""
    plain = {
        "fingerprint": entry.fingerprint,
        "facts": entry.facts,
        "problems": [vars(problem) for problem in entry.problems],
    }
    write_json(path, plain)
