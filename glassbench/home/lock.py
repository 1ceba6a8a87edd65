"""One writer for each trial's folder, on this machine and on others that share the folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..contract.errors import ClusterError

LOCK_FILE = "lock"


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

    The kernel keeps the lock and drops it when its holder dies, however it dies,
    so that no lock is ever stale. The file says who holds it, for the message alone.

    Parameters
    ----------
    waiting : called once, with words that say who holds the folder
    poll : seconds between attempts
    patience : seconds to wait

    Raises
    ------
    Held
        If another process still holds it after that time.
    ClusterError
        If the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK_FILE, "a+", encoding="utf-8") as file:
        told, until = False, time.monotonic() + patience
        while not _taken(file):
            if time.monotonic() > until:
                raise Held(f"{_holder(file)} runs the same trial")
            if not told:
                waiting(f"waiting for {_holder(file)}, which runs the same trial")
                told = True
            time.sleep(poll)
        holder = json.dumps({"process": os.getpid(), "machine": socket.gethostname()})
        # The name is for the message alone, and a disk that is full has no room for it.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), holder.encode())
        try:
            yield
        finally:
            os.ftruncate(file.fileno(), 0)
            fcntl.flock(file, fcntl.LOCK_UN)


def holder_of(folder: Path) -> str | None:
    """Return who holds the folder now, in words, or None where nobody does.

    The name that a killed holder left behind is not taken for a holder.
    """
    try:
        with open(folder / LOCK_FILE, "r+", encoding="utf-8") as file:
            # An empty file is nobody's, and a look must not stand in a holder's way.
            if not os.fstat(file.fileno()).st_size:
                return None
            if not _taken(file):
                return _holder(file)
            fcntl.flock(file, fcntl.LOCK_UN)
    except FileNotFoundError:
        return None
    return None


def _taken(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ClusterError(
            f"{file.name} cannot be locked ({error.strerror}): put GLASSBENCH_HOME on a file "
            "system with locks"
        ) from error
    return True


def _holder(file) -> str:
    file.seek(0)
    try:
        holder = json.loads(file.read())
    except json.JSONDecodeError:
        return "another process"
    return f"process {holder['process']} on {holder['machine']}"
