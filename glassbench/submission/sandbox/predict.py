"""Predictions of a submission, made behind walls: what a cell is given, and what it answers."""

from __future__ import annotations

import pickle
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...contract.errors import printable
from ...contract.folder_digest import counts_for_trials, plugin_files
from ...contract.task import Task
from ...home.workspace import Workspace, find_given_files
from ...model import Condition, Example, Structure
from ...trial.predictions import Asked, PredictionsError, checked_answer
from ...trial.stages import Question
from .bounded import read_arrays, unpack_archive
from .contents import refuse_contents
from .engines import INPUT, Engine
from .launch import Outcome, run_cell
from .limits import Limits, SandboxError

STRUCTURES_FILE = "structures.pickle"


@dataclass(frozen=True)
class Assignment:
    """What a submission is to do in one cell.

    Attributes
    ----------
    conditions : where it is trained
    weights : folder of fitted weights, or None where the model is to be trained
    secret : files and folders with labels, of which the cell must see nothing
    given : the workspace with the files that hyperparameters name
    """

    model: Path
    task: Task
    hyperparameters: Mapping[str, Any]
    seed: int
    questions: Sequence[Question]
    conditions: Sequence[Condition] = ()
    weights: Path | None = None
    train: Sequence[Example] = ()
    valid: Sequence[Example] = ()
    secret: Sequence[Path] = ()
    given: Workspace | None = None
    audit: bool = False


@dataclass(frozen=True)
class Answered:
    """What came back: costs seen from outside, trained parameters as the model says."""

    # For each question, predictions by name of the structure, then of the target.
    asked: list[dict[str, dict[str, np.ndarray]]]
    parameters: int | None
    cost: dict[str, float]
    log: str
    # Lines that reached outside, where the assignment asked to audit.
    outside: list[Any]


def predict_behind_walls(engine: Engine, assignment: Assignment, limits: Limits) -> Answered:
    """Run a submission in a cell and return its predictions, checked to be what was asked for.

    The structures carry numbers for names and come in an order drawn anew, so
    that neither name nor position tells which configuration is asked about.
    """
    questions = [_shuffled(question) for question in assignment.questions]
    outcome = _run(engine, assignment, questions, limits)
    arrays = read_arrays(outcome.payload, "the answer", limits.answer_bytes)
    return _answered(outcome, _answers(assignment.task, questions, arrays))


def draw_order(assignment: Assignment) -> list[int]:
    """Return an order of all that an assignment asks about, which nobody can foresee."""
    order = list(range(sum(len(question.structures) for question in assignment.questions)))
    random.SystemRandom().shuffle(order)
    return order


def ask_one_by_one(
    engine: Engine, assignment: Assignment, orders: Sequence[Sequence[int]], limits: Limits
) -> Answered:
    """Ask about every structure by itself; each order, of some of all, has a cell of its own.

    A model never sees two structures at once, nor knows before which others it was asked about
    them in another cell, whose files hold others.
    """
    single = [
        (number, Question(question.condition, {name: structure}))
        for number, question in enumerate(assignment.questions)
        for name, structure in question.structures.items()
    ]
    asked: list[dict[str, Any]] = [
        dict.fromkeys(question.structures) for question in assignment.questions
    ]
    costs = []
    for order in filter(None, orders):
        chosen = [single[position] for position in order]
        alone = replace(assignment, questions=[question for _, question in chosen])
        answered = predict_behind_walls(engine, alone, limits)
        costs.append(answered.cost)
        for (number, _), answer in zip(chosen, answered.asked, strict=True):
            asked[number] |= answer
    return replace(answered, asked=asked, cost=total_cost(costs))


