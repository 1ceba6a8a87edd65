"""What this machine has: cores and GPUs, memory, versions, limits, the speed of its disk."""

from __future__ import annotations

import math
import os
import platform
import re
import resource
import socket
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
