"""What this machine has: cores, GPUs, memory, versions."""

from __future__ import annotations

import functools
import hashlib
import math
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def available_cores() -> int:
    """Return the number of cores by affinity and by the quota of the control group."""
    # macOS has no affinity.
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
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
        "glassbench": version_of("glassbench"),
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


def version_of(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def _git_state(checkout: Path) -> dict[str, Any] | None:
    """Return commit and dirty flag of a checkout, asked once a process; None outside of one."""
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "status", "--porcelain=v2", "--branch"]
    options = ["--untracked-files=normal"]
    try:
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # First comes `# branch.oid COMMIT`, last come changed files.
    lines = done.stdout.splitlines()
    return {"commit": lines[0].split()[-1], "dirty": not lines[-1].startswith("#")}


@functools.cache
def _packages() -> dict[str, Any]:
    versions: dict[str, str] = {}
    for distribution in metadata.distributions():
        # `distribution.metadata` would parse long descriptions as well.
        about = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        name, version = (re.search(rf"^{k}: *(.*)$", about, re.M) for k in ("Name", "Version"))
        if name and version:
            versions.setdefault(re.sub(r"[-_.]+", "-", name[1].strip()).lower(), version[1].strip())
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
