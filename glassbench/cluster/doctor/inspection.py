"""What one machine of a cluster is like, measured on it: versions, limits, home folder, GPUs.

Every function returns plain values, and runs as well without Ray.
"""

from __future__ import annotations

import fcntl
import os
import platform
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ...home.cores import available_cores

MEGABYTE = 1_000_000
TOKEN_FILE, HELD_FILE = "token", "held"
MATRIX = 2048


def describe(packages: Sequence[str]) -> dict[str, Any]:
    """Return name, versions, cores, memory and limits of this machine.

    `machine` is the same for all processes of one running machine, which has
    `machine_cores`, of which this process may use `cores`; `open_files`
    and `processes` are what this process may have, None without a limit;
    `memory_bytes` and `shared_memory_bytes` (free in /dev/shm) are in bytes;
    `nvidia_gpus` counts what the driver shows, whoever may use them.
    """
    import psutil

    boot = Path("/proc/sys/kernel/random/boot_id")
    shared = Path("/dev/shm")
    return {
        "name": socket.gethostname(),
        "machine": boot.read_text().strip() if boot.exists() else platform.node(),
        "python": platform.python_version(),
        "versions": {package: installed_version(package) for package in packages},
        "cores": available_cores(),
        "machine_cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "shared_memory_bytes": shutil.disk_usage(shared).free if shared.exists() else None,
        "open_files": _limit(resource.RLIMIT_NOFILE),
        "processes": _limit(resource.RLIMIT_NPROC),
        "threads_variable": os.environ.get("OMP_NUM_THREADS"),
        "nvidia_gpus": len(list(Path("/proc/driver/nvidia/gpus").glob("*"))),
    }


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _limit(which: int) -> int | None:
    soft, _ = resource.getrlimit(which)
    return None if soft == resource.RLIM_INFINITY else soft


def inspect_home(folder: Path, token: str, name: str, megabytes: int) -> dict[str, Any]:
    """Return how a folder made by the driver inside its home behaves on this machine.

    `shared` says whether this machine reads the token that the driver wrote there.
    If so: `renamed` (a file replaced another in one step), `locked` (a lock that
    the driver holds holds here too), `free_bytes`, `write_speed` and `read_speed`
    in MB/s. `trouble` says what raised, and is empty otherwise.
    """
    found: dict[str, Any] = {"shared": False, "trouble": ""}
    try:
        found["shared"] = _read(folder / TOKEN_FILE) == token
        if found["shared"]:
            found["free_bytes"] = shutil.disk_usage(folder).free
            found["renamed"] = _replaces(folder / f"written-{name}", token)
            found["locked"] = _is_held(folder / HELD_FILE)
            speeds = disk_speeds(folder / f"block-{name}", megabytes)
            found["write_speed"], found["read_speed"] = speeds
    except OSError as error:
        found["trouble"] = f"{type(error).__name__}: {error}"
    return found


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _replaces(path: Path, text: str) -> bool:
    """Return whether a file takes the place of another, as results and records are written."""
    path.write_text("before", encoding="utf-8")
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
    return path.read_text(encoding="utf-8") == text and not partial.exists()


def _is_held(path: Path) -> bool:
    """Return whether another process's lock keeps this one out."""
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def disk_speeds(path: Path, megabytes: int) -> tuple[float, float]:
    """Return the speeds in MB/s of writing a file to the disk itself, and of reading it back.

    The system is asked to forget the file before it is read; one that does not
    shows the speed of its memory.
    """
    block = os.urandom(MEGABYTE)
    try:
        with open(path, "wb") as file:
            start = time.perf_counter()
            for _ in range(megabytes):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            written = time.perf_counter() - start
        with open(path, "rb") as file:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            start = time.perf_counter()
            while file.read(MEGABYTE):
                pass
            read = time.perf_counter() - start
    finally:
        path.unlink(missing_ok=True)
    return megabytes / written, megabytes / read


def inspect_gpus() -> list[dict[str, Any]]:
    """Return what torch sees: each GPU's name, memory in bytes, and speed in TFLOP/s.

    The speed is that of a product of two float32 matrices of ones, whose elements
    are known; `trouble` says where it was wrong or raised. Every entry has the
    version of the `driver`.
    """
    import torch

    driver = _driver_version()
    found = []
    for number in range(torch.cuda.device_count()):
        entry = {"name": torch.cuda.get_device_name(number), "driver": driver, "trouble": ""}
        try:
            entry["memory_bytes"] = torch.cuda.get_device_properties(number).total_memory
            entry["speed"] = _product_speed(torch, f"cuda:{number}")
        except (RuntimeError, ArithmeticError) as error:
            entry["trouble"] = f"{type(error).__name__}: {error}"[:300]
        found.append(entry)
    return found


def _product_speed(torch, device: str) -> float:
    """Return the speed in TFLOP/s of a product of matrices on a device."""
    ones = torch.ones(MATRIX, MATRIX, device=device)
    product = ones @ ones
    if not bool((product == MATRIX).all()):
        raise ArithmeticError(f"a product of matrices of ones is not {MATRIX} everywhere")
    start = time.perf_counter()
    for _ in range(10):
        product = ones @ ones
    # Reading one element waits for all that was asked for before.
    product[0, 0].item()
    return 10 * 2 * MATRIX**3 / (time.perf_counter() - start) / 1e12


def _driver_version() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.split()
    return lines[0] if done.returncode == 0 and lines else None
