"""What a model may return from `predict`, checked as soon as it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from ..contract.errors import UserError
from ..contract.task import Task
from ..model import Condition, Structure

CONTRACT = "`predict` returns a list with one dict for each structure, arrays by target name"


class PredictionsError(UserError):
    """Predictions do not fit the structures that were asked about."""


@dataclass(frozen=True)
class Asked:
    """Who is asked about what, and whether the task's target must be predicted."""

    model: str
    task: Task
    condition: Condition
    needs_target: bool = True


def checked_answers(
    answers: Any, structures: Mapping[str, Structure], asked: Asked
) -> dict[str, dict[str, np.ndarray]]:
    """Return what `predict` returned by the names of the structures, each array checked."""
    who = f"model {asked.model} at {asked.condition.name}"
    if isinstance(answers, Mapping | np.ndarray | str | bytes) or not hasattr(answers, "__iter__"):
        raise PredictionsError(f"{who} returned {_kind(answers)} from `predict`: {CONTRACT}")
    listed = list(answers)
    if len(listed) != len(structures):
        raise PredictionsError(
            f"model {asked.model} returned {len(listed)} predictions for "
            f"{len(structures)} structures at {asked.condition.name}: {CONTRACT}"
        )
    return {
        name: checked_answer(answer, structure, asked)
        for (name, structure), answer in zip(structures.items(), listed, strict=True)
    }


def checked_answer(answer: Any, structure: Structure, asked: Asked) -> dict[str, np.ndarray]:
    """Return a model's prediction for one structure as finite arrays of real numbers.

    Arrays of float32 stay what they are; all others become float64, so that no rounding
    makes equal what the model told apart.
    """
    where = (
        f"model {asked.model}, configuration {structure.configuration} at {asked.condition.name}"
    )
    if not isinstance(answer, Mapping):
        raise PredictionsError(f"{where}: the prediction is {_kind(answer)}: {CONTRACT}")
    target = asked.task.target
    if asked.needs_target and target not in answer:
        near = get_close_matches(target.lower(), {str(name).lower() for name in answer}, 1, 0.6)
        meant = [name for name in answer if str(name).lower() in near]
        others = ", ".join(f"`{name}`" for name in answer) or "nothing"
        raise PredictionsError(
            f"{where}: there is no prediction of `{target}`, the target of {asked.task.name}, "
            + (f"but one of `{meant[0]}`: rename it" if meant else f"but of {others}")
        )
    counted = {"particle": structure.positions, "pair": structure.pairs}
    lengths = {
        name: len(items)
        for name, target in asked.task.targets.items()
        if (items := counted.get(target.per)) is not None
    }
    return {
        str(name): _checked_array(values, lengths.get(name), f"{where}: `{name}`")
        for name, values in answer.items()
    }


def _checked_array(values: Any, length: int | None, where: str) -> np.ndarray:
    if np.ma.isMaskedArray(values):
        raise PredictionsError(f"{where} is a masked array: every item needs a number")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise PredictionsError(
            f"{where} is {_kind(values)}, which does not become an array ({reason}): return a "
            "numpy array of real numbers"
        ) from error
    if array.dtype.kind not in "biuf":
        raise PredictionsError(f"{where} holds {array.dtype} values, real numbers are wanted")
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = "one axis" if length is None else f"({length},)"
        raise PredictionsError(f"{where} has the shape {array.shape}, {wanted} is wanted")
    small = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    array = array.astype(np.float32 if small else np.float64, copy=False)
    if not np.isfinite(array).all():
        raise PredictionsError(
            f"{where} holds {int((~np.isfinite(array)).sum())} of {array.size} values that are "
            "not finite: every item needs a number"
        )
    return array


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"a {type(value).__name__}"
