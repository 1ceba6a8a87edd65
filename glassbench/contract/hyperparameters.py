"""Hyperparameters: values of the type that their default has, and the space that tuning searches.

A table `[search_space.<hyperparameter>]` of `model.toml` has one of these forms:

    distribution = "choice",     values = [3, 5, 7]
    distribution = "uniform",    low = 0.1, high = 0.9        (step = 0.1 where only steps count)
    distribution = "loguniform", low = 1e-5, high = 1e-3      (uniform in the logarithm)
    distribution = "integer",    low = 1, high = 8            (both ends included; step = 2)
    distribution = "loginteger", low = 8, high = 512          (uniform in the logarithm)

With `tasks = ["ka_propensity"]` a table counts for these tasks alone, as a length does whose
unit is another elsewhere. `choice` suits every hyperparameter; `uniform` and `loguniform` those
with a fractional default, `integer` and `loginteger` those with a whole one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from .checked import Checked, Names, checked
from .errors import did_you_mean

if TYPE_CHECKING:
    import numpy as np

BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def typed_value(value: Any, default: Any) -> Any:
    """Return `value` as the type of `default`; text is read, other types must fit.

    Integers are admitted where a float is wanted, one element where a list is; `[]` is the
    empty list. A ValueError names value and type.
    """
    if isinstance(default, list):
        if isinstance(value, str):
            value = [] if value.strip() == "[]" else value.split(",")
        items = value if isinstance(value, list | tuple) else [value]
        return [typed_value(item, default[0]) for item in items] if default else list(items)
    if isinstance(default, str):
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not text, like {default!r}")
        return value
    read = _read(value.strip(), default) if isinstance(value, str) else value
    if isinstance(default, bool):
        if isinstance(read, bool):
            return read
        raise ValueError(f"{value!r} is neither true nor false")
    if isinstance(read, bool) or not isinstance(read, int | float):
        raise ValueError(f"{value!r} is not a number, like {default!r}")
    if isinstance(default, int):
        if isinstance(read, int):
            return read
        raise ValueError(f"{value!r} is not a whole number, like {default!r}")
    if not math.isfinite(read):
        raise ValueError(f"{value!r} is not finite")
    return float(read)


def _read(text: str, default: Any) -> Any:
    """Return the boolean or number that a text stands for, or the text itself."""
    if isinstance(default, bool):
        return BOOLEANS.get(text.lower(), text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


FRACTIONAL, WHOLE = ("uniform", "loguniform"), ("integer", "loginteger")
LOGARITHMIC = ("loguniform", "loginteger")
DIGITS = 4
LARGEST = 2**53
# Jaderberg et al., arXiv:1711.09846: resample sometimes, otherwise step up or down.
RESAMPLED, FACTORS = 0.25, (0.8, 1.2)

Number = Annotated[int | float, Field(ge=-LARGEST, le=LARGEST)]


class Dimension(Checked):
    """One hyperparameter of a search space, searched everywhere where it names no tasks.

    Both ends count; with a step, so do the values at this distance from `low` on.
    """

    name: str
    distribution: Literal["choice", "uniform", "loguniform", "integer", "loginteger"]
    values: Annotated[tuple[Any, ...], Field(strict=False, min_length=1)] = ()
    low: Number = 0
    high: Number = 0
    step: Number | None = None
    tasks: Names = ()

    @model_validator(mode="after")
    def _has_its_numbers(self) -> Dimension:
        kind, given = self.distribution, self.model_fields_set - {"name", "distribution", "tasks"}
        needed = ["values"] if kind == "choice" else ["low", "high"]
        known = [*needed, *(["step"] if kind in ("uniform", "integer") else [])]
        for key in sorted(given - set(known)):
            raise ValueError(f"{kind} has no `{key}`{did_you_mean(key, known)}")
        for key in needed:
            if key not in given:
                raise ValueError(f"{kind} needs `{key}`")
        if kind == "choice":
            return self
        if not self.low < self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if kind in LOGARITHMIC and not self.low > 0:
            raise ValueError(f"low is {self.low}: a logarithm needs it above 0")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ValueError(f"step {self.step} is not between 0 and high - low")
        return self

    @property
    def count(self) -> int | None:
        """The number of values, None where there is no end of them."""
        if self.distribution == "choice":
            return len(self.values)
        step = self.step or (1 if self.distribution in WHOLE else None)
        return None if step is None else int((self.high - self.low) / step + 1e-9) + 1

    @property
    def words(self) -> str:
        """The dimension as people read it."""
        if self.distribution == "choice":
            return f"{self.name}: one of {', '.join(map(str, self.values))}"
        steps = f" in steps of {self.step:g}" if self.step else ""
        return f"{self.name}: {self.distribution} {self.low:g} to {self.high:g}{steps}"

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
        if self.step or self.distribution == "integer":
            value = self.low + (self.step or 1) * int(generator.integers(self.count or 1))
            return value if self.distribution == "integer" else self.rounded(value)
        if self.distribution == "uniform":
            return self.rounded(generator.uniform(self.low, self.high))
        return self._kept(math.exp(generator.uniform(math.log(self.low), math.log(self.high))))

    def explore(self, value: Any, generator: np.random.Generator) -> Any:
        """Return a neighbour of a value, or now and then any value.

        A number is multiplied by 0.8 or 1.2 and kept between the ends, a choice moves one place.
        """
        if generator.random() < RESAMPLED or not self.contains(value):
            return self.draw(generator)
        up = int(generator.integers(2))
        if self.distribution == "choice":
            index = self.values.index(value) + (1 if up else -1)
            return self.values[min(max(index, 0), len(self.values) - 1)]
        if self.step or self.distribution == "integer":
            step = self.step or 1
            moved = value + max(step, abs(value) * 0.2 // step * step) * (1 if up else -1)
            kept = min(max(moved, self.low), self.low + ((self.count or 1) - 1) * step)
            return int(kept) if self.distribution == "integer" else self.rounded(kept)
        return self._kept(value * FACTORS[up])

    def rounded(self, value: float) -> float:
        """Return a fractional value with few digits, between the ends."""
        return min(max(float(f"{value:.{DIGITS}g}"), float(self.low)), float(self.high))

    def _kept(self, value: float) -> float:
        """Return a value between the ends, whole where the dimension is."""
        if self.distribution in WHOLE:
            return min(max(round(value), int(self.low)), int(self.high))
        return self.rounded(value)


def parse_space(
    table: Mapping[str, Any], hyperparameters: Mapping[str, Any], tasks: Sequence[str] = ()
) -> tuple[Dimension, ...]:
    """Return the dimensions that the tables `[search_space.<name>]` describe.

    The default of a hyperparameter fixes the type; `tasks` are those that the model serves.
    A ValueError names the table with a wrong name, distribution, key or value.
    """
    space = []
    for name, entry in table.items():
        where = f"[search_space.{name}]"
        if name not in hyperparameters:
            raise ValueError(f"{where}{did_you_mean(name, hyperparameters)}")
        if not isinstance(entry, Mapping):
            raise ValueError(f"{where} is {entry!r}: a table with `distribution` is wanted")
        dimension = checked(Dimension, entry, where, name=name)
        for task in dimension.tasks:
            if task not in tasks:
                raise ValueError(f"{where}: tasks{did_you_mean(task, tasks)}")
        try:
            space.append(_typed(dimension, hyperparameters[name]))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    return tuple(space)


def _typed(dimension: Dimension, default: Any) -> Dimension:
    """Return the dimension with its values and ends as the type of the default."""
    kind = dimension.distribution
    if kind == "choice":
        values = tuple(typed_value(value, default) for value in dimension.values)
        if any(value in values[:index] for index, value in enumerate(values)):
            raise ValueError(f"a value stands twice: {list(values)!r}")
        return dimension.model_copy(update={"values": values})
    fitting = {float: FRACTIONAL, int: WHOLE}.get(type(default), ("choice",))
    if kind not in fitting:
        raise ValueError(
            f"the default of {dimension.name} is {default!r}, and the distribution is {kind}: "
            f"use {' or '.join(fitting)}"
        )
    ends = {key: getattr(dimension, key) for key in ("low", "high", "step")}
    numbers = {key: typed_value(end, default) for key, end in ends.items() if end is not None}
    return dimension.model_copy(update=numbers)
