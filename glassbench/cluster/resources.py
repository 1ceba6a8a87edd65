"""How many cores and GPUs each trial takes, so that trials side by side do not crowd each other."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .events import ClusterError

MOST_THREADS = 16
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TORCHINDUCTOR_COMPILE_THREADS",
)


@dataclass(frozen=True)
class Capacity:
    """What there is: cores and GPUs in all, and on the largest machine."""

    cpus: int
    gpus: float = 0.0
    cpus_per_machine: int = 0
    gpus_per_machine: float = 0.0


@dataclass(frozen=True)
class Share:
    """What one trial takes, and how many trials fit side by side.

    Attributes
    ----------
    cpus : cores, which is also the number of threads
    gpus : GPUs; below 1 several trials share one
    concurrent : trials that run at once
    """

    cpus: int
    gpus: float
    concurrent: int

    @property
    def threads(self) -> int:
        return self.cpus

    @property
    def device(self) -> str:
        return "cuda" if self.gpus > 0 else "cpu"


def share_of(
    capacity: Capacity,
    trials: int,
    cpus_per_trial: int | None = None,
    gpus_per_trial: float | None = None,
) -> Share:
    """Return what each of several trials takes.

    Unless told otherwise, a trial takes one GPU where there are any, and the
    cores are split evenly among the trials that run at once: one trial on two
    cores takes both, two or more take one each.

    `gpus_per_trial` says how many it takes where there are any; without GPUs
    every trial runs on cores.

    `trials` should count all trials of a request, finished ones included: the
    number of threads changes the last digits of a result, and must not depend
    on how often the request was interrupted.

    Raises
    ------
    ClusterError
        If a trial asks for more than any machine has.
    """
    gpus = 1.0 if gpus_per_trial is None else float(gpus_per_trial)
    if not capacity.gpus:
        gpus = 0.0
    most_gpus = capacity.gpus_per_machine or capacity.gpus
    if gpus > most_gpus:
        raise ClusterError(
            f"a trial asks for {gpus:g} GPUs, the largest machine has {most_gpus:g}: ask for fewer"
        )
    most_cpus = capacity.cpus_per_machine or capacity.cpus
    at_once = max(1, trials)
    if gpus > 0:
        at_once = min(at_once, _fitting(capacity.gpus, gpus))
    if cpus_per_trial is None:
        at_once = min(at_once, capacity.cpus)
        cpus = min(capacity.cpus // at_once, most_cpus, MOST_THREADS)
    else:
        cpus = cpus_per_trial
        if not 1 <= cpus <= most_cpus:
            raise ClusterError(
                f"a trial asks for {cpus} cores, the largest machine has {most_cpus}: "
                f"ask for 1 to {most_cpus}"
            )
        at_once = min(at_once, capacity.cpus // cpus)
    return Share(cpus=cpus, gpus=gpus, concurrent=at_once)


def _fitting(gpus: float, each: float) -> int:
    """Return how many trials fit; a trial never spans a part of two GPUs."""
    if each < 1:
        return max(1, int(gpus) * math.floor(1 / each + 1e-9))
    return max(1, int(gpus // each))


def local_capacity() -> Capacity:
    """Return the cores that this process may use, and the GPUs that torch can."""
    cpus, gpus = available_cores(), float(_torch_gpus())
    return Capacity(cpus, gpus, cpus, gpus)


def available_cores() -> int:
    """Return the number of cores by affinity and by the quota of the control group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.exists():
        most, period = quota.read_text().split()
        if most != "max":
            cores = min(cores, math.ceil(int(most) / int(period)))
    return max(1, cores)


def _torch_gpus() -> int:
    """Return the number of GPUs that torch sees, without importing a torch built for CPUs alone."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return 0
    built_for = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    if re.search(r"^cuda\b[^=\n]*=\s*None", built_for, re.MULTILINE):
        return 0
    import torch

    return torch.cuda.device_count()


@contextlib.contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Hold numerical libraries to a number of threads, loaded already or still to be loaded."""
    from threadpoolctl import threadpool_limits

    kept = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
