"""A sweep: thousands of trials from one plan, how far they are, and a record for each model."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from ...contract.model_card import read_model_card
from ...contract.task import Task, read_task
from ...contract.trial_plan import Trial
from ...home.files import holder_of, write_json
from ...home.workspace import Workspace
from ...model import Condition
from ...record.parts import ConditionEntry
from ...record.record import Record
from ...tracking.delivery import SweepDelivery
from ...trial.attempt import RUN_TRIAL
from ..conclude import RunReport, conclude, hand_over
from ..jobs import Event, Outcome, failure, stored_outcome
from ..request import BenchmarkRequest, Floor
from ..resources import Terms
from .plan import Series, SweepPlan

# Trials that are expected to take fewer seconds share a process with others of their model.
SHORT = 60.0
DONE, RUNNING, FAILED, WAITING = "done", "running", "failed", "waiting"
STATES = (DONE, RUNNING, FAILED, WAITING)


@dataclass(frozen=True)
class SweepReport:
    """What a sweep came to; `reports` by position of the series, `outcomes` of every trial."""

    plan: SweepPlan
    plan_path: Path
    reports: Mapping[int, RunReport]
    outcomes: list[Outcome]
    summary: dict[str, Any]
    summary_path: Path


def run_sweep(
    plan: SweepPlan,
    path: Path,
    workspace: Workspace,
    execute: Callable[..., list[Outcome]],
    on_event: Callable[[Event], None] = lambda event: None,
    *,
    cluster: str = "auto",
    threads: int | None = None,
    run: str = RUN_TRIAL,
) -> SweepReport:
    """Run a plan to its end: every trial, then records, summary and delivery to MLflow.

    Finished trials are not run again, and those that another driver of the same plan runs
    are left to it, so that all drivers end with the same. A trial that fails does not stop
    the others. `execute` runs trials, as `glassbench.cluster.execute` does.
    """
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


def terms_of(plan: SweepPlan) -> Terms:
    needs = {series.model.digest: series.needs for series in plan.series}
    short = {p.key for p in plan.planned if p.seconds is not None and p.seconds <= SHORT}
    return Terms(
        needs=lambda trial: needs[trial.model.digest],
        reused=lambda trial: trial.floor or trial.key in short,
        keep_results=False,
        defer=True,
    )


def _conclude(
    plan: SweepPlan, path: Path, workspace: Workspace, outcomes: list[Outcome]
) -> SweepReport:
    task = read_task(Path(plan.task_folder)).asked_for(plan.target)
    by_key = {p.key: outcome for p, outcome in zip(plan.planned, outcomes, strict=True)}
    floors = [series for series in plan.series if series.floor]
    own_floors = {
        series.model.digest: _ended(plan.trials_of(series), by_key, workspace) for series in floors
    }
    concluded = {}
    for position, series in enumerate(plan.series):
        if series.floor:
            continue
        request = _request(plan, series, task, floors)
        beside = [o for floor in request.floors for o in own_floors[floor.card.digest]]
        own = _ended(plan.trials_of(series), by_key, workspace)
        concluded[position] = conclude(request, workspace, own, beside, draw_trials=False)
    records = {place: each.record for place, each in concluded.items()}
    summary = summary_of(plan, task, records, outcomes)
    summary_path = workspace.sweeps / f"{plan.digest[:16]}-summary.json"
    write_json(summary_path, summary)
    # Relative to the workspace, where they lie in it.
    home, files = workspace.home, [path.absolute(), summary_path.absolute()]
    inside = [str(f.relative_to(home) if f.is_relative_to(home) else f) for f in files]
    of_sweep = SweepDelivery(plan.digest, plan.name, tuple(inside))
    reports = hand_over(list(concluded.values()), workspace, of_sweep)
    return SweepReport(
        plan, path, dict(zip(concluded, reports, strict=True)), outcomes, summary, summary_path
    )


def summary_of(
    plan: SweepPlan,
    task: Task,
    records: Mapping[int, Record | None],
    outcomes: Sequence[Outcome],
) -> dict[str, Any]:
    """Return a sweep's scores, models by conditions, from the records by position of the series."""
    metric = task.primary_metric.name
    conditions = list(dict.fromkeys(c for series in plan.series for c in series.conditions))
    there = [record for record in records.values() if record is not None]

    def row(name: str, model: str, floor: bool, scores: Mapping[Condition, Any]) -> dict[str, Any]:
        cells = [scores.get(condition) for condition in conditions]
        kept = [cell and {"value": cell.value, "interval": cell.interval} for cell in cells]
        return {"name": name, "model": model, "floor": floor, "scores": kept}

    rows = []
    for position, record in records.items():
        series, own = plan.series[position], [] if record is None else [record]
        scores = _by_condition(own, lambda entry: entry.scores.get(metric))
        rows.append(row(series.name, series.model.name, False, scores))
    models = {each["model"] for each in rows}
    # Records agree about their floors.
    floors = _by_condition(there, lambda entry: {f.model: f for f in entry.floors})
    for name in dict.fromkeys(name for of_condition in floors.values() for name in of_condition):
        if name not in models:
            rows.append(row(name, name, True, {c: f.get(name) for c, f in floors.items()}))
    ceilings = _by_condition(there, lambda entry: entry.ceiling.get(metric))
    heights = [ceilings.get(condition) for condition in conditions]
    failed = [outcome for outcome in outcomes if not outcome.finished]
    return {
        "name": plan.name,
        "digest": plan.digest,
        "task": plan.task,
        "protocol_version": plan.protocol_version,
        "dataset": {"name": plan.dataset.name, "digest": plan.dataset.digest},
        "metric": metric,
        "trials": {"done": len(outcomes) - len(failed), "failed": len(failed)},
        "conditions": [dict(condition) for condition in conditions],
        "rows": rows,
        "ceiling": [None if ceiling is None else ceiling.value for ceiling in heights],
        "failed": [{"name": o.trial.name, "key": o.trial.key, "error": o.error} for o in failed],
    }


