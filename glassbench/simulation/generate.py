"""`glassbench data generate`: a plan of pieces, run to its end, assembled into one dataset."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import UserError
from ..workspace import Workspace
from .generators import check_plan, generator_of, pieces_folder
from .pieces import Piece, PieceFailed, run_piece, run_pieces, unfinished


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
    generator = check_plan(task, dataset)
    pieces = tuple(generator.pieces(dataset))
    folder = pieces_folder(task, dataset, workspace.generation)
    left = tuple(unfinished(list(pieces), folder))
    cpu_hours = None
    if calibrate:
        cpu_hours = sum(p.atom_steps for p in left) / generator.atom_steps_per_second(10.0) / 3600
    return GenerationPlan(folder, pieces, left, cpu_hours, generator.disk_bytes(dataset))


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
        list(plan.pieces),
        plan.folder,
        workers or len(os.sched_getaffinity(0)),
        partial(run_piece, task=task),
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
    destination = out or workspace.datasets / f"{task}-{dataset}.zarr.zip"
    return generator_of(task).assemble(dataset, plan.folder, destination)
