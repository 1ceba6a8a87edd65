"""`glassbench data generate`: the pieces of a plan, made to the last and assembled to a dataset."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import UserError
from ..contract.task import Task
from ..home.workspace import Workspace
from .generator import generator_folder, hidden_name, load_generator, load_plan
from .piece_process import open_local_runner
from .pieces import Piece, PieceFailed, Runner, run_pieces, unfinished

CALIBRATION_SECONDS = 10.0
OpenRunner = Callable[[Path, Path], AbstractContextManager[Runner]]


@dataclass(frozen=True)
class GenerationCost:
    """What a generation would run: its pieces, and of these the ones left to make."""

    folder: Path
    pieces: tuple[Piece, ...]
    left: tuple[Piece, ...]
    speed: float | None  # atom-steps per CPU second on this machine; None if not measured
    disk_bytes: int  # about what the pieces take until the dataset is assembled

    @property
    def atom_steps_left(self) -> float:
        return sum(piece.atom_steps for piece in self.left)

    def cpu_hours(self, atom_steps: float) -> float | None:
        """Return the CPU hours of so many atom-steps; None if the speed was not measured."""
        return None if self.speed is None else atom_steps / self.speed / 3600

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
    task: Task,
    dataset: str,
    workspace: Workspace,
    calibrate: bool = False,
    samples: Path | None = None,
) -> GenerationCost:
    """Return the pieces of a dataset and what they would cost on this machine.

    `samples` is a dataset whose samples are taken where they are those of the plan.
    """
    generator, plan = load_generator(task), load_plan(task, dataset)
    pieces_from = getattr(generator, "pieces_from", None)
    measure_speed = getattr(generator, "atom_steps_per_second", None)
    if samples is None:
        pieces = plan.pieces()
    elif pieces_from is None:
        raise UserError(f"samples={samples}: task {task.name} makes its own, leave the word out")
    else:
        pieces = pieces_from(plan, samples)
    folder = plan.pieces_folder(workspace.generation)
    return GenerationCost(
        folder,
        tuple(pieces),
        tuple(unfinished(pieces, folder)),
        measure_speed(CALIBRATION_SECONDS) if calibrate and measure_speed else None,
        plan.disk_bytes(),
    )


def generate_dataset(
    task: Task,
    dataset: str,
    workspace: Workspace,
    *,
    out: Path | None = None,
    samples: Path | None = None,
    open_runner: OpenRunner = open_local_runner,
    on_event: Callable[[GenerationEvent], None] = lambda event: None,
) -> Path:
    """Make every piece that is missing, then the dataset; return the dataset's path.

    After an interruption at any point, the same call continues with the pieces that are missing.
    `open_runner` gives a runner from the folder of the generator and that of the pieces.
    Where pieces fail, those that are whole are kept.
    """
    cost = plan_generation(task, dataset, workspace, samples=samples)
    make_pieces(cost, generator_folder(task), open_runner, on_event)
    name = hidden_name(f"{task.name}-{dataset}")
    destination = out or workspace.datasets / f"{name}.zarr.zip"
    return load_generator(task).assemble(load_plan(task, dataset), cost.folder, destination)


def make_pieces(
    cost: GenerationCost,
    generator: Path,
    open_runner: OpenRunner,
    on_event: Callable[[GenerationEvent], None],
) -> None:
    """Make what is left of the pieces, by the generator in a folder; those that fail are named."""
    here = [piece for piece in cost.left if piece.here]
    failures: list[str] = []
    for opened, pieces in ((open_local_runner, here), (open_runner, cost.pieces)):
        if not failures and unfinished(pieces, cost.folder):
            with opened(generator, cost.folder) as runner:
                failures = _make_all(cost, pieces, runner, on_event)
    if failures:
        raise UserError(
            f"{len(failures)} of {len(cost.pieces)} pieces failed; the others are kept in "
            f"{cost.folder}. First: {failures[0]}"
        )


def _make_all(
    cost: GenerationCost,
    pieces: Sequence[Piece],
    runner: Runner,
    on_event: Callable[[GenerationEvent], None],
) -> list[str]:
    """Make those of some pieces that are left; return the errors of those that failed."""
    left = unfinished(cost.pieces, cost.folder)
    steps_left = sum(piece.atom_steps for piece in left)
    started, done, made = time.monotonic(), len(cost.pieces) - len(left), 0.0
    failures: list[str] = []
    for piece, outcome in run_pieces(pieces, cost.folder, runner):
        error = str(outcome) if isinstance(outcome, PieceFailed) else None
        if error:
            failures.append(error)
        else:
            done, made = done + 1, made + piece.atom_steps
        elapsed = time.monotonic() - started
        seconds_left = elapsed * (steps_left - made) / made if made else None
        on_event(GenerationEvent(piece, done, len(cost.pieces), seconds_left, error))
    return failures