def _by_condition(
    records: Iterable[Record], pick: Callable[[ConditionEntry], Any]
) -> dict[Condition, Any]:
    """Return what `pick` takes of each condition's entry, of the first record that has it."""
    values: dict[Condition, Any] = {}
    for record in records:
        for entry in record.conditions:
            values.setdefault(Condition.of(**entry.condition), pick(entry))
    return values


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
            Floor(read_model_card(Path(floor.model.folder)), floor.hyperparameters)
            for floor in floors
            if floor.model.digest != series.model.digest
        ),
    )


def _ended(
    trials: Sequence[Trial], by_key: Mapping[str, Outcome], workspace: Workspace
) -> list[Outcome]:
    """Return the outcomes of trials with their results from disk, without the fits' histories."""
    outcomes = []
    for trial in trials:
        outcome = replace(by_key[trial.key], trial=trial)
        if outcome.finished:
            lost = Outcome(trial, None, "its result was removed while the sweep went on")
            outcome = stored_outcome(workspace, trial) or lost
        if outcome.result is not None:
            outcome = replace(outcome, result=replace(outcome.result, history=()))
        outcomes.append(outcome)
    return outcomes


@dataclass(frozen=True)
class TrialState:
    """Where one trial stands, who runs it or why it failed, and the seconds expected of it."""

    trial: Trial
    series: int
    seconds: float | None
    state: str
    message: str = ""


def trial_states(plan: SweepPlan, workspace: Workspace) -> list[TrialState]:
    """Return where each trial stands, whoever runs it, in the order of the plan."""
    states = []
    for planned in plan.planned:
        folder = workspace.trial_folder(planned.key)
        state, message = WAITING, ""
        if (folder / "result.json").exists():
            state = DONE
        elif (holder := holder_of(folder)) is not None:
            state, message = RUNNING, holder
        elif (error := failure(folder)) is not None:
            state, message = FAILED, error
        trial = plan.trial(planned)
        states.append(TrialState(trial, planned.series, planned.seconds, state, message))
    return states


def counts(states: Iterable[TrialState]) -> dict[str, int]:
    counted = Counter(each.state for each in states)
    return {state: counted[state] for state in STATES}


def seconds_left(
    running: Sequence[float | None], waiting: Sequence[float | None], side_by_side: int
) -> float | None:
    """Return the seconds until the last trial ends, from those expected of each in its order.

    None where nothing is known of what the trials take.
    """
    known = [seconds for seconds in (*running, *waiting) if seconds is not None]
    if not known:
        return None if running or waiting else 0.0
    usual = median(known)
    ends = [usual if seconds is None else seconds for seconds in running]
    ends += [0.0] * max(0, side_by_side - len(ends))
    heapq.heapify(ends)
    for seconds in waiting:
        heapq.heapreplace(ends, ends[0] + (usual if seconds is None else seconds))
    return max(ends)
