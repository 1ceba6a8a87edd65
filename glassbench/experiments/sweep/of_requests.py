"""The plan of a sweep: made from requests, kept in a file, opened again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...home.workspace import Workspace
from ..request import FLOOR_SEED, BenchmarkRequest, reference_of
from . import Needs, PlanError, Series, SweepPlan, read_plan, with_trials, write_plan
from .estimates import Estimates, history, with_estimates
from .locate import located

if TYPE_CHECKING:
    from ...contract.model_card import ModelCard
    from ...contract.task import Task


def plan_of_requests(
    requests: Sequence[BenchmarkRequest], workspace: Workspace, retries: int
) -> SweepPlan:
    """Return the plan that does several requests of one task and dataset together.

    Floors stand once, for all models. The longest trials start first, as far as the
    workspace's history tells.
    """
    first = requests[0]
    models = [_series(r.model, r.hyperparameters, r) for r in requests]
    floors = {floor.card.digest: floor for request in requests for floor in request.floors}
    series = models + [
        _series(
            floor.card,
            floor.hyperparameters,
            replace(first, seeds=(FLOOR_SEED,)),
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
        planned=(),
        retries=retries,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    cards = [r.model for r in requests] + [floor.card for floor in floors.values()]
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
        model=reference_of(card),
        hyperparameters=hyperparameters,
        seeds=request.seeds,
        conditions=request.conditions,
        floor=floor,
        needs=Needs() if floor else needs,
    )


def _digest_of(task: Task, path: Path) -> str:
    from ...datasets.view import open_view

    return open_view(task, path).digest
