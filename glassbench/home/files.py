"""The one way to write a file: whole, by one process at a time, on a disk or under a URI.

A file appears under its name only when it is complete and on disk. `exclusive` holds a folder
for one writer, on this machine and on others that share it. `Storage` holds files that outlive
a machine: `file://` is a folder; pyarrow opens `s3://`, `gs://`, `abfs://` and `hdfs://`, fsspec
every other scheme (`memory://`, `sftp://`, …). Credentials are those of the environment.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..contract.errors import ClusterError, UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

MAX_BYTES = 64 * 2**20
LOCK_FILE = "lock"
HOLDER_FILE = "holder.txt"


def read_plain_file(path: Path, most: int = MAX_BYTES, links: bool = False) -> bytes:
    """Return what a file holds that a stranger may have put there.

    A pipe, a device without an end and what is too long are refused, and a link unless `links`.
    """
    about = path.stat() if links else path.lstat()
    if not stat.S_ISREG(about.st_mode):
        raise UserError(f"{path.name} is a link or no plain file: put the file itself there")
    if about.st_size > most:
        raise UserError(f"{path.name} has {about.st_size} bytes, {most} is the limit")
    return path.read_bytes()


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; what was written there becomes `path` when the block ends.

    Whatever stops the block leaves an earlier file of that name as it was, and nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield the path of a folder to fill; it becomes `path`, not there yet, when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _partial(path: Path) -> Path:
    """Return a name beside `path` that no other thread of any machine uses at the same time."""
    writer = f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
    return path.with_name(f"{path.name}.{writer}.partial")


def write_file(path: Path, content: str | bytes) -> None:
    """Write a text, as UTF-8, or bytes."""
    with whole_file(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, plain: Any) -> None:
    """Write plain values as JSON; NaN and infinity are refused, since JSON has none."""
    text = json.dumps(plain, indent=1, allow_nan=False, ensure_ascii=False)
    write_file(path, text + "\n")


def read_json_lines(path: Path) -> list[Any]:
    """Return the values of a file of JSON lines; lines torn by a crash or a full disk are skipped.

    A file that is not there has none.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    values = []
    for line in lines:
        with contextlib.suppress(ValueError):
            values.append(json.loads(line))
    return values


def append_json_line(path: Path, plain: Any) -> None:
    """Add one line; a line before it that was torn does not take it along."""
    with open(path, "a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(plain).encode() + b"\n")


class Held(ClusterError):
    """Another process holds the folder; the message names it."""


@contextlib.contextmanager
def exclusive(
    folder: Path,
    waiting: Callable[[str], None],
    poll: float = 0.5,
    patience: float = math.inf,
) -> Iterator[None]:
    """Hold the folder for the length of a `with` block; wait while another process holds it.

    The kernel keeps the lock and drops it when its holder dies, however it dies, so that no
    lock is ever stale. A small file beside it says who holds the folder, for the message alone.

    Parameters
    ----------
    waiting : called once, with a message that says who holds the folder
    poll : seconds between attempts
    patience : seconds to wait before `Held` is raised
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder)
    if lock is None:
        if patience > 0:
            waiting(f"waiting for {_holder(folder)}, which runs the same trial")
        lock = _lock(folder, patience, poll)
        if lock is None:
            raise Held(f"{_holder(folder)} runs the same trial")
    try:
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        # The name is for the message alone, and a disk that is full has no room for it.
        with contextlib.suppress(OSError):
            (folder / HOLDER_FILE).write_text(holder, encoding="utf-8")
        yield
    finally:
        (folder / HOLDER_FILE).unlink(missing_ok=True)
        lock.release()


def holder_of(folder: Path) -> str | None:
    """Return who holds the folder now, such as `process 12 on node3`, or None where nobody does."""
    # Without a name nobody holds it, and a look must not stand in a holder's way.
    if not (folder / HOLDER_FILE).exists():
        return None
    lock = _lock(folder)
    if lock is None:
        return _holder(folder)
    lock.release()
    return None


def _lock(folder: Path, patience: float = 0.0, poll: float = 0.5) -> BaseFileLock | None:
    """Return the lock of a folder, held now, or None where another process has it."""
    from filelock import FileLock, Timeout

    # A file system without locks is refused: a file that stands for a lock outlives its holder.
    lock = FileLock(folder / LOCK_FILE, fallback_to_soft=False)
    try:
        lock.acquire(timeout=patience if math.isfinite(patience) else -1, poll_interval=poll)
    except Timeout:
        return None
    except OSError as error:
        raise ClusterError(
            f"{lock.lock_file} cannot be locked ({error.strerror}): put GLASSBENCH_HOME on a file "
            "system with locks"
        ) from error
    return lock


def _holder(folder: Path) -> str:
    try:
        return (folder / HOLDER_FILE).read_text(encoding="utf-8") or "another process"
    except FileNotFoundError:
        return "another process"


class Storage:
    """Whole files under plain names in one folder, given by its path or URI."""

    def __init__(self, location: Path | str) -> None:
        location = str(location)
        self.folder: Path | None = None if "://" in location else Path(location)
        if location.startswith("file://"):
            self.folder = Path(unquote(urlsplit(location).path))
        if self.folder is None:
            self.system, self.root = _open(location)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        if self.folder is not None:
            path = self.folder / name
            return path.read_bytes() if path.exists() else None
        with contextlib.suppress(FileNotFoundError):
            with self.system.open_input_stream(f"{self.root}/{name}") as stream:
                return stream.read()
        return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that it appears whole; what stops it leaves the one before untouched."""
        if self.folder is not None:
            write_file(self.folder / name, content)
            return
        partial = f"{name}.{os.getpid()}.partial"
        self.system.create_dir(self.root, recursive=True)
        try:
            with self.system.open_output_stream(f"{self.root}/{partial}") as stream:
                stream.write(content)
            self.system.move(f"{self.root}/{partial}", f"{self.root}/{name}")
        except BaseException:
            with contextlib.suppress(OSError):
                self.system.delete_file(f"{self.root}/{partial}")
            raise

    def remove(self) -> None:
        """Remove the folder and all that is in it; nothing happens where there is none."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        with contextlib.suppress(FileNotFoundError):
            self.system.delete_dir(self.root)


def _open(location: str) -> tuple[Any, str]:
    """Return the file system of a URI, as pyarrow sees it, and the path on it."""
    from pyarrow import ArrowInvalid, ArrowNotImplementedError
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    with contextlib.suppress(ArrowInvalid, ArrowNotImplementedError):
        return FileSystem.from_uri(location)
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(location)
    except (ImportError, ValueError, OSError) as error:
        raise UserError(
            f"checkpoints cannot go to {location} ({error}): name a folder, file://, s3:// or "
            "gs://, or install the package of fsspec that opens it"
        ) from error
    return PyFileSystem(FSSpecHandler(system)), root.rstrip("/")
