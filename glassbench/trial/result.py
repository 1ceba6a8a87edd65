"""What a finished trial leaves behind, as plain data in a JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ..contract.trial_plan import Trial
from ..home.files import write_json
from ..home.workspace import Workspace
from .rotation import RotationScores

# 2: collective metrics.
RESULT_VERSION = 2


@dataclass(frozen=True)
class Score:
    """One metric at one condition; `None` stands for an undefined value.

    Attributes
    ----------
    value : the aggregate, as the metric's `average` says
    by_configuration : value of each test configuration, in the order of `ConditionScores`
    interval : 95 % cluster-bootstrap interval of an aggregate that is no mean over
        configurations; None where it is one, whose interval follows from them, or undefined
    """

    value: float | None
    by_configuration: tuple[float | None, ...]
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ConditionScores:
    """All metrics at one condition.

    `means` holds the mean over the test configurations of what the primary metric
    compares, `prediction` and `target`.
    """

    condition: Mapping[str, float]
    configurations: tuple[str, ...]
    parents: tuple[str, ...]
    scores: Mapping[str, Score]
    means: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialResult:
    """A finished trial, as `Trial.to_json` wrote it, and what it gave.

    Attributes
    ----------
    history : progress of each epoch, as plain values
    cost : `wall_seconds`, `cpu_seconds`, `gpu_seconds`, `peak_memory_bytes`,
        and `fit_seconds`, `predict_seconds`
    predictions : `path` relative to the trial's folder, and `sha256`
    parameters : number of trained parameters, where the model tells
    transfer : scores at conditions that differ from the fit's on the task's transfer axes
    rotation : by condition, None where one was not probed; empty without a load
    """

    key: str
    trial: Mapping[str, Any]
    conditions: tuple[ConditionScores, ...]
    history: tuple[Mapping[str, Any], ...]
    cost: Mapping[str, int | float]
    predictions: Mapping[str, str]
    parameters: int | None = None
    transfer: tuple[ConditionScores, ...] = ()
    rotation: tuple[RotationScores | None, ...] = ()
    version: int = RESULT_VERSION


_RESULT = TypeAdapter(TrialResult)


def result_path(workspace: Workspace, key: str) -> Path:
    return workspace.trial_folder(key) / "result.json"


def read_result(
    workspace: Workspace, trial: Trial | str, any_version: bool = False
) -> TrialResult | None:
    """Return the result of a finished trial, or None where there is none yet.

    One of an older version lacks metrics of today: the trial is unfinished, and scores its stored
    predictions again.
    """
    path = result_path(workspace, trial if isinstance(trial, str) else trial.key)
    try:
        result = _RESULT.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    return result if any_version or result.version >= RESULT_VERSION else None


def write_result(workspace: Workspace, result: TrialResult) -> Path:
    """Write the result, whole; a trial is finished when this file is there."""
    path = result_path(workspace, result.key)
    write_json(path, asdict(result))
    return path