def total_cost(costs: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the cost of cells one after the other: times add up, memory does not."""
    return {
        part: (max if part == "peak_memory_bytes" else sum)(cost[part] for cost in costs)
        for part in costs[0]
    }


def train_behind_walls(
    engine: Engine, assignment: Assignment, limits: Limits, folder: Path
) -> tuple[Answered, Path | None]:
    """Train a submission where no test structure is; return its weights, written to a folder.

    There are none of a model without `save`.
    """
    outcome = _run(engine, assignment, [], limits, keep=True)
    answered = _answered(outcome, [])
    if not outcome.payload:
        return answered, None
    archive = folder / "trained.zip"
    folder.mkdir(parents=True)
    archive.write_bytes(outcome.payload)
    unpack_archive(archive, folder / "trained", limits.answer_bytes)
    refuse_contents(folder / "trained", "the trained model")
    return answered, folder / "trained"


def _run(
    engine: Engine,
    assignment: Assignment,
    questions: Sequence[Question],
    limits: Limits,
    keep: bool = False,
) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="glassbench-cell-") as scratch:
        folder = Path(scratch, "request")
        prepare_folder(folder, assignment.model, assignment.task.folder, assignment.weights)
        _write_structures(folder, assignment, questions)
        action = {
            "action": "predict",
            "audit": assignment.audit,
            "keep": keep,
            "seed": assignment.seed,
            "target": assignment.task.other_target,
            "hyperparameters": add_given_files(
                folder, assignment.hyperparameters, assignment.given
            ),
            "conditions": [dict(condition) for condition in assignment.conditions],
        }
        outcome = run_cell(engine, folder, action, limits, assignment.secret)
    outcome.refuse_failure()
    return outcome


def prepare_folder(folder: Path, model: Path, task: Path, weights: Path | None = None) -> None:
    """Copy the files of the submission, its weights, and the task's contract without its data.

    Only what the digest covers is copied: compiled code in a cache would run in its source's
    place, and code could hide in a README.
    """
    for name, source in plugin_files(model):
        if counts_for_trials(name):
            _copy(source, folder / "model" / name)
    if weights is not None:
        for name, source in plugin_files(weights):
            _copy(source, folder / "weights" / name)
    _copy(task / "task.toml", folder / "task" / "task.toml")


def add_given_files(
    folder: Path, hyperparameters: Mapping[str, Any], workspace: Workspace | None
) -> dict[str, Any]:
    """Copy the files that hyperparameters name; return these with the paths inside the cell."""
    values = dict(hyperparameters)
    if workspace is None:
        return values
    for number, (name, value) in enumerate(find_given_files(values, workspace).items()):
        if value != values[name]:
            inside = f"given/{number}/{Path(value).name}"
            _copy(Path(value), folder / inside)
            values[name] = f"{INPUT}/{inside}"
    return values


def _write_structures(folder: Path, assignment: Assignment, questions: Sequence[Question]) -> None:
    """Write examples and questions, structures under numbers that tell nothing of their names."""
    kept: dict[int, tuple[Structure, Structure]] = {}

    def unnamed(structure: Structure) -> Structure:
        # The structure is kept, so that no other one takes its identity.
        other = replace(structure, configuration=f"structure-{len(kept)}")
        return kept.setdefault(id(structure), (structure, other))[1]

    given = {
        split: [replace(e, structure=unnamed(e.structure)) for e in getattr(assignment, split)]
        for split in ("train", "valid")
    }
    asked = [(q.condition, [unnamed(s) for s in q.structures.values()]) for q in questions]
    with open(folder / STRUCTURES_FILE, "wb") as file:
        pickle.dump(given | {"questions": asked}, file)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)


def _answered(outcome: Outcome, asked: list[dict[str, dict[str, np.ndarray]]]) -> Answered:
    parameters, outside = (outcome.report.get(name) for name in ("parameters", "outside"))
    return Answered(
        asked,
        parameters=parameters if type(parameters) is int and parameters >= 0 else None,
        cost={
            "wall_seconds": outcome.seconds,
            "cpu_seconds": outcome.cpu_seconds,
            "gpu_seconds": 0.0,
            "peak_memory_bytes": outcome.memory_bytes,
        },
        log=outcome.log,
        outside=outside if isinstance(outside, list) else [],
    )


def _shuffled(question: Question) -> Question:
    order = list(question.structures)
    random.SystemRandom().shuffle(order)
    return Question(question.condition, {name: question.structures[name] for name in order})


def _answers(
    task: Task, questions: Sequence[Question], arrays: dict[str, np.ndarray]
) -> list[dict[str, dict[str, np.ndarray]]]:
    """Return, for each question, the arrays by structure and target, held to what was asked."""
    answers = []
    for number, question in enumerate(questions):
        asked = Asked("handed in", task, question.condition)
        of_question = {}
        for index, (name, structure) in enumerate(question.structures.items()):
            keys = {target: f"{number}/{index}/{target}" for target in task.targets}
            answer = {t: arrays.pop(key) for t, key in keys.items() if key in arrays}
            try:
                of_question[name] = dict(checked_answer(answer, structure, asked))
            except PredictionsError as error:
                raise SandboxError(str(error)) from None
        answers.append(of_question)
    if arrays:
        odd = printable(min(arrays), 80)
        raise SandboxError(f"the answer holds `{odd}`, which nobody asked for")
    return answers
