"""Trying the walls from inside: each attempt says whether the wall held."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .kernel import numbers

MORE_THAN_ALLOWED = 8
ADDRESSES = ("10.255.255.1", "192.0.2.1")


def try_walls(request: Mapping[str, Any], scratch: str) -> dict[str, bool]:
    """Return, by name of the wall, whether it held; `walls.try_engine` writes the request."""
    limits, port, canaries = request["limits"], request["port"], request["canaries"]
    outside = request["outside"]
    links = [(address, port) for address in ("127.0.0.1", *ADDRESSES)]
    here, library = Path(__file__).resolve().parent, Path(os.__file__).resolve().parent
    tempting = ["/", "/usr", "/dev", "/etc", "/home", "/root", "/var/tmp", "/run", "/input"]
    tempting += map(str, [here, library, library / "site-packages"])
    tempting += [str(Path(path).parent) for path in canaries]
    datagram = socket.socket(type=socket.SOCK_DGRAM)
    too_much, large = limits["memory_bytes"] + 2**20, os.path.join(scratch, "large")
    return {
        "network": not any(_works(socket.create_connection, link, 0.2) for link in links)
        and not _works(datagram.sendto, b"x", (ADDRESSES[0], 9)),
        "reading": not any(_works(_read, path) for path in canaries),
        "writing": not any(_works(tempfile.NamedTemporaryFile, dir=folder) for folder in tempting),
        "environment": not _knows_variables(request["variables"]),
        "processes": start_of(outside["pid"]) != outside["started"],
        "privileges": not _has_privileges(),
        "system_calls": _refuses_calls(),
        "user_namespace": os.readlink("/proc/self/ns/user") != outside["user_namespace"],
        "process_count": _stops_forking(limits["processes"]),
        # Of the address space and of the file that are asked for, nothing is touched.
        "memory": not _works(mmap.mmap, -1, too_much),
        "file_size": not _works(_grow, large, limits["file_bytes"] + 1),
        "cpu_time": 0 < resource.getrlimit(resource.RLIMIT_CPU)[1] <= limits["cpu"],
    }


def _works(attempt: Callable[..., object], *arguments: Any, **options: Any) -> bool:
    """Return whether an attempt comes to something."""
    try:
        return bool(attempt(*arguments, **options))
    except (OSError, MemoryError, OverflowError):
        return False


def _read(path: str) -> object:
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, "rb") as file:
        return file.read(1)


def _grow(path: str, size: int) -> int:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(path, "wb") as file:
        return file.truncate(size)


def _knows_variables(names: Iterable[str]) -> bool:
    known = set(os.environ)
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            entries = Path("/proc", process, "environ").read_text(errors="replace").split("\0")
            known |= {entry.partition("=")[0] for entry in entries}
    return not known.isdisjoint(names)


def start_of(pid: int) -> str:
    """Return when a process started, by which it is recognised; nothing where it is not seen."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _has_privileges() -> bool:
    fields = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if line
    )
    capable = any(int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapAmb"))
    return os.geteuid() == 0 or capable or fields["NoNewPrivs"].strip() != "1"


def _refuses_calls() -> bool:
    """Try every call with arguments that make no sense, and sockets of a family too many."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in numbers().values():
        if libc.syscall(number, *[ctypes.c_long(-1)] * 6) != -1:
            return False
        if ctypes.get_errno() != errno.ENOSYS:
            return False
    return bool(numbers()) and not _works(socket.socket, socket.AF_NETLINK)


def _stops_forking(limit: int) -> bool:
    """Fork a few more children than are allowed, each of which waits to be ended."""
    children = []
    try:
        for _ in range(limit + MORE_THAN_ALLOWED):
            child = os.fork()
            if child == 0:
                os.read(os.pipe()[0], 1)  # nothing ever arrives
                os._exit(0)
            children.append(child)
    except OSError:
        return True
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
    return False
