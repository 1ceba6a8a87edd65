"""What this machine has: cores, GPUs, memory, versions, limits, disk."""

from __future__ import annotations

import functools
import hashlib
import math
import os
import platform
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def available_cores() -> int:
    """Return the number of cores by affinity and by the quota of the control group."""
    # macOS has no affinity.
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.exists():
        most, period = quota.read_text().split()
        if most != "max":
            cores = min(cores, math.ceil(int(most) / int(period)))
    return max(1, cores)


def torch_gpus() -> int:
    """Return the number of GPUs that torch sees, without importing a torch built for CPUs alone."""
    torch_spec = find_spec("torch")
    if torch_spec is None or torch_spec.origin is None:
        return 0
    built_for = (Path(torch_spec.origin).parent / "version.py").read_text(encoding="utf-8")
    if re.search(r"^cuda\b[^=\n]*=\s*None", built_for, re.MULTILINE):
        return 0
    import torch

    return torch.cuda.device_count()


def environment() -> dict[str, Any]:
    """Return which software and hardware this process uses, as plain values.

    `glassbench` (version), `git` (`commit` and `dirty`, or None outside a
    checkout), `python`, `platform`, `packages` (`sha256` over `list`, which maps
    names to versions) and `hardware` (`cpu`, `cores`, `memory_bytes`, `gpus`).
    No user, machine or folder is named.
    """
    return {
        "glassbench": _version("glassbench"),
        "git": _git_state(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": _packages(),
        "hardware": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "gpus": _gpu_names(),
        },
    }


def facts_of(packages: Sequence[str]) -> dict[str, Any]:
    """Return versions, cores, memory (bytes) and limits of this machine; None is no limit."""
    import psutil

    return {
        "name": socket.gethostname(),
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in packages},
        "cores": available_cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "open_files": _limit(resource.RLIMIT_NOFILE),
        "processes": _limit(resource.RLIMIT_NPROC),
        "nvidia_gpus": len(list(Path("/proc/driver/nvidia/gpus").glob("*"))),
    }


def disk_speeds(path: Path, megabytes: int) -> tuple[float, float]:
    """Return MB/s of writing a block to the disk and of reading it back past the page cache."""
    block = os.urandom(1_000_000)
    try:
        start = time.perf_counter()
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            written = time.perf_counter()
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        began = time.perf_counter()
        path.read_bytes()
        return megabytes / (written - start), megabytes / (time.perf_counter() - began)
    finally:
        path.unlink(missing_ok=True)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _limit(which: int) -> int | None:
    soft, _ = resource.getrlimit(which)
    return None if soft == resource.RLIM_INFINITY else soft


@functools.cache
def _git_state(checkout: Path) -> dict[str, Any] | None:
    """Return commit and dirty flag of a checkout, asked once a process; None outside of one."""
    if not (checkout / ".git").exists():
        return None
    commit = _git(checkout, "rev-parse", "HEAD")
    changes = _git(checkout, "status", "--porcelain", "--untracked-files=normal")
    if commit is None or changes is None:
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _git(checkout: Path, *words: str) -> str | None:
    command = ["git", "-C", str(checkout), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@functools.cache
def _packages() -> dict[str, Any]:
    versions: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            versions.setdefault(re.sub(r"[-_.]+", "-", name).lower(), distribution.version)
    ordered = dict(sorted(versions.items()))
    lines = "".join(f"{name}=={version}\n" for name, version in ordered.items())
    return {"sha256": hashlib.sha256(lines.encode()).hexdigest(), "list": ordered}


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        text = information.read_text(encoding="utf-8", errors="replace")
        if match := re.search(r"^model name[^:]*:(.*)$", text, re.MULTILINE):
            return match[1].strip()
    return platform.processor() or platform.machine()


def _gpu_names() -> list[str]:
    """Return the names of the GPUs that this process uses, as far as torch is loaded."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
