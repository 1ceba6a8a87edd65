"""Transfer: a model is trained at one value of an axis of conditions and tested at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...model import Condition
from .declaration import Setting, StudyError, Subject

if TYPE_CHECKING:
    from ...datasets.view import View

# Conditions that differ by fewer decades count as alike.
ALIKE = 0.5


def trained_at(axis: str, subject: Subject, values: Sequence[str]) -> list[Setting]:
    """Return one setting for each value of the axis at which the model is trained."""
    axes = [each.name for each in subject.task.axes]
    if axis not in axes:
        raise StudyError(f"task {subject.task.name} has no axis {axis}: it has {', '.join(axes)}")
    available = sorted({condition[axis] for condition in subject.conditions})
    if len(available) < 2:
        raise StudyError(_too_few(axis, subject, available[0]))
    chosen = [_match(text, available, axis) for text in values] or available
    return [Setting(f"{value:g}", value) for value in dict.fromkeys(chosen)]


def alike(axis: str, subject: Subject) -> list[tuple[Condition, ...]]:
    """Return the groups of conditions between which a model is transferred.

    A group has one condition for each value of the axis and the same values on all others;
    where states relax at different rates, times are the nearest in units of the relaxation
    time, within half a decade.

    Raises
    ------
    StudyError
        If no condition has one like it at another value.
    """
    values = sorted({condition[axis] for condition in subject.conditions})
    groups = []
    for start in (c for c in subject.conditions if c[axis] == values[0]):
        group = [start]
        for value in values[1:]:
            others = [c for c in subject.conditions if c[axis] == value]
            decades = {c: _decades(c, start, axis, subject.view) for c in others}
            nearest = min(decades, key=decades.__getitem__)
            if decades[nearest] <= ALIKE:
                group.append(nearest)
        if len(group) > 1:
            groups.append(tuple(group))
    if not groups:
        raise StudyError(
            f"no condition of dataset {subject.dataset} has one like it at another "
            f"{axis}, within half a decade on all other axes"
        )
    return groups


def _decades(condition: Condition, other: Condition, axis: str, view: View) -> float:
    """Return the distance of two conditions on all axes but one, in decades."""
    total = 0.0
    for name in condition:
        if name == axis:
            continue
        one, two = condition[name], other[name]
        if name == "time":
            relaxations = [view.attribute(c, "tau_alpha") for c in (condition, other)]
            known = [tau for tau in relaxations if tau]
            if len(known) == len(relaxations):
                one, two = one / known[0], two / known[1]
        if one > 0 and two > 0:
            total += abs(math.log10(one / two))
        elif one != two:
            total += math.inf
    return total


def _match(text: str, available: Sequence[float], axis: str) -> float:
    try:
        wanted = float(text)
    except ValueError:
        raise StudyError(f"`{text}` in `values` is not a number") from None
    for value in available:
        if math.isclose(value, wanted, rel_tol=1e-9):
            return value
    raise StudyError(
        f"values: the study has no {axis} {text}: it has "
        f"{', '.join(f'{value:g}' for value in available)}"
    )


def _too_few(axis: str, subject: Subject, value: float) -> str:
    everything = sorted({condition[axis] for condition in subject.view.conditions("train")})
    shown = ", ".join(f"{each:g}" for each in everything)
    if len(everything) > 1:
        return f"one {axis} was asked for, {value:g}, of {shown}: leave `{axis}=` out"
    return (
        f"dataset {subject.dataset} has one {axis} to train at, {shown}: training at one and "
        f"testing at another needs two; `glassbench show {subject.task.name}` names data with more"
    )
