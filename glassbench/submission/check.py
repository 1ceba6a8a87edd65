"""Whether a submission would be accepted: each check by itself, in plain words."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.errors import UserError
from ..contract.folder_digest import folder_digest
from ..contract.model_card import ModelCard, hyperparameters_for, read_model_card
from ..contract.task import Task
from ..contract.text import printable
from ..home.workspace import Workspace
from ..model import Condition
from ..plugins.datasets import find_dataset
from ..plugins.registry import load_task
from .findings import Finding
from .sandbox import Engine, Limits, SandboxError, choose_engine, run_cell
from .sandbox.contents import check_contents
from .sandbox.exchange import prepare_folder
from .sandbox.predict import Assignment, Question, predict_behind_walls
from .source import check_dependencies, check_licence, check_sources, line_of, place_of_error
from .verify import SAME_WEIGHTS, largest_difference

CONFORMANCE = "conformance"
TRIAL_EXAMPLES = {"train": 2, "valid": 1, "test": 2}
TRIAL_SECONDS = 60.0
CELL_LIMITS = Limits(wall_seconds=120)
WRITES = ("writes", "changes", "opens", "starts")


@dataclass(frozen=True)
class _Subject:
    folder: Path
    card: ModelCard
    task: Task
    engine: Engine
    workspace: Workspace
    dataset: str | None

    @property
    def toml(self) -> Path:
        return self.folder / "model.toml"


def check_submission(
    folder: Path,
    workspace: Workspace,
    *,
    task: str | None = None,
    dataset: str | None = None,
    sandbox: str = "auto",
) -> Iterator[Finding]:
    """Yield what each check finds, as soon as it is known.

    After a finding that makes the later ones meaningless, there are no more.

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
    findings = [Finding("files", False, str(refusal)) for refusal in check_contents(folder)]
    yield from findings or [Finding("files", True, "sources, text and plain arrays alone")]
    if findings:
        return
    try:
        card = read_model_card(folder)
        chosen = _task_of(card, task)
    except UserError as error:
        toml = folder / "model.toml"
        yield Finding("model.toml", False, _without_path(error, toml), place_of_error(toml, error))
        return
    yield Finding("model.toml", True, f"{card.name}, for {', '.join(card.tasks)}")
    static = [
        check_licence(card.licence, line_of(folder / "model.toml", "licence")),
        *check_dependencies(card.dependencies, line_of(folder / "model.toml", "dependencies")),
        *check_sources(folder, card.dependencies),
    ]
    yield from static
    if any(f.passed is False and f.name == "source" for f in static):
        return
    subject = _Subject(folder, card, chosen, engine, workspace, dataset)
    for check in (_check_import, _check_conformance, _check_trial):
        findings = check(subject)
        yield from findings
        if any(finding.passed is False for finding in findings):
            break
    same = folder_digest(folder) == before
    message = "the submission's folder is as it was" if same else "the folder was changed meanwhile"
    yield Finding("folder", same, message)


def _task_of(card: ModelCard, name: str | None) -> Task:
    name = name or card.tasks[0]
    if name not in card.tasks:
        raise UserError(f"`tasks` are {', '.join(card.tasks)}: {name} is not among them")
    return load_task(name)


def _without_path(error: UserError, toml: Path) -> str:
    return printable(str(error).replace(f"{toml}: ", "").replace(str(toml), toml.name), 300)


def _run(subject: _Subject, action: dict[str, Any]) -> dict[str, Any]:
    """Run one action on the submission in a cell and return its report."""
    with tempfile.TemporaryDirectory(prefix="glassbench-check-") as scratch:
        request = Path(scratch, "request")
        prepare_folder(request, subject.folder, subject.task.folder)
        outcome = run_cell(subject.engine, request, action, CELL_LIMITS, [subject.workspace.home])
    if outcome.stopped:
        raise SandboxError(f"it was stopped: {outcome.stopped}")
    return outcome.report


def _failure(name: str, report: dict[str, Any]) -> list[Finding]:
    where = printable(report.get("where", ""), 80)
    return [Finding(name, False, printable(report["error"]), where)]


