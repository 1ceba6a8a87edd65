"""The search space of a model: one distribution for each hyperparameter that may be tuned.

A table `[search_space.<hyperparameter>]` of `model.toml` has one of these forms:

    distribution = "choice",     values = [3, 5, 7]
    distribution = "uniform",    low = 0.1, high = 0.9        (step = 0.1 where only steps count)
    distribution = "loguniform", low = 1e-5, high = 1e-3      (uniform in the logarithm)
    distribution = "integer",    low = 1, high = 8            (both ends included; step = 2)
    distribution = "loginteger", low = 8, high = 512          (uniform in the logarithm)

With `tasks = ["ka_propensity"]` a table counts for these tasks alone, as a length does whose
unit is another elsewhere.

`choice` suits every hyperparameter; `uniform` and `loguniform` those with a fractional
default, `integer` and `loginteger` those with a whole one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .suggest import did_you_mean
from .typed_value import typed_value

if TYPE_CHECKING:
    import numpy as np

FORMS = {
    "choice": ({"values"}, set()),
    "uniform": ({"low", "high"}, {"step"}),
    "loguniform": ({"low", "high"}, set()),
    "integer": ({"low", "high"}, {"step"}),
    "loginteger": ({"low", "high"}, set()),
}
FRACTIONAL, WHOLE = ("uniform", "loguniform"), ("integer", "loginteger")
LOGARITHMIC = ("loguniform", "loginteger")
DIGITS = 4
LARGEST = 2**53
# Jaderberg et al., arXiv:1711.09846: resample sometimes, otherwise step up or down.
RESAMPLED, FACTORS = 0.25, (0.8, 1.2)


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter of a search space.

    Attributes
    ----------
    distribution : key of `FORMS`
    values : of a choice
    low, high : ends, both included
    step : distance of the values that count, from `low` on; None where all count
    tasks : where it is searched; everywhere where empty
    """

    name: str
    distribution: str
    values: tuple[Any, ...] = ()
    low: float | int = 0
    high: float | int = 0
    step: float | int | None = None
    tasks: tuple[str, ...] = ()

    @property
    def count(self) -> int | None:
        """Return the number of values, None where there is no end of them."""
        if self.distribution == "choice":
            return len(self.values)
        if self.distribution in WHOLE:
            return int((self.high - self.low) // (self.step or 1)) + 1
        return None if self.step is None else self._steps + 1

    @property
    def words(self) -> str:
        """Return the dimension as people read it."""
        if self.distribution == "choice":
            return f"{self.name}: one of {', '.join(map(str, self.values))}"
        steps = f" in steps of {self.step:g}" if self.step else ""
        return f"{self.name}: {self.distribution} {self.low:g} to {self.high:g}{steps}"

    @property
    def _steps(self) -> int:
        return 0 if self.step is None else int((self.high - self.low) / self.step + 1e-9)

    def serves(self, task: str) -> bool:
        """Return whether the dimension is searched on a task."""
        return not self.tasks or task in self.tasks

    def contains(self, value: Any) -> bool:
        """Return whether a value lies in the dimension."""
        if self.distribution == "choice":
            return value in self.values
        return self.low <= value <= self.high

    def draw(self, generator: np.random.Generator) -> Any:
        """Return a value; fractional ones have four significant digits, as people write them."""
        if self.distribution == "choice":
            return self.values[int(generator.integers(len(self.values)))]
        if self.distribution == "integer":
            last = int((self.high - self.low) // (self.step or 1))
            return self.low + (self.step or 1) * int(generator.integers(last + 1))
        if self.distribution == "uniform":
            if self.step:
                return self.rounded(self.low + self.step * int(generator.integers(self._steps + 1)))
            return self.rounded(generator.uniform(self.low, self.high))
        drawn = math.exp(generator.uniform(math.log(self.low), math.log(self.high)))
        return self._whole(drawn) if self.distribution == "loginteger" else self.rounded(drawn)

    def explore(self, value: Any, generator: np.random.Generator) -> Any:
        """Return a neighbour of a value, or now and then any value.

        A number is multiplied by 0.8 or 1.2 and kept between the ends, a choice moves one
        place (Jaderberg et al., arXiv:1711.09846, perturb and resample).
        """
        if generator.random() < RESAMPLED or not self.contains(value):
            return self.draw(generator)
        up = int(generator.integers(2))
        if self.distribution == "choice":
            place = self.values.index(value) + (1 if up else -1)
            return self.values[min(max(place, 0), len(self.values) - 1)]
        if self.step or self.distribution == "integer":
            step = self.step or 1
            moved = value + max(step, abs(value) * 0.2 // step * step) * (1 if up else -1)
            kept = min(max(moved, self.low), self.low + ((self.count or 1) - 1) * step)
            return int(kept) if self.distribution == "integer" else self.rounded(kept)
        moved = value * FACTORS[up]
        return self._whole(moved) if self.distribution == "loginteger" else self.rounded(moved)

    def rounded(self, value: float) -> float:
        return min(max(float(f"{value:.{DIGITS}g}"), float(self.low)), float(self.high))

    def _whole(self, value: float) -> int:
        return min(max(round(value), int(self.low)), int(self.high))


def parse_space(
    table: Mapping[str, Any], hyperparameters: Mapping[str, Any], tasks: Sequence[str] = ()
) -> tuple[Dimension, ...]:
    """Return the dimensions that the tables `[search_space.<name>]` describe.

    Parameters
    ----------
    hyperparameters : every hyperparameter of the model with its default, which fixes the type
    tasks : those that the model serves

    Raises
    ------
    ValueError
        If a name, distribution, key or value is wrong; the message names the table.
    """
    return tuple(
        replace(_dimension(name, entry, hyperparameters), tasks=_tasks(name, entry, tasks))
        for name, entry in table.items()
    )


def _dimension(name: str, entry: Any, hyperparameters: Mapping[str, Any]) -> Dimension:
    where = f"[search_space.{name}]"
    if name not in hyperparameters:
        raise ValueError(f"{where}{did_you_mean(name, hyperparameters)}")
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is {entry!r}: a table with `distribution` is wanted")
    kind = entry.get("distribution")
    if not isinstance(kind, str) or kind not in FORMS:
        raise ValueError(f"{where} has distribution {kind!r}{did_you_mean(str(kind), FORMS)}")
    needed, optional = FORMS[kind]
    for key in set(entry) - {"distribution", "tasks"}:
        if key not in needed | optional:
            known = sorted(needed | optional)
            raise ValueError(f"{where} of {kind} has `{key}`{did_you_mean(key, known)}")
    for key in sorted(needed - set(entry)):
        raise ValueError(f"{where}: {kind} needs `{key}`")
    if kind == "choice":
        return _choice(name, entry["values"], hyperparameters[name], where)
    return _range(name, kind, entry, hyperparameters[name], where)


def _tasks(name: str, entry: Mapping, served: Sequence[str]) -> tuple[str, ...]:
    named = entry.get("tasks", [])
    if not isinstance(named, list) or not all(isinstance(task, str) for task in named):
        raise ValueError(f"[search_space.{name}]: tasks is {named!r}: a list of names is wanted")
    for task in named:
        if task not in served:
            raise ValueError(f"[search_space.{name}]: tasks{did_you_mean(task, served)}")
    return tuple(named)


def _choice(name: str, values: Any, default: Any, where: str) -> Dimension:
    if not isinstance(values, list) or not values:
        raise ValueError(f"{where}: values is {values!r}: a list with at least one is wanted")
    try:
        typed = tuple(typed_value(value, default) for value in values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if any(value in typed[:place] for place, value in enumerate(typed)):
        raise ValueError(f"{where} has a value twice: {values!r}")
    return Dimension(name, "choice", values=typed)


def _range(name: str, kind: str, entry: Mapping, default: Any, where: str) -> Dimension:
    wanted = float if kind in FRACTIONAL else int
    if type(default) is not wanted:
        fitting = {float: FRACTIONAL, int: WHOLE}.get(type(default), ("choice",))
        raise ValueError(
            f"{where} is {kind}, and the default of {name} is {default!r}: "
            f"use {' or '.join(fitting)}"
        )
    numbers: dict[str, Any] = {}
    for key in ("low", "high", "step"):
        if key in entry:
            numbers[key] = _number(entry[key], wanted, f"{where}: {key}")
    if not numbers["low"] < numbers["high"]:
        raise ValueError(f"{where}: low {numbers['low']} is not below high {numbers['high']}")
    if kind in LOGARITHMIC and not numbers["low"] > 0:
        raise ValueError(f"{where}: low is {numbers['low']}: a logarithm needs it above 0")
    step = numbers.get("step")
    if step is not None and not 0 < step <= numbers["high"] - numbers["low"]:
        raise ValueError(f"{where}: step {step} is not between 0 and high - low")
    return Dimension(name, kind, **numbers)


def _number(value: Any, kind: type, where: str) -> float | int:
    fits = isinstance(value, int) if kind is int else isinstance(value, int | float)
    if isinstance(value, bool) or not fits or not abs(value) <= LARGEST:
        raise ValueError(f"{where} is {value!r}: a {'whole ' * (kind is int)}number is wanted")
    return kind(value)
