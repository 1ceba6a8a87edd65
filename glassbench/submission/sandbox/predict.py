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
from ...model import Condition, Example
from ...trial.answers import Asked, PredictionsError, checked_answer
from ...trial.stages import Question
from .bounded import read_arrays
from .engines import Engine
from .exchange import PredictAction, StructureFiles, prepare_folder
from .launch import Outcome, run_cell
from .limits import Limits, SandboxError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Assignment:
    """What a submission is to do in one cell.

    Attributes
    ----------
    model : the submission's folder
    task : the task; of its folder the cell sees `task.toml` alone
    questions : what the fitted model is asked
    conditions : where it is trained
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
    conditions: Sequence[Condition] = ()
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
    asked : for each question, predictions by name of the structure, then of the target
    parameters : number of trained parameters, as the model says
    cost : seconds and memory that the whole cell took, seen from outside
    outside : lines that reached outside, where they were looked for
    """

    asked: list[dict[str, dict[str, np.ndarray]]]
    parameters: int | None
    cost: dict[str, float]
    log: str
    outside: list[Any] = field(default_factory=list)


def predict_behind_walls(engine: Engine, assignment: Assignment, limits: Limits) -> Answered:
    """Run a submission in a cell and return its predictions, checked.

    The structures carry numbers for names and come in an order drawn anew, so
    that neither name nor position tells which configuration is asked about.

    Raises
    ------
    SandboxError
        If the model fails, breaks a limit, or answers something else than what was asked.
    """
    questions = [_shuffled(question) for question in assignment.questions]
    with tempfile.TemporaryDirectory(prefix="glassbench-cell-") as scratch:
        folder = Path(scratch, "request")
        prepare_folder(folder, assignment.model, assignment.task.folder, assignment.weights)
        files = StructureFiles(folder)
        action: PredictAction = {
            "action": "predict",
            "audit": assignment.audit,
            "seed": assignment.seed,
            "hyperparameters": dict(assignment.hyperparameters),
            "conditions": [dict(condition) for condition in assignment.conditions],
            "train": [files.add_example(example) for example in assignment.train],
            "valid": [files.add_example(example) for example in assignment.valid],
            "questions": [
                {
                    "condition": dict(question.condition),
                    "structures": [files.add(s) for s in question.structures.values()],
                }
                for question in questions
            ],
        }
        outcome = run_cell(engine, folder, action, limits, assignment.secret)
    _refuse_failure(outcome)
    arrays = read_arrays(outcome.payload, "the answer", limits.answer_bytes)
    parameters = outcome.report.get("parameters")
    outside = outcome.report.get("outside")
    return Answered(
        asked=_answers(assignment.task, questions, arrays),
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


def _refuse_failure(outcome: Outcome) -> None:
    if outcome.stopped is not None:
        raise SandboxError(f"the model was stopped: {outcome.stopped}")
    if "error" in outcome.report:
        where = printable(outcome.report.get("where", ""), 80)
        place = f" at {where}" if where else ""
        raise SandboxError(f"the model failed{place}: {printable(outcome.report['error'])}")


def _answers(
    task: Task, questions: Sequence[Question], arrays: Mapping[str, np.ndarray]
) -> list[dict[str, dict[str, np.ndarray]]]:
    """Return, for each question, the arrays by structure and target, held to what was asked."""
    answers: list[dict[str, dict[str, np.ndarray]]] = []
    used: set[str] = set()
    for number, question in enumerate(questions):
        asked = Asked("handed in", task, question.condition)
        of_question: dict[str, dict[str, np.ndarray]] = {}
        for index, (name, structure) in enumerate(question.structures.items()):
            keys = {f"{number}/{index}/{target}": target for target in task.targets}
            used |= keys.keys()
            answer = {target: arrays[key] for key, target in keys.items() if key in arrays}
            try:
                of_question[name] = dict(checked_answer(answer, structure, asked))
            except PredictionsError as error:
                raise SandboxError(str(error)) from None
        answers.append(of_question)
    odd = sorted(set(arrays) - used)
    if odd:
        raise SandboxError(f"the answer holds `{printable(odd[0], 80)}`, which nobody asked for")
    return answers
