"""The file of a plan: JSON, checked against a schema, from which anyone can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from ...contract.errors import UserError
from ...contract.trial_plan import DatasetReference, ModelReference
from ...contract.variation import variation_from_json
from ...home.files import write_json
from ...model import Condition
from .plan import Needs, PlannedTrial, Series, SweepPlan, series_trials

PLAN_VERSION = 1
SCHEMA_FILE = Path(__file__).parents[2] / "contract" / "schemas" / "sweep.schema.json"


class PlanError(UserError):
    """A plan cannot be read or no longer fits what is there; the message says why."""


def write_plan(path: Path, plan: SweepPlan) -> Path:
    """Write a plan so that its file appears whole."""
    plain = plan_to_json(plan)
    _validate(plain, path)
    write_json(path, plain)
    return path


def read_plan(path: Path) -> SweepPlan:
    """Return the plan in a file.

    Raises
    ------
    PlanError
        If the file is missing, is no JSON, breaks the schema, or its trials are not those
        of its series.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise PlanError(f"there is no plan at {path}: `glassbench sweep` makes one") from None
    except ValueError as error:
        raise PlanError(f"the plan {path} is no JSON ({error}): make it again") from error
    _validate(plain, path)
    return plan_from_json(plain, path)


def plan_to_json(plan: SweepPlan) -> dict[str, Any]:
    """Return plain values that `plan_from_json` reads back."""
    places = [
        {trial.key: place for place, trial in enumerate(series_trials(plan, series))}
        for series in plan.series
    ]
    return {
        "plan_version": PLAN_VERSION,
        "name": plan.name,
        "digest": plan.digest,
        "created": plan.created,
        "task": {
            "name": plan.task,
            "protocol_version": plan.protocol_version,
            "folder": plan.task_folder,
        },
        "dataset": asdict(plan.dataset),
        "retries": plan.retries,
        "study": dict(plan.study),
        "series": [_series_to_json(series) for series in plan.series],
        "trials": [
            {
                "key": planned.key,
                "series": planned.series,
                "place": places[planned.series][planned.key],
                "seconds": planned.seconds,
            }
            for planned in plan.planned
        ],
    }


def plan_from_json(plain: Mapping[str, Any], path: Path) -> SweepPlan:
    """Return the plan that `plan_to_json` wrote.

    Raises
    ------
    PlanError
        If a trial is not the one that its series has in that place.
    """
    task = plain["task"]
    plan = SweepPlan(
        name=plain["name"],
        task=task["name"],
        task_folder=task["folder"],
        protocol_version=task["protocol_version"],
        dataset=DatasetReference(**plain["dataset"]),
        series=tuple(map(_series_from_json, plain["series"])),
        planned=(),
        retries=plain["retries"],
        created=plain["created"],
        study=plain["study"],
    )
    trials = [series_trials(plan, series) for series in plan.series]
    keys = [[trial.key for trial in of_series] for of_series in trials]
    planned = []
    for entry in plain["trials"]:
        series, place = entry["series"], entry["place"]
        if series >= len(trials) or place >= len(trials[series]):
            raise PlanError(f"the plan {path} names trial {place} of series {series}: it has none")
        if keys[series][place] != entry["key"]:
            raise PlanError(
                f"the plan {path} was altered, or made by another version of GlassBench: trial "
                f"{trials[series][place].name} has the key {keys[series][place][:8]}, the plan "
                f"says {entry['key'][:8]}; make the plan again"
            )
        planned.append(PlannedTrial(series, trials[series][place], entry["seconds"], entry["key"]))
    lacking = {key for of_series in keys for key in of_series} - {p.key for p in planned}
    if lacking or len({p.key for p in planned}) != len(planned):
        raise PlanError(f"the plan {path} does not hold every trial of its series once")
    return replace(plan, planned=tuple(planned))


def _series_to_json(series: Series) -> dict[str, Any]:
    return {
        "model": asdict(series.model),
        "hyperparameters": dict(series.hyperparameters),
        "seeds": list(series.seeds),
        "conditions": [dict(condition) for condition in series.conditions],
        "floor": series.floor,
        "needs": asdict(series.needs),
        "variation": series.variation.to_json(),
        "label": series.label,
    }


def _series_from_json(plain: Mapping[str, Any]) -> Series:
    return Series(
        model=ModelReference(**plain["model"]),
        hyperparameters=plain["hyperparameters"],
        seeds=tuple(plain["seeds"]),
        conditions=tuple(Condition.of(**values) for values in plain["conditions"]),
        floor=plain["floor"],
        needs=Needs(**plain["needs"]),
        variation=variation_from_json(plain["variation"]),
        label=plain["label"],
    )


def _validate(plain: Any, path: Path) -> None:
    version = plain.get("plan_version") if isinstance(plain, Mapping) else None
    if version != PLAN_VERSION:
        raise PlanError(
            f"{path} is no plan of this GlassBench: plan_version is {version!r}, "
            f"{PLAN_VERSION} is read"
        )
    error = next(iter(_validator().iter_errors(plain)), None)
    if error is not None:
        where = "/".join(map(str, error.instance_path)) or "the plan"
        raise PlanError(f"the plan {path} breaks its schema at {where}: {error.message[:300]}")


@cache
def _validator():
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
