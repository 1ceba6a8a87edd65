"""`glassbench data generate`: a plan of pieces, run to its end, assembled into one dataset."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..workspace import Workspace
from . import ka_propensity
from .pieces import Piece, PieceFailed, run_pieces, unfinished

PLANS = {"ka_propensity": ka_propensity.PLANS}


@dataclass(frozen=True)
class GenerationPlan:
    """What a generation would run.

    Attributes
    ----------
    pieces : all of them, made already or not
    left : the pieces that are not made yet
    cpu_hours : estimate for what is left, or None without a calibration
    disk_bytes : estimate of what the pieces take until the dataset is assembled
    """

    folder: Path
    pieces: tuple[Piece, ...]
    left: tuple[Piece, ...]
    cpu_hours: float | None
    disk_bytes: int

    @property
    def atom_steps_left(self) -> float:
        return sum(piece.atom_steps for piece in self.left)


@dataclass(frozen=True)
class GenerationEvent:
    """One piece that ended, for progress lines."""

    piece: Piece
    done: int
    total: int
    seconds_left: float | None
    error: str | None = None


def plan_generation(
    task: str, dataset: str, workspace: Workspace, calibrate: bool = False
) -> GenerationPlan:
    """Return the pieces of a dataset and what they would cost on this machine.

    Raises
    ------
    UserError
        If there is no plan of that name.
    """
    states = _states(task, dataset)
    pieces = tuple(piece for state in states for piece in ka_propensity.pieces_of(state))
    folder = workspace.generation / f"{task}-{dataset}"
    left = tuple(unfinished(list(pieces), folder))
    cpu_hours = None
    if calibrate:
        from .calibration import atom_steps_per_second

        cpu_hours = sum(p.atom_steps for p in left) / atom_steps_per_second() / 3600
    disk = sum(ka_propensity.disk_bytes(state) for state in states)
    return GenerationPlan(folder, pieces, left, cpu_hours, disk)


def generate_dataset(
    task: str,
    dataset: str,
    workspace: Workspace,
    *,
    workers: int | None = None,
    out: Path | None = None,
    on_event: Callable[[GenerationEvent], None] = lambda event: None,
) -> Path:
    """Make every piece that is missing, then the dataset; return the dataset's path.

    Killed at any point, the same call goes on with the pieces that are missing.

    Raises
    ------
    UserError
        If pieces failed; those that are whole are kept, and the logs are named.
    """
    plan = plan_generation(task, dataset, workspace)
    left_before = plan.atom_steps_left
    started, done, made, failures = time.monotonic(), len(plan.pieces) - len(plan.left), 0.0, []
    for piece, outcome in run_pieces(
        list(plan.pieces), plan.folder, workers or len(os.sched_getaffinity(0))
    ):
        error = str(outcome) if isinstance(outcome, PieceFailed) else None
        if error:
            failures.append(error)
        else:
            done, made = done + 1, made + piece.atom_steps
        elapsed = time.monotonic() - started
        seconds_left = elapsed * (left_before - made) / made if made else None
        on_event(GenerationEvent(piece, done, len(plan.pieces), seconds_left, error))
    if failures:
        raise UserError(
            f"{len(failures)} of {len(plan.pieces)} pieces failed; the others are kept in "
            f"{plan.folder}. First: {failures[0]}"
        )
    from .assemble import assemble_ka_propensity

    destination = out or workspace.datasets / f"{task}-{dataset}.zarr.zip"
    return assemble_ka_propensity(_states(task, dataset), plan.folder, destination, name=dataset)


def _states(task: str, dataset: str) -> Mapping[str, ka_propensity.State]:
    if task not in PLANS:
        raise UserError(f"task `{task}` has no generator: there are {', '.join(sorted(PLANS))}")
    if dataset not in PLANS[task]:
        known = ", ".join(sorted(PLANS[task]))
        raise UserError(f"task {task} has no dataset plan `{dataset}`: there are {known}")
    return PLANS[task][dataset]
