"""From ended trials to what stays: record, figures, and delivery to MLflow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contract.reported import reported_at
from ..home.workspace import PROVENANCE_FILE, Workspace
from ..model import Condition
from ..record.digest import record_digest
from ..record.file import RecordError, read_record, write_record
from ..record.make import make_record
from ..record.record import Record
from ..tracking import Delivered, RequestDelivery, TrialDelivery, deliver_all
from ..trial.result import TrialResult
from .events import Outcome
from .request import BenchmarkRequest


@dataclass(frozen=True)
class RunReport:
    """What a request came to.

    Attributes
    ----------
    record, record_path : None where no trial of the model finished
    outcomes, floors : trials of the model, and of the floors
    tracking : `uri`, `run_id`, `delivered`, `message`
    """

    record: Record | None
    record_path: Path | None
    outcomes: list[Outcome]
    floors: list[Outcome]
    tracking: Mapping[str, Any]
    figures: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Conclusion:
    """A request whose trials have ended, before it is delivered; `figures` are by trial's key."""

    request: BenchmarkRequest
    record: Record | None
    outcomes: list[Outcome]
    floors: list[Outcome]
    figures: Mapping[str, list[Path]]


def conclude(
    request: BenchmarkRequest,
    workspace: Workspace,
    own: Sequence[Outcome],
    floors: Sequence[Outcome],
    *,
    draw_trials: bool = True,
) -> Conclusion:
    """Make the record and the figures of a request whose trials have ended."""
    record = _record(request, workspace, own, floors)
    if record is not None:
        record = _stored(workspace.records / f"{request.stem}.json", record)
    figures = _figures(request, workspace, record, own if draw_trials else ())
    return Conclusion(request, record, list(own), list(floors), figures)


def hand_over(
    concluded: Sequence[Conclusion], workspace: Workspace, group: Mapping[str, Any] | None = None
) -> list[RunReport]:
    """Deliver requests to MLflow, all at once; the delivery keeps its own note of where they are.

    Parameters
    ----------
    group : the run under which those of the requests stand, see `RequestDelivery`
    """
    requests = [_delivery(each, workspace, group) for each in concluded]
    delivered = deliver_all(workspace, requests)
    return [_report(*pair, workspace) for pair in zip(concluded, delivered, strict=True)]


def _report(concluded: Conclusion, delivered: Delivered, workspace: Workspace) -> RunReport:
    path = workspace.records / f"{concluded.request.stem}.json"
    return RunReport(
        record=concluded.record,
        record_path=None if concluded.record is None else path,
        outcomes=concluded.outcomes,
        floors=concluded.floors,
        tracking=_plain(delivered),
        figures=[figure for paths in concluded.figures.values() for figure in paths],
    )


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
    from ..trial.score import noise_ceilings

    view = request.view
    by_floor: dict[str, list[TrialResult]] = {}
    for outcome in floors:
        if outcome.result is not None:
            by_floor.setdefault(outcome.trial.model.name, []).append(outcome.result)
    return make_record(
        task=request.task,
        dataset=request.dataset,
        model=request.model,
        conditions=request.conditions,
        hyperparameters=request.hyperparameters,
        seeds=request.seeds,
        results=results,
        floors=by_floor,
        ceilings={c.name: noise_ceilings(request.task, view, c) for c in request.conditions},
        tau_alpha={c.name: view.attribute(c, "tau_alpha") for c in request.conditions},
        reported={c.name: _reported(request, c) for c in request.conditions},
        failed=[_failure(outcome) for outcome in outcomes if outcome.result is None],
        environments=_environments(workspace, outcomes),
        tuning=request.tuning,
    )


def _reported(request: BenchmarkRequest, condition: Condition) -> list[dict[str, Any]]:
    return [
        {"model": number.model, "value": number.value, "source": number.source}
        for number in reported_at(request.task, request.dataset.name, condition)
    ]


def _failure(outcome: Outcome) -> dict[str, Any]:
    conditions = outcome.trial.conditions
    return {
        "condition": dict(conditions[0]) if len(conditions) == 1 else None,
        "seed": outcome.trial.seed,
        "error": outcome.error or "",
    }


def _environments(workspace: Workspace, outcomes: Sequence[Outcome]) -> list[Mapping[str, Any]]:
    """Return what the finished trials ran on, as their workers noted it."""
    finished = [outcome for outcome in outcomes if outcome.result is not None]
    paths = [workspace.trial_folder(o.trial.key) / PROVENANCE_FILE for o in finished]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


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
) -> dict[str, list[Path]]:
    """Draw figures; return those of each trial by its key, and under `""` those of the request."""
    if record is None:
        return {}
    from ..figures.request import draw_request, draw_rotations, draw_trial

    folder = workspace.home / "figures" / request.stem
    plain = record.to_json()
    of_request = draw_request(plain, request.task, folder)
    figures = {"": [of_request, *draw_rotations(plain, request.task, folder)]}
    drawn: set[str] = set()
    for outcome in outcomes:
        # One seed of each condition is enough to look at.
        names = {condition.name for condition in outcome.trial.conditions}
        if outcome.result is not None and not names <= drawn:
            drawn |= names
            figures[outcome.trial.key] = draw_trial(
                outcome.result, request.task, request.view, request.model, workspace, folder
            )
    return figures


def _delivery(
    concluded: Conclusion, workspace: Workspace, group: Mapping[str, Any] | None
) -> RequestDelivery:
    request, record = concluded.request, concluded.record

    def relative(key: str) -> tuple[str, ...]:
        paths = concluded.figures.get(key, ())
        return tuple(str(path.relative_to(workspace.home)) for path in paths)

    by_key = {o.trial.key: o for o in (*concluded.outcomes, *concluded.floors)}
    return RequestDelivery(
        digest=request.digest,
        name=f"{request.model.name} on {request.task.name}, {request.dataset.name}",
        experiment=f"glassbench/{request.task.name}",
        record=None if record is None else f"{workspace.records.name}/{request.stem}.json",
        content="" if record is None else record_digest(record),
        trials=tuple(
            TrialDelivery(key, o.trial.name, o.trial.to_json(), o.error, relative(key))
            for key, o in by_key.items()
        ),
        figures=relative(""),
        group=group,
    )


def _plain(delivered: Delivered) -> dict[str, Any]:
    return {
        "uri": delivered.uri,
        "run_id": delivered.run_id,
        "delivered": delivered.delivered,
        "message": delivered.message,
    }
