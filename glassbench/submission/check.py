"""Whether a submission would be accepted: one result for each check."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..conformance.check import CONFORMANCE, OF_ANSWERS, check_model, short_values
from ..conformance.structures import make_examples
from ..contract.conditions import choose_conditions
from ..contract.errors import CheckResult, UserError, failed, passed, printable
from ..contract.folder_digest import folder_digest
from ..contract.model_card import ModelCard, read_model_card
from ..contract.task import Task
from ..datasets.view import open_view
from ..home.workspace import Workspace
from ..model import Condition, Example, Predictions, Run, Structure
from ..plugins.datasets import find_dataset
from ..plugins.registry import load_task
from ..trial.stages import Question
from .sandbox.contents import check_contents
from .sandbox.engines import Engine, choose_engine
from .sandbox.launch import run_cell
from .sandbox.limits import Limits, SandboxError
from .sandbox.predict import Assignment, predict_behind_walls, prepare_folder
from .source import check_dependencies, check_licence, check_sources, line_of, place_of_error
from .verify import NO_MODEL

FROM_OUTSIDE = "asked from outside"
TRIAL_EXAMPLES = {"train": 2, "valid": 1, "test": 2}
TRIAL_LIMITS, CELL_LIMITS = Limits(wall_seconds=60), Limits(wall_seconds=120)


@dataclass(frozen=True)
class _Submission:
    folder: Path
    card: ModelCard
    task: Task
    engine: Engine
    workspace: Workspace
    dataset: str | None


def check_submission(
    folder: Path,
    workspace: Workspace,
    *,
    task: str | None = None,
    dataset: str | None = None,
    sandbox: str = "auto",
) -> Iterator[CheckResult]:
    """Yield the result of each check, as soon as it is known.

    After a failure that makes the later checks meaningless, there are no more.

    Parameters
    ----------
    task : one of the model's tasks, the first unless given
    sandbox : the engine in which the submission's code runs
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: `glassbench submission new` makes one")
    engine, toml = choose_engine(sandbox), folder / "model.toml"
    results = [failed("files", refusal) for refusal in check_contents(folder)]
    yield from results or [passed("files", "sources, text and plain arrays alone")]
    if results:
        return
    before = folder_digest(folder)
    try:
        card = read_model_card(folder)
        name = task or card.tasks[0]
        if name not in card.tasks:
            raise UserError(f"`tasks` are {', '.join(card.tasks)}: {name} is not among them")
        chosen = load_task(name)
    except UserError as error:
        message = str(error).replace(f"{toml}: ", "").replace(str(toml), toml.name)
        yield failed("model.toml", printable(message, 300), place_of_error(toml, error))
        return
    yield passed("model.toml", f"{card.name}, for {', '.join(card.tasks)}")
    static = [
        check_licence(card.licence, line_of(toml, "licence")),
        *check_dependencies(card.dependencies, line_of(toml, "dependencies")),
        *check_sources(folder, card.dependencies),
    ]
    yield from static
    if any(f.passed is False and f.name == "source" for f in static):
        return
    submission = _Submission(folder, card, chosen, engine, workspace, dataset)
    checks: dict[str, Callable[[_Submission], list[CheckResult]]] = {"import": _check_import}
    if "predictions" in card.reads:
        yield CheckResult(CONFORMANCE, None, NO_MODEL.format(card.name))
    else:
        checks |= {CONFORMANCE: _check_conformance, FROM_OUTSIDE: _check_answers}
        checks |= {"trial": _check_trial}
    for name, check in checks.items():
        try:
            results = check(submission)
        except SandboxError as error:
            results = [failed(name, str(error))]
        yield from results
        if any(result.passed is False for result in results):
            break
    same = folder_digest(folder) == before
    message = "the submission's folder is as it was" if same else "the folder was changed meanwhile"
    yield CheckResult("folder", same, message)


def _run(submission: _Submission, action: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="glassbench-check-") as scratch:
        request = Path(scratch, "request")
        prepare_folder(request, submission.folder, submission.task.folder)
        secret = [submission.workspace.home]
        outcome = run_cell(submission.engine, request, {"action": action}, CELL_LIMITS, secret)
    outcome.refuse_failure()
    return outcome.report


def _check_import(submission: _Submission) -> list[CheckResult]:
    reported = _run(submission, "import").get("effects")
    return [
        failed("import", f"importing it {what}: do it in `fit` or not at all", where)
        for what, where in _effects(reported)
    ] or [passed("import", "importing it changes nothing")]


