"""One writer for each trial's folder, on this machine and on others that share the folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .events import ClusterError

LOCK_FILE = "lock"


@contextlib.contextmanager
def exclusive(folder: Path, waiting: Callable[[str], None], poll: float = 0.5) -> Iterator[None]:
    """Hold the folder for the length of a `with` block; wait while another process holds it.

    The kernel keeps the lock and drops it when its holder dies, however it dies,
    so that no lock is ever stale. The file says who holds it, for the message alone.

    Parameters
    ----------
    waiting : called once, with words that say who holds the folder
    poll : seconds between attempts

    Raises
    ------
    ClusterError
        If the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK_FILE, "a+", encoding="utf-8") as file:
        told = False
        while not _taken(file):
            if not told:
                waiting(f"waiting for {_holder(file)}, which runs the same trial")
                told = True
            time.sleep(poll)
        try:
            file.truncate(0)
            json.dump({"process": os.getpid(), "machine": socket.gethostname()}, file)
            file.flush()
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file, fcntl.LOCK_UN)


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
