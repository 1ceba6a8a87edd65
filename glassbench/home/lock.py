"""One writer for each folder, on this machine and on others that share the folder."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from ..contract.errors import ClusterError

LOCK_FILE = "lock"
HOLDER_FILE = "holder.json"


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
    lock = _lock_of(folder)
    if not _acquired(lock, 0.0):
        if patience > 0:
            waiting(f"waiting for {_holder(folder)}, which runs the same trial")
        if not _acquired(lock, patience, poll):
            raise Held(f"{_holder(folder)} runs the same trial")
    try:
        holder = json.dumps({"process": os.getpid(), "machine": socket.gethostname()})
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
    lock = _lock_of(folder)
    if not _acquired(lock, 0.0):
        return _holder(folder)
    lock.release()
    return None


def _lock_of(folder: Path) -> BaseFileLock:
    # A file system without locks is refused: a file that stands for a lock outlives its holder.
    return FileLock(folder / LOCK_FILE, fallback_to_soft=False)


def _acquired(lock: BaseFileLock, patience: float, poll: float = 0.5) -> bool:
    try:
        lock.acquire(timeout=patience if math.isfinite(patience) else -1, poll_interval=poll)
    except Timeout:
        return False
    except OSError as error:
        raise ClusterError(
            f"{lock.lock_file} cannot be locked ({error.strerror}): put GLASSBENCH_HOME on a file "
            "system with locks"
        ) from error
    return True


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return "another process"
    return f"process {holder['process']} on {holder['machine']}"
