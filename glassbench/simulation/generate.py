"""`glassbench data generate`: a plan of pieces, run to its end, assembled into one dataset."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import UserError
from ..home.workspace import Workspace
from .generators import check_plan, generator_of, hidden_name, pieces_folder
from .piece_process import LocalRunner
from .pieces import Piece, PieceFailed, Runner, run_pieces, unfinished

CALIBRATION_SECONDS = 10.0
OpenRunner = Callable[[str, Path], AbstractContextManager[Runner]]


@dataclass(frozen=True)
class GenerationPlan:
    """What a generation would run.

    Attributes
    ----------
    pieces : all of them, made already or not
    left : the pieces that are not made yet
    speed : atom-steps per CPU second on this machine, or None without a calibration
    disk_bytes : estimate of what the pieces take until the dataset is assembled
    """

    folder: Path
    pieces: tuple[Piece, ...]
    left: tuple[Piece, ...]
    speed: float | None
    disk_bytes: int

    @property
    def atom_steps_left(self) -> float:
        return sum(piece.atom_steps for piece in self.left)

    @property
    def cpu_hours(self) -> float | None:
        """Estimate for what is left, or None without a calibration."""
        return None if self.speed is None else self.atom_steps_left / self.speed / 3600

    def by_kind(self) -> dict[str, tuple[int, int, float]]:
        """Return how many pieces of each kind there are, how many are left, and their steps."""
        counts = Counter(piece.kind for piece in self.pieces)
        left = Counter(piece.kind for piece in self.left)
        steps: dict[str, float] = dict.fromkeys(counts, 0.0)
        for piece in self.left:
            steps[piece.kind] += piece.atom_steps
        return {kind: (counts[kind], left[kind], steps[kind]) for kind in counts}


@dataclass(frozen=True)
class GenerationEvent:
    """One piece that ended, for progress lines."""

    piece: Piece
    done: int
    total: int
    seconds_left: float | None
    error: str | None = None


def plan_generation(
    task: str,
    dataset: str,
    workspace: Workspace,
    calibrate: bool = False,
    samples: Path | None = None,
) -> GenerationPlan:
    """Return the pieces of a dataset and what they would cost on this machine.

    Parameters
    ----------
    samples : a dataset whose samples are taken where they are those of the plan

    Raises
    ------
    UserError
        If there is no plan of that name, or the samples cannot be taken.
    """
    generator = check_plan(task, dataset)
    if samples is None:
        pieces = tuple(generator.pieces(dataset))
    elif hasattr(generator, "pieces_from"):
        pieces = tuple(generator.pieces_from(dataset, samples))
    else:
        raise UserError(f"samples={samples}: task {task} makes its own, leave the word out")
    folder = pieces_folder(task, dataset, workspace.generation)
    left = tuple(unfinished(pieces, folder))
    speed = generator.atom_steps_per_second(CALIBRATION_SECONDS) if calibrate else None
    return GenerationPlan(folder, pieces, left, speed, generator.disk_bytes(dataset))


@contextmanager
def open_local_runner(task: str, folder: Path, workers: int | None = None) -> Iterator[Runner]:
    """Make pieces on this machine, `workers` at a time or one on each core."""
    runner = LocalRunner(task, folder, workers or len(os.sched_getaffinity(0)))
    try:
        yield runner
    finally:
        runner.stop()


def generate_dataset(
    task: str,
    dataset: str,
    workspace: Workspace,
    *,
    out: Path | None = None,
    samples: Path | None = None,
    open_runner: OpenRunner = open_local_runner,
    on_event: Callable[[GenerationEvent], None] = lambda event: None,
) -> Path:
    """Make every piece that is missing, then the dataset; return the dataset's path.

    Killed at any point, the same call goes on with the pieces that are missing.

    Parameters
    ----------
    samples : as for `plan_generation`
    open_runner : from the task and the folder of the pieces to where they are made; this
        machine unless given

    Raises
    ------
    UserError
        If pieces failed; those that are whole are kept, and the logs are named.
    """
    plan = plan_generation(task, dataset, workspace, samples=samples)
    here = [piece for piece in plan.left if piece.here]
    failures: list[str] = []
    for open_place, pieces in ((open_local_runner, here), (open_runner, plan.pieces)):
        if not failures and unfinished(pieces, plan.folder):
            with open_place(task, plan.folder) as runner:
                failures = _make_all(plan, pieces, runner, on_event)
    if failures:
        raise UserError(
            f"{len(failures)} of {len(plan.pieces)} pieces failed; the others are kept in "
            f"{plan.folder}. First: {failures[0]}"
        )
    destination = out or workspace.datasets / f"{hidden_name(f'{task}-{dataset}')}.zarr.zip"
    return generator_of(task).assemble(dataset, plan.folder, destination)


def _make_all(
    plan: GenerationPlan,
    pieces: Sequence[Piece],
    runner: Runner,
    on_event: Callable[[GenerationEvent], None],
) -> list[str]:
    """Make those of some pieces that are left; return what went wrong with those that failed."""
    left = unfinished(plan.pieces, plan.folder)
    steps_left = sum(piece.atom_steps for piece in left)
    started, done, made, failures = time.monotonic(), len(plan.pieces) - len(left), 0.0, []
    for piece, outcome in run_pieces(pieces, plan.folder, runner):
        error = str(outcome) if isinstance(outcome, PieceFailed) else None
        if error:
            failures.append(error)
        else:
            done, made = done + 1, made + piece.atom_steps
        elapsed = time.monotonic() - started
        seconds_left = elapsed * (steps_left - made) / made if made else None
        on_event(GenerationEvent(piece, done, len(plan.pieces), seconds_left, error))
    return failures
