"""What each trial takes of a machine, so that trials side by side do not crowd each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from ..contract.errors import ClusterError
from ..contract.trial_plan import Trial
from ..home.machine import available_cores, torch_gpus

MOST_THREADS = 16
CHECKED = ConfigDict(extra="forbid", allow_inf_nan=False)


@checked_dataclass(frozen=True, config=CHECKED)
class Needs:
    """What one trial of a model takes of a machine."""

    cpus: Annotated[int, Field(ge=1, description="Cores.")] = 1
    gpus: Annotated[float, Field(ge=0, description="Below 1 several trials share one GPU.")] = 0.0
    memory_bytes: Annotated[int, Field(ge=0, description="Set aside; 0 where unknown.")] = 0

    @property
    def device(self) -> str:
        return "cuda" if self.gpus > 0 else "cpu"


@dataclass(frozen=True)
class Capacity:
    """What there is in all, and on the largest machine; memory in bytes, 0 where not known."""

    cpus: int
    gpus: float = 0.0
    cpus_per_machine: int = 0
    gpus_per_machine: float = 0.0
    memory: int = 0
    memory_per_machine: int = 0


@dataclass(frozen=True)
class Terms:
    """How trials run; those of a sweep depart from the defaults.

    `needs` says what a trial takes, `reused` whether it may run in a process in which others of
    its model ran before, `keep_results` whether outcomes hold results, which are on disk in any
    case, and `defer` whether a trial that another driver runs is put off, not waited for.
    """

    needs: Callable[[Trial], Needs] = lambda trial: Needs(gpus=1.0)
    reused: Callable[[Trial], bool] = lambda trial: trial.floor
    keep_results: bool = True
    defer: bool = False


def shares_of(
    capacity: Capacity, needs: Sequence[Needs], cpus_per_trial: int | None = None
) -> list[Needs]:
    """Return what each of several trials takes, that together have these needs.

    A trial takes the cores that it needs. Where all that can run at once leave
    cores over, each takes as many times more as there are: one trial on two cores
    takes both, two or more take one each. GPUs are taken where there are any.

    Count every trial of a request, finished ones included: the number of threads
    changes the last digits of a result, and must not depend on how often the
    request was interrupted.
    """
    asked = [
        Needs(
            cpus=need.cpus if cpus_per_trial is None else cpus_per_trial,
            gpus=need.gpus if capacity.gpus else 0.0,
            memory_bytes=need.memory_bytes if capacity.memory else 0,
        )
        for need in needs
    ]
    for share in set(asked):
        _refuse_too_large(capacity, share)
    if cpus_per_trial is not None:
        return asked
    times = max(1, capacity.cpus // max(1, _cores_at_once(capacity, asked)))
    most = min(capacity.cpus_per_machine or capacity.cpus, MOST_THREADS)
    return [replace(s, cpus=max(s.cpus, min(times * s.cpus, most))) for s in asked]


def _refuse_too_large(capacity: Capacity, share: Needs) -> None:
    most_memory = capacity.memory_per_machine or capacity.memory
    for asked, most, unit in (
        (share.gpus, capacity.gpus_per_machine or capacity.gpus, "GPUs"),
        (share.cpus, capacity.cpus_per_machine or capacity.cpus, "cores"),
        (share.memory_bytes / 1e9, most_memory / 1e9, "GB of memory"),
    ):
        if asked > most:
            raise ClusterError(
                f"a trial asks for {asked:.3g} {unit}, the largest machine has {most:.3g} "
                f"{unit}: ask for less, or add a larger machine"
            )


def _cores_at_once(capacity: Capacity, shares: Sequence[Needs]) -> int:
    """Return the cores that all trials take which can run at once, as far as GPUs go."""
    on_gpus = sorted((s for s in shares if s.gpus), key=lambda s: s.gpus)
    left, cores = capacity.gpus, 0
    for share in on_gpus:
        left -= gpu_slots(share.gpus)
        if left < -1e-9:
            break
        cores += share.cpus
    return cores + sum(s.cpus for s in shares if not s.gpus)


def gpu_slots(gpus: float) -> float:
    """Return the GPUs that a trial occupies; it never spans a part of two: 0.4 occupy 1/2."""
    if gpus <= 0:
        return 0.0
    return 1 / math.floor(1 / gpus + 1e-9) if gpus < 1 else float(math.ceil(gpus - 1e-9))


def local_capacity() -> Capacity:
    """Return the cores that this process may use, and the GPUs that torch can."""
    import psutil

    cpus, gpus = available_cores(), float(torch_gpus())
    memory = psutil.virtual_memory().total
    return Capacity(cpus, gpus, cpus, gpus, memory, memory)
