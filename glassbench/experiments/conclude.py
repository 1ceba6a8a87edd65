"""The main job: a model and the floors on a task, to record, figures and delivery to MLflow."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..home.files import write_json
from ..home.workspace import PROVENANCE_FILE, Workspace
from ..record.record import Record, RecordError, read_record, record_digest, write_record
from ..tracking.delivery import (
    Delivered,
    RequestDelivery,
    SweepDelivery,
    TrialDelivery,
    begin_delivery,
    deliver_all,
)
from ..trial.result import TrialResult
from .jobs import OnEvent, Outcome
from .request import BenchmarkRequest, floor_trials, model_trials
from .resources import Needs, Terms

NOTE_FILE = "made_of.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunReport:
    """What a request came to; there is no record where no trial of the model finished.

    `figures` is None before they are drawn; `made_of` is the digest of all that they and the
    record are made of.
    """

    request: BenchmarkRequest
    record: Record | None
    record_path: Path | None
    outcomes: list[Outcome]
    floors: list[Outcome]
    figures: list[Path] | None = None
    tracking: Delivered | None = None
    draw_trials: bool = True
    made_of: str = ""


def run_benchmark(
    request: BenchmarkRequest,
    workspace: Workspace,
    execute: Callable[..., list[Outcome]],
    on_event: OnEvent = lambda event: None,
    **options: Any,
) -> RunReport:
    """Run a request to its end: every trial, then record, figures and delivery to MLflow."""
    report = run_to_record(request, workspace, execute, on_event, **options)
    return hand_over([report], workspace)[0]


def run_to_record(
    request: BenchmarkRequest,
    workspace: Workspace,
    execute: Callable[..., list[Outcome]],
    on_event: OnEvent = lambda event: None,
    **options: Any,
) -> RunReport:
    """Run every trial of a request, and make its record; `hand_over` does the rest.

    What is finished is not done again. Where some trials fail, the record is made from the others.
    `execute` runs trials, as `glassbench.cluster.execute` does, with the `options`.
    """
    trials, floors = model_trials(request), floor_trials(request)
    needs = Needs(gpus=request.model.resources["gpus"])
    outcomes = execute(
        [*trials, *floors],
        workspace,
        cluster=request.cluster,
        on_event=on_event,
        cpus_per_trial=request.threads,
        terms=Terms(needs=lambda trial: needs),
        workers=request.workers,
        **options,
    )
    return conclude(request, workspace, outcomes[: len(trials)], outcomes[len(trials) :])


def conclude(
    request: BenchmarkRequest,
    workspace: Workspace,
    own: Sequence[Outcome],
    floors: Sequence[Outcome],
    *,
    draw_trials: bool = True,
) -> RunReport:
    """Make the record of a request whose trials have ended, unless it is there already."""
    path = workspace.records / f"{request.stem}.json"
    made_of = _made_of(request, own, floors, draw_trials)
    record, figures = _made_before(request, workspace, path, made_of)
    if record is None:
        record = _record(request, workspace, own, floors)
    if record is not None and figures is None:
        record = _stored(path, record)
    return RunReport(
        request=request,
        record=record,
        record_path=None if record is None else path,
        outcomes=list(own),
        floors=list(floors),
        figures=figures,
        draw_trials=draw_trials,
        made_of=made_of,
    )


def hand_over(
    concluded: Sequence[RunReport], workspace: Workspace, sweep: SweepDelivery | None = None
) -> list[RunReport]:
    """Draw the figures of requests and deliver all to MLflow; `sweep` is what they belong to."""
    # MLflow is loaded while the figures are drawn.
    begun = begin_delivery(workspace, [_delivery(each, workspace, sweep) for each in concluded])
    drawn = [each if each.figures is not None else _drawn(each, workspace) for each in concluded]
    requests = [_delivery(each, workspace, sweep) for each in drawn]
    delivered = deliver_all(workspace, requests, begun=begun)
    return [replace(report, tracking=run) for report, run in zip(drawn, delivered, strict=True)]


def _drawn(report: RunReport, workspace: Workspace) -> RunReport:
    request, record = report.request, report.record
    try:
        figures = _figures(
            request, workspace, record, report.outcomes if report.draw_trials else ()
        )
    except Exception as error:
        # The record is what counts; the same command draws again.
        logger.warning("figures could not be drawn: %s: %s", type(error).__name__, error)
        return replace(report, figures=[])
    if record is not None:
        note = {
            "made_of": report.made_of,
            "record": record_digest(record),
            "figures": [path.name for path in figures],
        }
        write_json(_figure_folder(request, workspace) / NOTE_FILE, note)
    return replace(report, figures=figures)


def _made_of(request: BenchmarkRequest, *parts: Any) -> str:
    """Return the digest of all that a record and its figures are made of, our code included."""
    own = Path(__file__).resolve().parents[1]
    files = sorted([*own.rglob("*.py"), *request.task.folder.glob("*.*")])
    code = [(str(f), (about := f.stat()).st_size, about.st_mtime_ns) for f in files]
    whole = request.view.dataset.whole
    return hashlib.sha256(repr((request, parts, whole, code)).encode()).hexdigest()


def _made_before(
    request: BenchmarkRequest, workspace: Workspace, path: Path, made_of: str
) -> tuple[Record | None, list[Path] | None]:
    """Return the record and the figures that an earlier command made of the same, or nothing."""
    folder = _figure_folder(request, workspace)
    try:
        note = json.loads((folder / NOTE_FILE).read_text(encoding="utf-8"))
        figures = [folder / name for name in note["figures"]]
        if note["made_of"] == made_of and all(figure.exists() for figure in figures):
            record = read_record(path)
            if record_digest(record) == note["record"]:
                return record, figures
    except (OSError, ValueError, KeyError, RecordError):
        pass
    return None, None


def _figure_folder(request: BenchmarkRequest, workspace: Workspace) -> Path:
    return workspace.home / "figures" / request.stem


def _record(
    request: BenchmarkRequest,
    workspace: Workspace,
    outcomes: Sequence[Outcome],
    floors: Sequence[Outcome],
) -> Record | None:
    """Return the record of what finished, or None where nothing of the model did."""
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    if not results:
        return None
    from ..record.make import known_at, make_record

    task, dataset = request.task, request.dataset
    by_floor: dict[str, list[TrialResult]] = {}
    for outcome in floors:
        if outcome.result is not None:
            by_floor.setdefault(outcome.trial.model.name, []).append(outcome.result)
    # What the finished trials ran on, as their workers noted it.
    folders = [workspace.trial_folder(o.trial.key) for o in outcomes if o.result is not None]
    notes = [folder / PROVENANCE_FILE for folder in folders]
    return make_record(
        task=task,
        dataset=dataset,
        model=request.model,
        conditions=request.conditions,
        hyperparameters=request.hyperparameters,
        seeds=request.seeds,
        results=results,
        floors=by_floor,
        known={c.name: known_at(task, dataset.name, request.view, c) for c in request.conditions},
        failed=[
            {
                "condition": dict(o.trial.conditions[0]) if len(o.trial.conditions) == 1 else None,
                "seed": o.trial.seed,
                "error": (o.error or "")[:10_000],
            }
            for o in outcomes
            if o.result is None
        ],
        environments=[json.loads(n.read_text(encoding="utf-8")) for n in notes if n.exists()],
        tuning=request.tuning,
        trained=request.trained,
        whole=request.view.dataset.whole,
    )


def _stored(path: Path, record: Record) -> Record:
    """Write the record, unless the one that is there says the same; return what is there."""
    try:
        before = read_record(path)
    except RecordError:
        # None yet, or one of another version: everything in it stands in the new one.
        write_record(path, record)
        return record
    if "tuning" in before and "tuning" not in record:
        # The same hyperparameters, given by hand this time, were found by tuning all the same.
        record = record | {"tuning": before["tuning"]}
    if record_digest(before) == record_digest(record):
        return before
    write_record(path, record)
    return record


def _figures(
    request: BenchmarkRequest,
    workspace: Workspace,
    record: Record | None,
    outcomes: Sequence[Outcome],
) -> list[Path]:
    if record is None:
        return []
    from ..figures.predictions import draw_request, draw_trial

    folder = _figure_folder(request, workspace)
    figures = draw_request(record.to_json(), request.task, folder)
    drawn: set[str] = set()
    for outcome in outcomes:
        names = {condition.name for condition in outcome.trial.conditions}
        if outcome.result is not None and not names <= drawn:
            drawn |= names
            figures += draw_trial(
                outcome.result, request.task, request.view, request.model, workspace, folder
            )
    return figures


def _delivery(
    report: RunReport, workspace: Workspace, sweep: SweepDelivery | None
) -> RequestDelivery:
    request, record = report.request, report.record

    def relative(path: Path) -> str:
        return str(path.relative_to(workspace.home))

    by_key = {o.trial.key: o for o in (*report.outcomes, *report.floors)}
    return RequestDelivery(
        digest=request.digest,
        name=f"{request.model.name} on {request.task.name}, {request.dataset.name}",
        experiment=f"glassbench/{request.task.name}",
        record=None if report.record_path is None else relative(report.record_path),
        content="" if record is None else record_digest(record),
        trials=tuple(
            TrialDelivery(key, o.trial.name, o.trial.to_json(), o.error)
            for key, o in by_key.items()
        ),
        figures=tuple(map(relative, report.figures or ())),
        sweep=sweep,
    )
