"""The plan of a sweep, made from requests and stored in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...contract.model_card import ModelCard
from ...home.workspace import Workspace
from ...model import Condition
from ..request import FLOOR_SEED, BenchmarkRequest, Floor, reference_of
from .estimates import with_estimates
from .plan import (
    Needs,
    PlanError,
    Series,
    SweepPlan,
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
    series = [series_of(r.model, r.hyperparameters, r.seeds, r.conditions) for r in requests]
    series += [floor_series(floor, first.conditions) for floor in floors.values()]
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


def series_of(
    card: ModelCard,
    hyperparameters: Mapping[str, Any],
    seeds: tuple[int, ...],
    conditions: tuple[Condition, ...],
) -> Series:
    """Return the series of a model; a trial needs what the model's card says."""
    resources = card.resources
    memory = round(resources.get("memory_gb", 0.0) * 1e9)
    needs = Needs(max(1, round(resources["cpus"])), resources["gpus"], memory)
    return Series(reference_of(card), hyperparameters, seeds, conditions, needs=needs)


def floor_series(floor: Floor, conditions: tuple[Condition, ...]) -> Series:
    """Return the series of a floor."""
    return Series(
        reference_of(floor.card), floor.hyperparameters, (FLOOR_SEED,), conditions, floor=True
    )


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