def _check_conformance(submission: _Submission) -> list[CheckResult]:
    results = _tables(_run(submission, "conformance").get("results"))
    wrong = [
        failed(f"{CONFORMANCE}, {printable(r.get('name'), 40)}", str(r.get("message")))
        for r in results
        if r.get("passed") is not True
    ]
    names = ", ".join(printable(r.get("name"), 40) for r in results)
    return wrong or [CheckResult(CONFORMANCE, bool(results), names)]


class _Noting:
    """A model as the checks see it: it notes what it is asked, and answers what it knows."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.asked: dict[bytes, Sequence[Structure]] = {}
        self.answers: dict[bytes, list[Predictions]] = {}

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Learn nothing: the model is trained in its cell."""

    def predict(self, structures: Sequence[Structure], condition: Condition) -> list[Predictions]:
        key = pickle.dumps([replace(s, configuration="") for s in structures])
        self.asked[key] = structures
        return self.answers.get(key) or [self._nothing(s) for s in structures]

    def _nothing(self, structure: Structure) -> Predictions:
        per_pair = self.task.targets[self.task.target].per == "pair"
        items = structure.pairs if per_pair else structure.positions
        return {self.task.target: np.zeros(len(items) if items is not None else 0)}


def _check_answers(submission: _Submission) -> list[CheckResult]:
    """Hold what the model answers to the laws here: its own process may report what it likes."""
    card, task = submission.card, submission.task
    values = short_values(card, task)
    examples = make_examples(task, card.reading(values).reads)
    noting, condition = _Noting(task), examples.train[0].condition

    def results() -> list[CheckResult]:
        return check_model(
            lambda: noting, {}, task, claims=card.claims, examples=examples, checks=OF_ANSWERS
        )

    results()
    calls = list(noting.asked.items())
    assignment = Assignment(
        model=submission.folder,
        task=task,
        hyperparameters=values,
        seed=0,
        questions=[
            Question(condition, {str(n): s for n, s in enumerate(structures)})
            for _, structures in calls
        ],
        conditions=(condition,),
        train=examples.train,
        valid=examples.valid,
        secret=[submission.workspace.home],
    )
    answered = predict_behind_walls(submission.engine, assignment, CELL_LIMITS)
    for (key, structures), answers in zip(calls, answered.asked, strict=True):
        noting.answers[key] = [answers[str(n)] for n in range(len(structures))]
    wrong = [r for r in results() if not r.passed]
    return [failed(f"{FROM_OUTSIDE}, {r.name}", r.message) for r in wrong] or [
        passed(FROM_OUTSIDE, f"{len(calls)} questions were answered alike where they must be")
    ]


def _check_trial(submission: _Submission) -> list[CheckResult]:
    """Train on a few real configurations, predict others, score them outside."""
    card, task = submission.card, submission.task
    try:
        dataset = find_dataset(task, submission.dataset, submission.workspace)
    except UserError as error:
        return [CheckResult("trial", None, f"no data to try it on: {error}")]
    short = {"epochs": 1} if "epochs" in card.hyperparameters else {}
    values = card.hyperparameters_for(task.name, dataset.name, short)
    view = open_view(task, dataset.path, reads=card.reading(values).reads)
    default = task.default_values(dataset.name)
    condition = choose_conditions(view.conditions("train"), {}, default)[0]
    tested = view.structures("test", condition)[: TRIAL_EXAMPLES["test"]]
    structures = {structure.configuration: structure for structure in tested}
    assignment = Assignment(
        model=submission.folder,
        task=task,
        hyperparameters=values,
        seed=0,
        questions=[Question(condition, structures)],
        conditions=(condition,),
        train=view.examples("train", (condition,))[: TRIAL_EXAMPLES["train"]],
        valid=view.examples("valid", (condition,))[: TRIAL_EXAMPLES["valid"]],
        secret=[Path(dataset.path), submission.workspace.home],
        audit=True,
    )
    answered = predict_behind_walls(submission.engine, assignment, TRIAL_LIMITS)
    trained = (
        f"trained on {len(assignment.train)} configurations at {condition.name} in "
        f"{answered.cost['wall_seconds']:.1f} s"
    )
    effects = [failed("outside", what, where) for what, where in _effects(answered.outside)]
    outside = effects or [passed("outside", "nothing outside the scratch folder is touched")]
    return [passed("trial", trained), *outside]


def _effects(reported: Any) -> list[tuple[str, str]]:
    return [
        (printable(effect.get("what"), 200), printable(effect.get("where"), 80))
        for effect in _tables(reported)
    ]


def _tables(reported: Any) -> list[dict[str, Any]]:
    """Return the objects of a list that a cell reported, nothing where it is none."""
    entries = reported if isinstance(reported, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]
