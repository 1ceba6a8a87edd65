"""The plan of a sweep: made from requests, with estimates, stored, opened on another machine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from ...contract.errors import UserError
from ...contract.folder_digest import folder_digest
from ...contract.trial_plan import DatasetReference, ModelReference, Trial, reference_of
from ...datasets.view import open_view
from ...home.workspace import Workspace
from ...plugins.datasets import find_dataset
from ...plugins.registry import load_model_card, load_task
from ..request import FLOOR_SEED, BenchmarkRequest, Floor
from ..resources import Needs
from .plan import (
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
    name = ", ".join(request.model.name for request in requests)
    series = [series_of(request) for request in requests]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    floors = floors_by_digest(requests)
    return new_plan(name, requests, series, floors, workspace, retries=retries, created=now)


def floors_by_digest(requests: Sequence[BenchmarkRequest]) -> dict[str, Floor]:
    return {floor.card.digest: floor for request in requests for floor in request.floors}


def new_plan(
    name: str,
    requests: Sequence[BenchmarkRequest],
    series: Sequence[Series],
    floors: Mapping[str, Floor],
    workspace: Workspace,
    **more: Any,
) -> SweepPlan:
    """Return the plan of some series of requests and of the floors; `more` are fields of it."""
    task, dataset, conditions = (requests[0].task, requests[0].dataset, requests[0].conditions)
    cards = [request.model for request in requests] + [floor.card for floor in floors.values()]
    of_floors = [
        Series(reference_of(f.card), f.hyperparameters, (FLOOR_SEED,), conditions, floor=True)
        for f in floors.values()
    ]
    plan = SweepPlan(
        name=f"{name} on {task.name}, {dataset.name}",
        task=task.name,
        task_folder=str(task.folder),
        protocol_version=task.protocol_version,
        dataset=dataset,
        series=(*series, *of_floors),
        target=task.other_target,
        **more,
    )
    hints = {c.digest: 60 * c.resources["minutes"] for c in cards if "minutes" in c.resources}
    return with_estimates(plan, workspace, hints)


def series_of(request: BenchmarkRequest) -> Series:
    resources, model = request.model.resources, reference_of(request.model)
    memory = round(resources.get("memory_gb", 0.0) * 1e9)
    needs = Needs(max(1, round(resources["cpus"])), resources["gpus"], memory)
    about = (request.hyperparameters, request.seeds, request.conditions)
    return Series(model, *about, needs=needs)


def plan_path(plan: SweepPlan, workspace: Workspace) -> Path:
    """Return the file of a plan where none is given; equal sweeps share it."""
    return workspace.sweeps / f"{plan.task}-{plan.dataset.name}-{plan.digest[:8]}.json"


def store_plan(path: Path, plan: SweepPlan) -> SweepPlan:
    """Write a plan; where the same is there already, keep the order that it began with."""
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


def located(plan: SweepPlan, workspace: Workspace) -> SweepPlan:
    """Return a plan with the folders of this machine, where nothing has changed since."""
    folder = Path(plan.task_folder)
    task = load_task(folder if (folder / "task.toml").is_file() else plan.task)
    task = task.asked_for(plan.target)
    if task.protocol_version != plan.protocol_version:
        raise PlanError(
            f"task {task.name} in {task.folder} has protocol {task.protocol_version}, the plan was "
            f"made with {plan.protocol_version}: make a new plan"
        )
    dataset = _unchanged(
        "dataset",
        plan.dataset,
        plan.dataset.path,
        lambda name: find_dataset(task, name, workspace).path,
        lambda path: open_view(task, path).digest,
    )
    here = {}
    for model in {series.model.digest: series.model for series in plan.series}.values():
        found = _unchanged(
            "model", model, model.folder, lambda name: load_model_card(name).folder, folder_digest
        )
        here[model.digest] = replace(model, folder=str(found))
    return replace(
        plan,
        task_folder=str(task.folder),
        dataset=replace(plan.dataset, path=str(dataset)),
        series=tuple(replace(s, model=here[s.model.digest]) for s in plan.series),
    )


def _unchanged(
    kind: str,
    planned: DatasetReference | ModelReference,
    where: str,
    find: Callable[[str], Path],
    digest_of: Callable[[Path], str],
) -> Path:
    """Return where a part of a plan lies here, once it is sure to be what was planned with."""
    path = Path(where)
    if not path.exists():
        try:
            path = find(planned.name)
        except UserError as error:
            raise PlanError(f"the plan's {kind} {planned.name} is not here: {error}") from error
    digest = digest_of(path)
    if digest != planned.digest:
        raise PlanError(
            f"{kind} {planned.name} at {path} has the digest {digest[:15]}, the plan was made "
            f"with {planned.digest[:15]}: it was changed; restore it, or make a new plan"
        )
    return path


def with_estimates(
    plan: SweepPlan, workspace: Workspace, hints: Mapping[str, float] | None = None
) -> SweepPlan:
    """Return the plan with expected seconds, in the order that follows from them.

    `hints` are seconds by digest of the model, where no trial like it has finished.
    """
    seconds, before = history(workspace), {p.key: p.seconds for p in plan.planned}

    def expected(trial: Trial) -> float | None:
        hint = (hints or {}).get(trial.model.digest, before.get(trial.key))
        return seconds.get(likeness(trial.to_json()), hint)

    return with_trials(plan, expected)


def history(workspace: Workspace) -> dict[str, float]:
    """Return the median seconds of the finished trials of a workspace, by their likeness."""
    taken: dict[str, list[float]] = {}
    for path in workspace.trials.glob("??/*/result.json"):
        # A file may be torn by a crash.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            cost, trial = (
                json.loads(path.with_name(name).read_text(encoding="utf-8"))
                for name in ("cost.json", "trial.json")
            )
            seconds = cost.get("fit_seconds", 0.0) + cost.get("predict_seconds", 0.0)
            taken.setdefault(likeness(trial), []).append(seconds)
    return {like: median(seconds) for like, seconds in taken.items()}


def likeness(trial: Mapping[str, Any]) -> str:
    """Return what a trial, as `Trial.to_json` writes it, has in common with others like it."""
    features = [
        trial["task"],
        trial["dataset"]["digest"],
        trial["model"]["name"],
        trial["hyperparameters"],
        trial.get("variation", {}),
        len(trial["conditions"]),
    ]
    return json.dumps(features, sort_keys=True)
