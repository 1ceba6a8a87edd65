"""Whether a submission would be accepted: one result for each check."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..conformance.check import CONFORMANCE, short_hyperparameters
from ..contract.check_result import CheckResult, failed, passed
from ..contract.errors import UserError
from ..contract.folder_digest import folder_digest
from ..contract.model_card import ModelCard, read_model_card
from ..contract.task import Task
from ..contract.text import printable
from ..home.workspace import Workspace
from ..model import Condition
from ..plugins.datasets import find_dataset
from ..plugins.registry import load_task
from ..trial.stages import Question
from .sandbox import Engine, Limits, SandboxError, choose_engine, run_cell
from .sandbox.contents import check_contents
from .sandbox.exchange import prepare_folder
from .sandbox.predict import Assignment, predict_behind_walls
from .source import check_dependencies, check_licence, check_sources, line_of, place_of_error
from .verify import SAME_WEIGHTS, largest_difference

if TYPE_CHECKING:
    from ..datasets.view import View

TRIAL_EXAMPLES = {"train": 2, "valid": 1, "test": 2}
TRIAL_SECONDS = 60.0
CELL_LIMITS = Limits(wall_seconds=120)


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

    Raises
    ------
    UserError
        If there is no such folder, or no sandbox.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: `glassbench submission new` makes one")
    engine = choose_engine(sandbox)
    before = folder_digest(folder)
    results = [failed("files", str(refusal)) for refusal in check_contents(folder)]
    yield from results or [passed("files", "sources, text and plain arrays alone")]
    if results:
        return
    try:
        card = read_model_card(folder)
        chosen = _task_of(card, task)
    except UserError as error:
        toml = folder / "model.toml"
        yield failed("model.toml", _without_path(error, toml), place_of_error(toml, error))
        return
    yield passed("model.toml", f"{card.name}, for {', '.join(card.tasks)}")
    static = [
        check_licence(card.licence, line_of(folder / "model.toml", "licence")),
        *check_dependencies(card.dependencies, line_of(folder / "model.toml", "dependencies")),
        *check_sources(folder, card.dependencies),
    ]
    yield from static
    if any(f.passed is False and f.name == "source" for f in static):
        return
    submission = _Submission(folder, card, chosen, engine, workspace, dataset)
    for check in (_check_import, _check_conformance, _check_trial):
        results = check(submission)
        yield from results
        if any(result.passed is False for result in results):
            break
    same = folder_digest(folder) == before
    message = "the submission's folder is as it was" if same else "the folder was changed meanwhile"
    yield CheckResult("folder", same, message)


def _task_of(card: ModelCard, name: str | None) -> Task:
    name = name or card.tasks[0]
    if name not in card.tasks:
        raise UserError(f"`tasks` are {', '.join(card.tasks)}: {name} is not among them")
    return load_task(name)


def _without_path(error: UserError, toml: Path) -> str:
    return printable(str(error).replace(f"{toml}: ", "").replace(str(toml), toml.name), 300)


def _run(submission: _Submission, action: dict[str, Any]) -> dict[str, Any]:
    """Run one action on the submission in a cell and return its report."""
    with tempfile.TemporaryDirectory(prefix="glassbench-check-") as scratch:
        request = Path(scratch, "request")
        prepare_folder(request, submission.folder, submission.task.folder)
        outcome = run_cell(
            submission.engine, request, action, CELL_LIMITS, [submission.workspace.home]
        )
    if outcome.stopped:
        raise SandboxError(f"it was stopped: {outcome.stopped}")
    return outcome.report


def _failure(name: str, report: dict[str, Any]) -> list[CheckResult]:
    where = printable(report.get("where", ""), 80)
    return [failed(name, printable(report["error"]), where)]


def _check_import(submission: _Submission) -> list[CheckResult]:
    try:
        report = _run(submission, {"action": "import"})
    except SandboxError as error:
        return [failed("import", str(error))]
    if "error" in report:
        return _failure("import", report)
    effects = _effects(report.get("effects"))
    return [
        failed("import", f"importing it {what}: do it in `fit` or not at all", where)
        for what, where in effects
    ] or [passed("import", "importing it changes nothing")]


def _check_conformance(submission: _Submission) -> list[CheckResult]:
    hyperparameters = short_hyperparameters(submission.card, submission.task.name)
    action = {"action": "conformance", "hyperparameters": hyperparameters}
    try:
        report = _run(submission, action)
    except SandboxError as error:
        return [failed(CONFORMANCE, str(error))]
    if "error" in report:
        return _failure(CONFORMANCE, report)
    plain = report.get("results")
    results = [r for r in plain if isinstance(r, dict)] if isinstance(plain, list) else []
    wrong = [
        failed(f"{CONFORMANCE}, {printable(r.get('name'), 40)}", str(r.get("message")))
        for r in results
        if r.get("passed") is not True
    ]
    names = ", ".join(printable(r.get("name"), 40) for r in results)
    return wrong or [CheckResult(CONFORMANCE, bool(results), names)]


def _check_trial(submission: _Submission) -> list[CheckResult]:
    """Train on a few real configurations, predict others, score them outside."""
    from ..datasets.view import open_view

    card, task = submission.card, submission.task
    try:
        dataset = find_dataset(task, submission.dataset, submission.workspace)
    except UserError as error:
        return [CheckResult("trial", None, f"no data to try it on: {error}")]
    view = open_view(task, dataset.path, reads=card.reads)
    condition = _first_condition(task, dataset.name, view)
    short = {"epochs": 1} if "epochs" in card.hyperparameters else {}
    tested = view.structures("test", condition)[: TRIAL_EXAMPLES["test"]]
    structures = {structure.configuration: structure for structure in tested}
    alone = dict(list(structures.items())[:1])
    assignment = Assignment(
        model=submission.folder,
        task=task,
        hyperparameters=card.hyperparameters_for(task.name, dataset.name, short),
        seed=0,
        questions=[Question(condition, structures), Question(condition, alone)],
        conditions=(condition,),
        train=view.examples("train", (condition,))[: TRIAL_EXAMPLES["train"]],
        valid=view.examples("valid", (condition,))[: TRIAL_EXAMPLES["valid"]],
        secret=[Path(dataset.path), submission.workspace.home],
        audit=True,
    )
    started = time.monotonic()
    try:
        answered = predict_behind_walls(
            submission.engine, assignment, Limits(wall_seconds=TRIAL_SECONDS)
        )
    except SandboxError as error:
        return [failed("trial", str(error))]
    seconds = time.monotonic() - started
    effects = [failed("outside", what, where) for what, where in _effects(answered.outside)]
    together, by_itself = answered.asked
    difference = largest_difference({condition.name: together}, {condition.name: by_itself})
    company = difference <= SAME_WEIGHTS
    return [
        passed(
            "trial",
            f"trained on {len(assignment.train)} configurations at {condition.name} in "
            f"{seconds:.1f} s",
        ),
        CheckResult(
            "company",
            company,
            "asked alone or with others, a structure is predicted alike"
            if company
            else f"asked alone, a structure is predicted otherwise by {difference:.3g} standard "
            "deviations: predict every structure by itself",
        ),
        *(effects or [passed("outside", "nothing outside the scratch folder is touched")]),
    ]


def _first_condition(task: Task, dataset: str, view: View) -> Condition:
    """Return the first of the conditions that a run takes by default."""
    entry = task.datasets.get(dataset)
    default = entry.default if entry else {}
    for condition in view.conditions():
        if all(condition[axis] in values for axis, values in default.items()):
            return condition
    return view.conditions()[0]


def _effects(reported: Any) -> list[tuple[str, str]]:
    """Return what and where of the effects that a cell reported, as text to show."""
    effects = [e for e in reported if isinstance(e, dict)] if isinstance(reported, list) else []
    return [(printable(e.get("what"), 200), printable(e.get("where"), 80)) for e in effects]
