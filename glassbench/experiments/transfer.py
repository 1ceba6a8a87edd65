"""Which conditions are alike, so that a model may be trained at one and tested at the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..contract.conditions import RELATIVE_TOLERANCE
from ..contract.errors import WordError
from ..model import Condition

if TYPE_CHECKING:
    from ..datasets.view import View

# Conditions that differ by fewer decades count as alike.
ALIKE = 0.5


def training_conditions(
    view: View, conditions: Sequence[Condition], trained: Mapping[str, float]
) -> tuple[Condition, ...]:
    """Return the condition at which to train for each that is tested; nothing without `trained`.

    It has the values in `trained`, and is the nearest to the tested one on the other axes, times
    in units of the relaxation time, within half a decade.
    """
    if not trained:
        return ()
    there = view.conditions("train")
    fitting = [
        c
        for c in there
        if all(math.isclose(c[a], v, rel_tol=RELATIVE_TOLERANCE) for a, v in trained.items())
    ]
    words = " ".join(f"{axis}={value:g}" for axis, value in trained.items())
    if not fitting:
        raise WordError(
            f"the training split has nothing at {words}: it has "
            f"{', '.join(condition.name for condition in there)}"
        )
    chosen = []
    for tested in conditions:
        apart = {c: decades_apart(c, tested, view, without=trained) for c in fitting}
        nearest = min(apart, key=apart.__getitem__)
        if apart[nearest] > ALIKE:
            raise WordError(
                f"no training condition at {words} is like {tested.name} within half a decade: "
                f"name one of {', '.join(condition.name for condition in fitting)}"
            )
        if nearest == tested:
            raise WordError(
                f"train words name {tested.name}, which is tested: leave them out, or name "
                "another condition"
            )
        chosen.append(nearest)
    return tuple(chosen)


def decades_apart(
    one: Condition, other: Condition, view: View, without: Mapping[str, float] | Sequence[str]
) -> float:
    """Return the distance of two conditions on all axes but those of `without`, in decades."""
    total = 0.0
    for axis in one:
        if axis in without:
            continue
        first, second = one[axis], other[axis]
        if axis == "time":
            relaxations = (view.attribute(c, "tau_alpha") for c in (one, other))
            known = [tau for tau in relaxations if tau]
            if len(known) == 2:
                first, second = first / known[0], second / known[1]
        if first > 0 and second > 0:
            total += abs(math.log10(first / second))
        elif first != second:
            total += math.inf
    return total
