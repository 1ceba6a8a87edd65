"""Which conditions of a dataset a request means."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..model import Condition
from .errors import WordError

RELATIVE_TOLERANCE = 1e-9
FEWEST_ORDERED = 4  # conditions whose rank order says anything


@dataclass(frozen=True)
class AxisChoice:
    """What was asked of one axis: single values, ranges (low, high), or everything."""

    values: tuple[float, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()
    everything: bool = False


def choose_conditions(
    available: Sequence[Condition],
    asked: Mapping[str, AxisChoice],
    default: Mapping[str, Sequence[float]],
    holder: str = "the dataset",
) -> tuple[Condition, ...]:
    """Return the available conditions that are meant, in the order of the dataset.

    Every value that is asked for must exist, together with every value asked of
    the other axes; a range must hold at least one. On an axis without a request,
    the default of the task holds where the dataset has it at the values
    asked for, otherwise everything that is there. Messages name the `holder`.
    """
    if not available:
        raise WordError(f"{holder} holds no condition: make or import the dataset again")
    options = {axis: _options(axis, choice, available, holder) for axis, choice in asked.items()}
    chosen: set[Condition] = set()
    for combination in itertools.product(*options.values()):
        fitting, there = list(available), ""
        for axis, option in zip(options, combination, strict=True):
            left = [condition for condition in fitting if _has(condition, axis, option)]
            if not left:
                raise WordError(
                    f"{holder} has no {axis} {_as_text(option)} at{there}: it has "
                    f"{_values(fitting, axis)} there"
                )
            fitting, there = left, f"{there} {axis} {_as_text(option)}"
        for axis, values in default.items():
            if axis not in asked:
                at_default = [c for c in fitting if any(_has(c, axis, (v, v)) for v in values)]
                fitting = at_default or fitting
        chosen.update(fitting)
    return tuple(condition for condition in available if condition in chosen)


def match_condition(available: Sequence[Condition], wanted: Mapping[str, float]) -> Condition:
    """Return the available condition with the wanted values on all its axes."""
    axes = tuple(available[0]) if available else ()
    if set(wanted) != set(axes):
        given = " ".join(f"{name}={value:g}" for name, value in wanted.items()) or "nothing"
        raise WordError(f"a condition of this dataset names {' and '.join(axes)}; given: {given}")
    choices = {axis: AxisChoice((float(wanted[axis]),)) for axis in axes}
    return choose_conditions(available, choices, {})[0]


def condition_of(available: Sequence[Condition], values: Mapping[str, float]) -> Condition:
    """Return the available condition of these values; an axis of one value may be left out."""
    for axis in available[0]:
        present = {condition[axis] for condition in available}
        values = {axis: present.pop(), **values} if len(present) == 1 else values
    return match_condition(available, values)


def _options(
    axis: str, choice: AxisChoice, available: Sequence[Condition], holder: str
) -> list[tuple]:
    """Return what must each be there: single values and ranges, as (low, high)."""
    if choice.everything:
        return [(float("-inf"), float("inf"))]
    options = [(value, value) for value in choice.values] + list(choice.ranges)
    for option in options:
        if not any(_has(condition, axis, option) for condition in available):
            raise WordError(
                f"{holder} has no {axis} {_as_text(option)}: it has {_values(available, axis)}"
            )
    return options


def _has(condition: Condition, axis: str, option: tuple[float, float]) -> bool:
    value, (low, high) = condition[axis], option
    slack = RELATIVE_TOLERANCE * abs(value)
    return low - slack <= value <= high + slack


def _values(available: Sequence[Condition], axis: str) -> str:
    return ", ".join(f"{value:.10g}" for value in sorted({c[axis] for c in available}))


def _as_text(option: tuple[float, float]) -> str:
    low, high = option
    return f"{low:.10g}" if low == high else f"{low:.10g}..{high:.10g}"
