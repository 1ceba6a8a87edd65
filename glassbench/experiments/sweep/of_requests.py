"""The plan of a sweep, made from requests and stored in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ...home.workspace import Workspace
from ..request import FLOOR_SEED, BenchmarkRequest, reference_of
from .estimates import with_estimates
from .plan import (
    PlanError,
    Series,
    SweepPlan,
    needs_of,
    read_plan,
    with_trials,
    write_plan,
)


def plan_of_requests(
    requests: Sequence[BenchmarkRequest], workspace: Workspace, retries: int
) -> SweepPlan:
    """Return the plan of several requests of one task and dataset; each floor stands once."""
    first = requests[0]
    floors = {floor.card.digest: floor for request in requests for floor in request.floors}
    series = [
        Series(
            model=reference_of(request.model),
            hyperparameters=request.hyperparameters,
            seeds=request.seeds,
            conditions=request.conditions,
            needs=needs_of(request.model),
        )
        for request in requests
    ]
    series += [
        Series(
            model=reference_of(floor.card),
            hyperparameters=floor.hyperparameters,
            seeds=(FLOOR_SEED,),
            conditions=first.conditions,
            floor=True,
        )
        for floor in floors.values()
    ]
    names = ", ".join(request.model.name for request in requests)
    plan = SweepPlan(
        name=f"{names} on {first.task.name}, {first.dataset.name}",
        task=first.task.name,
        task_folder=str(first.task.folder),
        protocol_version=first.task.protocol_version,
        dataset=first.dataset,
        series=tuple(series),
        retries=retries,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    cards = [request.model for request in requests]
    cards += [floor.card for floor in floors.values()]
    hints = {c.digest: 60 * c.resources["minutes"] for c in cards if "minutes" in c.resources}
    return with_estimates(with_trials(plan), workspace, hints)


def plan_path(plan: SweepPlan, workspace: Workspace) -> Path:
    """Return the file of a plan where none is given; equal sweeps share it."""
    return workspace.sweeps / f"{plan.task}-{plan.dataset.name}-{plan.digest[:8]}.json"


def store_plan(path: Path, plan: SweepPlan) -> SweepPlan:
    """Write a plan; where the same is there already, return it: it keeps the order it began with.

    Raises
    ------
    PlanError
        If another plan lies there.
    """
    if not path.exists() or not path.stat().st_size:
        write_plan(path, plan)
        return plan
    there = read_plan(path)
    if there.digest != plan.digest:
        raise PlanError(
            f"{path} holds another plan, {there.name}: give another plan=, or continue "
            f"that one by `glassbench sweep plan={path}`"
        )
    return replace(plan, planned=there.planned, retries=there.retries, created=there.created)
