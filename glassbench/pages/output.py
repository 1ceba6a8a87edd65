"""The folder of the site: only what changed is made and written, what is gone is removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import UserError
from ..home.files import write_file
from .spread import spread

LEDGER = ".glassbench-site.json"
CHUNK_BYTES = 2**16


Content = str | bytes | Iterable[bytes]


@dataclass(frozen=True)
class _File:
    """A file of the site: its name, the digest of what it is made from, and how."""

    name: str
    made_from: str
    make: Callable[[], Content]


class SiteFolder:
    """A folder that a build fills, with a ledger of what each file was made from.

    Raises
    ------
    UserError
        If the folder holds files and no ledger: it is not one of ours to change.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = self._read_ledger()
        self.files: dict[str, _File] = {}

    def put(self, name: str, made_from: str, make: Callable[[], Content]) -> None:
        """Let `finish` make a file unless the one that is there was made from the same.

        Parameters
        ----------
        name : path below the folder, with slashes
        made_from : digest over all that `make` depends on
        make : returns the content, whole or in pieces
        """
        self.files[name] = _File(name, made_from, make)

    def finish(self) -> tuple[int, int]:
        """Make the files, and remove those of earlier builds; return how many were of each."""
        done = spread(self._settle, list(self.files.values()))
        now = {file.name: entry for file, (entry, _) in zip(self.files.values(), done, strict=True)}
        gone = [name for name in self.before if name not in now]
        for name in gone:
            (self.folder / name).unlink(missing_ok=True)
        self._write_ledger(now)
        return sum(written for _, written in done), len(gone)

    def _settle(self, file: _File) -> tuple[list[str], bool]:
        """Return the ledger's entry of a file, and whether it had to be written."""
        path = self.folder / file.name
        known = self.before.get(file.name)
        present = _content_digest(path)
        if known is not None and known == [file.made_from, present]:
            return known, False
        path.parent.mkdir(parents=True, exist_ok=True)
        content = file.make()
        content = content.encode() if isinstance(content, str) else content
        if isinstance(content, bytes):
            wanted = hashlib.sha256(content).hexdigest()
            if wanted != present:
                path.write_bytes(content)
        else:
            wanted = _write_pieces(path, content)
        return [file.made_from, wanted], wanted != present

    def _write_ledger(self, ledger: dict[str, list]) -> None:
        write_file(self.folder / LEDGER, json.dumps(ledger, sort_keys=True, indent=0))

    def _read_ledger(self) -> dict[str, list]:
        path = self.folder / LEDGER
        if path.is_file():
            try:
                ledger = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise UserError(f"{path} is no JSON ({error}): remove the folder") from error
            return {name: entry for name, entry in ledger.items() if self._is_inside(name)}
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise UserError(
                f"{self.folder} holds files that are not of a leaderboard: name a new folder, or "
                "one that an earlier build made, with out="
            )
        # A build that is interrupted leaves a folder that the next one knows for its own.
        self._write_ledger({})
        return {}

    def _is_inside(self, name: str) -> bool:
        return (self.folder / name).resolve().is_relative_to(self.folder.resolve())


def digest_of(*parts: object) -> str:
    """Return the sha256 over parts that are told apart by their representation."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def copied(path: Path, before: str = "", after: str = "") -> Iterator[bytes]:
    """Yield the content of a file, between two texts, in pieces."""
    yield before.encode()
    with open(path, "rb") as source:
        yield from iter(lambda: source.read(CHUNK_BYTES), b"")
    yield after.encode()


def _write_pieces(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a file, and return the sha256 of what was written."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _content_digest(path: Path) -> str | None:
    """Return the sha256 of a file, by which an edited one is noticed, or None without one."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
