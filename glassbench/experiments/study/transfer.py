"""Studies that train at one condition and test at the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...contract.variation import Variation
from ...model import Condition
from .declaration import Setting, StudyError, Subject

# Decades between conditions that count as alike.
ALIKE = 0.5


@dataclass(frozen=True)
class Transfer:
    """The model is trained at one value of an axis of conditions and tested at all.

    Attributes
    ----------
    over : the axis, `temperature` or `time`
    """

    over: str
    options: Mapping[str, str] = field(default_factory=dict)

    def settings(self, subject: Subject, values: Sequence[str]) -> list[Setting]:
        axes = [axis.name for axis in subject.task.axes]
        if self.over not in axes:
            raise StudyError(
                f"task {subject.task.name} has no axis {self.over}: it has {', '.join(axes)}"
            )
        available = sorted({condition[self.over] for condition in subject.conditions})
        everything = sorted({c[self.over] for c in subject.view.conditions("train")})
        if len(available) < 2:
            raise StudyError(_too_few(self.over, subject, available, everything))
        chosen = [_match(text, available, self.over) for text in values] or available
        return [Setting(f"{value:g}", value) for value in dict.fromkeys(chosen)]

    def groups(self, subject: Subject) -> list[tuple[Condition, ...]]:
        """Return the sets of conditions between which a model is carried over.

        A set has one condition for each value of the axis and the same values on all
        others; where states relax at different rates, times are the nearest in units of
        the relaxation time instead, if there are any within half a decade.

        Raises
        ------
        StudyError
            If no condition has one like it at another value.
        """
        conditions, view = subject.conditions, subject.view
        first = min(condition[self.over] for condition in conditions)
        groups = []
        for start in (c for c in conditions if c[self.over] == first):
            others = sorted({c[self.over] for c in conditions} - {first})
            members = [start]
            for value in others:
                distances = {
                    c: _distance(c, start, self.over, view)
                    for c in conditions
                    if c[self.over] == value
                }
                nearest = min(distances, key=distances.__getitem__)
                if distances[nearest] <= ALIKE:
                    members.append(nearest)
            if len(members) > 1:
                groups.append(tuple(members))
        if not groups:
            raise StudyError(
                f"no condition of dataset {subject.dataset} has one like it at another "
                f"{self.over}, within half a decade on all other axes"
            )
        return groups


def at_value(setting: Setting, group: Sequence[Condition], axis: str) -> Variation:
    """Return the variation that trains at a setting's value within a group."""
    (condition,) = (c for c in group if c[axis] == setting.x)
    return Variation(train_condition=condition)


def _distance(condition: Condition, other: Condition, axis: str, view) -> float:
    """Return how far two conditions are apart on all axes but one, in decades."""
    total = 0.0
    for name in condition:
        if name == axis:
            continue
        one, two = condition[name], other[name]
        if name == "time":
            units = [view.attribute(c, "tau_alpha") for c in (condition, other)]
            if all(units):
                one, two = one / units[0], two / units[1]
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


def _too_few(axis: str, subject: Subject, available, everything) -> str:
    shown = ", ".join(f"{value:g}" for value in everything)
    if len(everything) > 1:
        return f"one {axis} was asked for, {available[0]:g}, of {shown}: leave `{axis}=` out"
    return (
        f"dataset {subject.dataset} has one {axis} to train at, {shown}: training at one and "
        f"testing at another needs two; `glassbench show {subject.task.name}` names data with more"
    )
