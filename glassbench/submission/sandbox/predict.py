"""Predictions of a submission, made behind walls from structures without labels."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.task import Task
from ...contract.text import printable
from ...model import Condition, Example, Predictions, Structure
from .bounded import read_arrays
from .engines import Engine
from .exchange import StructureFiles, prepare_folder
from .launch import Outcome, run_cell
from .limits import Limits, SandboxError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Question:
    """Structures to predict at one condition."""

    condition: Condition
    structures: Sequence[Structure]


@dataclass(frozen=True)
class Assignment:
    """What a submission is to do in one cell.

    Attributes
    ----------
    model : the submission's folder
    task : the task; of its folder the cell sees `task.toml` alone
    weights : folder of fitted weights, or None where the model is to be trained
    train, valid : examples with their targets, where it is to be trained
    secret : files and folders with labels, of which the cell must see nothing
    audit : note which lines reach outside
    """

    model: Path
    task: Task
    hyperparameters: Mapping[str, Any]
    seed: int
    questions: Sequence[Question]
    weights: Path | None = None
    train: Sequence[Example] = ()
    valid: Sequence[Example] = ()
    secret: Sequence[Path] = ()
    audit: bool = False


@dataclass(frozen=True)
class Answered:
    """What came back.

    Attributes
    ----------
    asked : for each question, predictions by name of the configuration, then of the target
    parameters : number of trained parameters, as the model says
    cost : seconds and memory that the whole cell took, seen from outside
    outside : lines that reached outside, where they were looked for
    """

    asked: list[dict[str, Predictions]]
    questions: Sequence[Question]
    parameters: int | None
    cost: dict[str, float]
    log: str
    outside: list[Any] = field(default_factory=list)

    @property
    def predictions(self) -> dict[str, dict[str, Predictions]]:
        """Return the predictions by name of the condition, of the configuration, of the target."""
        return {
            question.condition.name: answers
            for question, answers in zip(self.questions, self.asked, strict=True)
        }


def predict_behind_walls(engine: Engine, assignment: Assignment, limits: Limits) -> Answered:
    """Run a submission in a cell and return its predictions, checked.

    The structures carry numbers for names and come in an order drawn anew, so
    that neither name nor place tells which configuration is asked about.

    Raises
    ------
    SandboxError
        If the model fails, breaks a limit, or answers something else than what was asked.
    """
    with tempfile.TemporaryDirectory(prefix="glassbench-cell-") as scratch:
        folder = Path(scratch, "request")
        prepare_folder(folder, assignment.model, assignment.task.folder, assignment.weights)
        files = StructureFiles(folder)
        shuffled = [_shuffled(question) for question in assignment.questions]
        action = {
            "action": "predict",
            "audit": assignment.audit,
            "seed": assignment.seed,
            "hyperparameters": dict(assignment.hyperparameters),
            "train": [files.add_example(example) for example in assignment.train],
            "valid": [files.add_example(example) for example in assignment.valid],
            "questions": [
                {"condition": dict(q.condition), "structures": [files.add(s) for s in q.structures]}
                for q in shuffled
            ],
        }
        outcome = run_cell(engine, folder, action, limits, assignment.secret)
    _refuse_failure(outcome)
    arrays = read_arrays(outcome.payload, "the answer", limits.answer_bytes)
    parameters = outcome.report.get("parameters")
    outside = outcome.report.get("outside")
    return Answered(
        asked=_answers(assignment.task, shuffled, arrays),
        questions=shuffled,
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
    return Question(question.condition, order)


def _refuse_failure(outcome: Outcome) -> None:
    if outcome.stopped is not None:
        raise SandboxError(f"the model was stopped: {outcome.stopped}")
    if "error" in outcome.report:
        where = printable(outcome.report.get("where", ""), 80)
        place = f" at {where}" if where else ""
        raise SandboxError(f"the model failed{place}: {printable(outcome.report['error'])}")


def _answers(
    task: Task, questions: Sequence[Question], arrays: Mapping[str, np.ndarray]
) -> list[dict[str, Predictions]]:
    """Return, for each question, the arrays by configuration and target, held to what was asked."""
    found: list[dict[str, Predictions]] = []
    used: set[str] = set()
    for number, question in enumerate(questions):
        of_question: dict[str, Predictions] = {}
        for index, structure in enumerate(question.structures):
            answer = {}
            for target in task.targets:
                key = f"{number}/{index}/{target}"
                if key in arrays:
                    used.add(key)
                    answer[target] = _checked(arrays[key], task, target, structure)
            if task.target not in answer:
                raise SandboxError(
                    f"the answer has no `{task.target}` of configuration {structure.configuration} "
                    f"at {question.condition.name}"
                )
            of_question[structure.configuration] = answer
        found.append(of_question)
    odd = sorted(set(arrays) - used)
    if odd:
        raise SandboxError(f"the answer holds `{printable(odd[0], 80)}`, which nobody asked for")
    return found


def _checked(array: np.ndarray, task: Task, target: str, structure: Structure) -> np.ndarray:
    import numpy as np

    per = task.targets[target].per
    counted = {"particle": structure.positions, "pair": structure.pairs, "configuration": (0,)}
    length = len(counted[per]) if counted[per] is not None else 0
    if array.shape != (length,) or array.dtype.kind != "f":
        raise SandboxError(
            f"the answer's `{target}` of configuration {structure.configuration} is {array.shape} "
            f"of {array.dtype}: ({length},) of floats is wanted"
        )
    if not np.isfinite(array).all():
        raise SandboxError(
            f"the answer's `{target}` of configuration {structure.configuration} holds "
            f"{int((~np.isfinite(array)).sum())} values that are not finite"
        )
    return array.astype(np.float32)
