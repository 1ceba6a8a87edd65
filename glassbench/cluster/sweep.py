"""A sweep: hundreds or thousands of trials from one plan, and one record for each model."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..model_card import ModelCard, read_model_card
from ..plan import ModelReference, Trial
from ..registry import hyperparameters_for
from ..results import read_result, write_json
from ..sweep import Needs, Series, SweepPlan, with_trials
from ..sweep.estimates import Estimates, history, with_estimates
from ..sweep.locate import located
from ..sweep.plan_file import read_plan, write_plan
from ..sweep.state import Standing, standings
from ..sweep.summary import summary_of
from ..task import Task, read_task
from ..tracking import end_preparation, prepare_store
from ..workspace import Workspace
from .benchmark import FLOOR_SEED, BenchmarkRequest, RunReport, conclude, hand_over
from .events import Event, Outcome
from .execute import execute
from .lock import holder_of
from .terms import Terms
from .worker import RUN_TRIAL

# Trials that are expected to be shorter share a process with others of their model.
SHORT = 60.0


@dataclass(frozen=True)
class SweepReport:
    """What a sweep came to.

    Attributes
    ----------
    reports : by position of the series in the plan, as `glassbench run` makes one
    outcomes : every trial, in the order of the plan
    summary : what `sweep.summary.summary_of` says, which stands in `summary_path` too
    """

    plan: SweepPlan
    plan_path: Path
    reports: Mapping[int, RunReport]
    outcomes: list[Outcome]
    summary: Mapping[str, Any]
    summary_path: Path


def plan_of_requests(
    requests: Sequence[BenchmarkRequest], workspace: Workspace, retries: int
) -> SweepPlan:
    """Return the plan that does several requests of one task and dataset together.

    Floors stand once, for all models. The longest trials start first, as far as the
    workspace's history tells.
    """
    first = requests[0]
    models = [_series(r.model, r.hyperparameters, r) for r in requests]
    floors = {card.digest: card for request in requests for card in request.floors}
    series = models + [
        _series(
            card,
            hyperparameters_for(card, first.task.name, first.dataset.name, {}),
            replace(first, seeds=(FLOOR_SEED,)),
            floor=True,
        )
        for card in floors.values()
    ]
    names = ", ".join(request.model.name for request in requests)
    plan = SweepPlan(
        name=f"{names} on {first.task.name}, {first.dataset.name}",
        task=first.task.name,
        task_folder=str(first.task.folder),
        protocol_version=first.task.protocol_version,
        dataset=first.dataset,
        series=tuple(series),
        planned=(),
        retries=retries,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    cards = [r.model for r in requests] + list(floors.values())
    hints = {c.digest: 60 * c.resources["minutes"] for c in cards if "minutes" in c.resources}
    return with_estimates(with_trials(plan), Estimates(history(workspace)), hints)


def plan_path(plan: SweepPlan, workspace: Workspace) -> Path:
    """Return where the plan lies unless it is told to lie elsewhere: equal sweeps share it."""
    words = (plan.task, plan.dataset.name, plan.digest[:8])
    return workspace.sweeps / f"{'-'.join(words)}.json"


def open_plan(path: Path, workspace: Workspace) -> SweepPlan:
    """Return the plan in a file, with the places that its parts have on this machine.

    Raises
    ------
    PlanError
        If it cannot be read, or a model or the dataset has changed since.
    """
    return located(read_plan(path), workspace, _digest_of)


def store_plan(path: Path, plan: SweepPlan) -> SweepPlan:
    """Write a plan where there is none yet; return the one that is there.

    The same sweep, asked for again, goes on in the order in which it began.

    Raises
    ------
    PlanError
        If another plan lies there.
    """
    from ..sweep.plan_file import PlanError

    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size:
            there = read_plan(path)
            if there.digest != plan.digest:
                raise PlanError(
                    f"{path} holds another plan, {there.name}: give another plan=, or go on with "
                    f"that one by `glassbench sweep plan={path}`"
                )
            seconds = {p.key: p for p in plan.planned}
            order = tuple(replace(seconds[p.key], seconds=p.seconds) for p in there.planned)
            return replace(plan, planned=order, retries=there.retries, created=there.created)
    write_plan(path, plan)
    return plan


def run_sweep(
    plan: SweepPlan,
    path: Path,
    workspace: Workspace,
    on_event: Callable[[Event], None] = lambda event: None,
    *,
    cluster: str = "auto",
    threads: int | None = None,
    run: str = RUN_TRIAL,
) -> SweepReport:
    """Run a plan to its end: every trial, then records, summary and delivery to MLflow.

    What is finished is not done again, and what another driver of the same plan runs is
    left to it, so that any number of them end with the same. A trial that fails for good
    does not stop the others.

    Raises
    ------
    ClusterError
        If the cluster cannot be reached.
    KeyboardInterrupt
        After the workers have been stopped.
    """
    preparation = prepare_store(workspace)
    try:
        outcomes = execute(
            plan.trials,
            workspace,
            cluster=cluster,
            on_event=on_event,
            max_failures=plan.retries,
            cpus_per_trial=threads,
            run=run,
            terms=terms_of(plan),
        )
        return _conclude(plan, path, workspace, outcomes)
    except BaseException:
        end_preparation(preparation)
        raise


def terms_of(plan: SweepPlan) -> Terms:
    """Return the terms on which the trials of a plan run."""
    needs = {series.model.digest: series.needs for series in plan.series}
    short = {p.key for p in plan.planned if p.seconds is not None and p.seconds <= SHORT}
    return Terms(
        needs=lambda trial: needs[trial.model.digest],
        reused=lambda trial: trial.floor or trial.key in short,
        keep_results=False,
        defer=True,
    )


def plan_standings(plan: SweepPlan, workspace: Workspace) -> list[Standing]:
    """Return where each trial of a plan stands, whoever runs it."""
    return list(standings(plan, workspace, holder_of))


def _series(
    card: ModelCard,
    hyperparameters: Mapping[str, Any],
    request: BenchmarkRequest,
    floor: bool = False,
) -> Series:
    needs = Needs(
        cpus=max(1, round(card.resources["cpus"])),
        gpus=card.resources["gpus"],
        memory_bytes=round(card.resources.get("memory_gb", 0.0) * 1e9),
    )
    return Series(
        model=ModelReference(card.name, str(card.folder), card.digest, card.conditions_per_fit),
        hyperparameters=hyperparameters,
        seeds=request.seeds,
        conditions=request.conditions,
        floor=floor,
        needs=Needs() if floor else needs,
    )


def _conclude(
    plan: SweepPlan, path: Path, workspace: Workspace, outcomes: list[Outcome]
) -> SweepReport:
    """Make the records of all series, and deliver them together."""
    task = read_task(Path(plan.task_folder))
    by_key = {p.key: outcome for p, outcome in zip(plan.planned, outcomes, strict=True)}
    floors = [series for series in plan.series if series.floor]
    own_floors = {
        series.model.digest: _ended(plan.trials_of(series), by_key, workspace) for series in floors
    }
    concluded = {}
    for position, series in enumerate(plan.series):
        # A record is of the standard use of a dataset alone.
        if series.floor or not series.variation.is_standard:
            continue
        request = _request(plan, series, task, floors)
        beside = [o for card in request.floors for o in own_floors[card.digest]]
        own = _ended(plan.trials_of(series), by_key, workspace)
        concluded[position] = conclude(request, workspace, own, beside, draw_trials=False)
    records = {place: each.record for place, each in concluded.items()}
    failed = [
        {"name": o.trial.name, "key": o.trial.key, "error": o.error}
        for o in outcomes
        if not o.finished
    ]
    summary = summary_of(plan, task, records, len(outcomes) - len(failed), failed)
    summary_path = workspace.sweeps / f"{plan.digest[:16]}-summary.json"
    write_json(summary_path, summary)
    group = {
        "digest": plan.digest,
        "name": plan.name,
        "files": [_beneath(file, workspace) for file in (path, summary_path)],
    }
    reports = hand_over(list(concluded.values()), workspace, group)
    return SweepReport(
        plan, path, dict(zip(concluded, reports, strict=True)), outcomes, summary, summary_path
    )


def _beneath(file: Path, workspace: Workspace) -> str:
    """Return a file's path relative to the workspace, absolute where it lies elsewhere."""
    file = file.absolute()
    return str(file.relative_to(workspace.home) if file.is_relative_to(workspace.home) else file)


