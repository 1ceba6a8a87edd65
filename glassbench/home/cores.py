"""The cores and GPUs that this process may use."""

from __future__ import annotations

import math
import os
import re
from importlib.util import find_spec
from pathlib import Path


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