def _check_import(subject: _Subject) -> list[Finding]:
    try:
        report = _run(subject, {"action": "import"})
    except SandboxError as error:
        return [Finding("import", False, str(error))]
    if "error" in report:
        return _failure("import", report)
    effects = _effects(report.get("effects"))
    return [
        Finding("import", False, f"importing it {what}: do it in `fit` or not at all", where)
        for what, where in effects
    ] or [Finding("import", True, "importing it changes nothing")]


def _check_conformance(subject: _Subject) -> list[Finding]:
    card, name = subject.card, subject.task.name
    stated = card.defaults.get(name, {}).get(CONFORMANCE, {})
    short = {"epochs": 1} if "epochs" in card.hyperparameters and "epochs" not in stated else {}
    action = {
        "action": "conformance",
        "hyperparameters": hyperparameters_for(card, name, CONFORMANCE, short),
    }
    try:
        report = _run(subject, action)
    except SandboxError as error:
        return [Finding(CONFORMANCE, False, str(error))]
    if "error" in report:
        return _failure(CONFORMANCE, report)
    found = [f for f in report.get("findings") or [] if isinstance(f, dict)]
    failed = [
        Finding(
            f"{CONFORMANCE}, {printable(f.get('name'), 40)}",
            False,
            printable(f.get("message"), 400),
        )
        for f in found
        if f.get("passed") is not True
    ]
    names = ", ".join(printable(f.get("name"), 40) for f in found)
    return failed or [Finding(CONFORMANCE, bool(found), names)]


def _check_trial(subject: _Subject) -> list[Finding]:
    """Train on a few real configurations, predict others, score them outside."""
    from ..datasets.view import open_view

    card, task = subject.card, subject.task
    try:
        found = find_dataset(task, subject.dataset, subject.workspace)
    except UserError as error:
        return [Finding("trial", None, f"no data to try it on: {error}")]
    view = open_view(task, found.path, reads=card.reads)
    condition = _first_condition(task, found.name, view)
    short = {"epochs": 1} if "epochs" in card.hyperparameters else {}
    structures = view.structures("test", condition)[: TRIAL_EXAMPLES["test"]]
    assignment = Assignment(
        model=subject.folder,
        task=task,
        hyperparameters=hyperparameters_for(card, task.name, found.name, short),
        seed=0,
        questions=[Question(condition, structures), Question(condition, structures[:1])],
        train=view.examples("train", (condition,))[: TRIAL_EXAMPLES["train"]],
        valid=view.examples("valid", (condition,))[: TRIAL_EXAMPLES["valid"]],
        secret=[Path(found.path), subject.workspace.home],
        audit=True,
    )
    started = time.monotonic()
    try:
        answered = predict_behind_walls(
            subject.engine, assignment, Limits(wall_seconds=TRIAL_SECONDS)
        )
    except SandboxError as error:
        return [Finding("trial", False, str(error))]
    seconds = time.monotonic() - started
    effects = [Finding("outside", False, what, where) for what, where in _effects(answered.outside)]
    together, alone = answered.asked
    difference = largest_difference({condition.name: together}, {condition.name: alone})
    company = difference <= SAME_WEIGHTS
    return [
        Finding(
            "trial",
            True,
            f"trained on {len(assignment.train)} configurations at {condition.name} in "
            f"{seconds:.1f} s",
        ),
        Finding(
            "company",
            company,
            "asked alone or with others, a structure is predicted alike"
            if company
            else f"asked alone, a structure is predicted otherwise by {difference:.3g} standard "
            "deviations: predict every structure by itself",
        ),
        *(effects or [Finding("outside", True, "nothing outside the scratch folder is touched")]),
    ]


def _first_condition(task: Task, dataset: str, view) -> Condition:
    """Return the first of the conditions that a run takes by default."""
    entry = task.datasets.get(dataset)
    default = entry.default if entry else {}
    for condition in view.conditions():
        if all(condition[axis] in values for axis, values in default.items()):
            return condition
    return view.conditions()[0]


def _effects(found: Any) -> list[tuple[str, str]]:
    """Return what and where of the effects that a cell reported, as text to show."""
    effects = [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []
    return [(printable(e.get("what"), 200), printable(e.get("where"), 80)) for e in effects]