def _request(
    plan: SweepPlan, series: Series, task: Task, floors: Sequence[Series]
) -> BenchmarkRequest:
    return BenchmarkRequest(
        task=task,
        dataset=plan.dataset,
        model=read_model_card(Path(series.model.folder)),
        conditions=series.conditions,
        hyperparameters=series.hyperparameters,
        seeds=series.seeds,
        floors=tuple(
            read_model_card(Path(floor.model.folder))
            for floor in floors
            if floor.model.digest != series.model.digest
        ),
    )


def _ended(
    trials: Sequence[Trial], by_key: Mapping[str, Outcome], workspace: Workspace
) -> list[Outcome]:
    """Return the outcomes of some trials with their results, which are read from disk.

    What a fit told epoch by epoch stays there: of thousands of trials it fills the memory.
    """
    found = []
    for trial in trials:
        outcome = by_key[trial.key]
        if outcome.finished:
            outcome = _read(outcome, workspace)
        found.append(replace(outcome, trial=trial))
    return found


def _read(outcome: Outcome, workspace: Workspace) -> Outcome:
    key = outcome.trial.key
    try:
        result = read_result(workspace, key)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        folder = workspace.trial_folder(key)
        words = f"its stored result is unreadable ({error!r}): delete {folder} to run it again"
        return replace(outcome, error=words)
    if result is None:
        return replace(outcome, error="its result was removed while the sweep went on")
    return replace(outcome, result=replace(result, history=()))


def _digest_of(task: Task, path: Path) -> str:
    from ..datasets.view import open_view

    return open_view(task, path).digest
