"""Trying the walls from inside: each attempt says whether the wall held."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MORE_THAN_ALLOWED = 8
ADDRESSES = ("10.255.255.1", "192.0.2.1")


def try_walls(request: Mapping[str, Any], scratch: str) -> dict[str, bool]:
    """Return, by name of the wall, whether it held.

    Parameters
    ----------
    request : `canaries`, paths that must not be read; `port`, on which the outside
        listens; `outside`, its process; `variables`, which must not be known; `limits`
    """
    limits = request["limits"]
    return {
        "network": not (_reaches_network(request["port"]) or _sends_datagram()),
        "reading": not any(_can_read(path) for path in request["canaries"]),
        "writing": not any(_can_write(path) for path in _tempting_places(request)),
        "environment": not _knows_variables(request["variables"]),
        "processes": not _sees_process(request["outside"]),
        "privileges": not _has_privileges(),
        "process_count": _stops_forking(limits["processes"]),
        "memory": _stops_allocating(limits["memory_bytes"]),
        "file_size": _stops_growing(os.path.join(scratch, "large"), limits["file_bytes"]),
        "cpu_time": 0 < resource.getrlimit(resource.RLIMIT_CPU)[1] <= limits["cpu"],
    }


def _reaches_network(port: int) -> bool:
    for address in ("127.0.0.1", *ADDRESSES):
        with contextlib.suppress(OSError), socket.socket() as link:
            link.settimeout(0.2)
            link.connect((address, port))
            return True
    return False


def _sends_datagram() -> bool:
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as link:
        link.sendto(b"x", (ADDRESSES[0], 9))
        return True
    return False


def _can_read(path: str) -> bool:
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            return bool(os.listdir(path))
        with open(path, "rb") as file:
            return bool(file.read(1))
    return False


def _can_write(folder: str) -> bool:
    path = os.path.join(folder, f"glassbench-probe-{os.getpid()}")
    with contextlib.suppress(OSError):
        with open(path, "w") as file:
            file.write("x")
        os.remove(path)
        return True
    return False


def _tempting_places(request: Mapping[str, Any]) -> Iterable[str]:
    here = Path(__file__).resolve().parent
    library = Path(os.__file__).resolve().parent
    yield from ("/", "/usr", "/dev", "/etc", "/home", "/root", "/var/tmp", "/run", "/input")
    yield from (str(here), str(library), str(library / "site-packages"))
    yield from (str(Path(path).parent) for path in request["canaries"])


def _knows_variables(names: Iterable[str]) -> bool:
    texts = [" ".join(os.environ)]
    for process in os.listdir("/proc"):
        if process.isdigit():
            with contextlib.suppress(OSError):
                texts.append(Path("/proc", process, "environ").read_text(errors="replace"))
    return any(name in text for name in names for text in texts)


def _sees_process(outside: Mapping[str, Any]) -> bool:
    """Return whether a process of the outside is seen, recognised by its start time."""
    with contextlib.suppress(OSError, IndexError):
        stat = Path("/proc", str(outside["pid"]), "stat").read_text()
        return stat.rpartition(")")[2].split()[19] == outside["started"]
    return False


def _has_privileges() -> bool:
    fields = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if line
    )
    capable = any(int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapAmb"))
    return os.geteuid() == 0 or capable or fields["NoNewPrivs"].strip() != "1"


def _stops_forking(limit: int) -> bool:
    """Fork a few more children than are allowed, each of which waits to be ended."""
    children = []
    try:
        for _ in range(limit + MORE_THAN_ALLOWED):
            child = os.fork()
            if child == 0:
                os.read(_never(), 1)
                os._exit(0)
            children.append(child)
    except OSError:
        return True
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
    return False


def _never() -> int:
    """Return a descriptor on which nothing ever arrives."""
    return os.pipe()[0]


def _stops_allocating(limit: int) -> bool:
    """Ask for more address space than is allowed; none of it is touched."""
    import mmap

    try:
        mmap.mmap(-1, limit + 2**20).close()
    except (OSError, MemoryError, OverflowError):
        return True
    return False


def _stops_growing(path: str, limit: int) -> bool:
    """Make a file one byte longer than is allowed; it holds nothing."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with open(path, "wb") as file:
            file.truncate(limit + 1)
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            os.remove(path)
    return False
