"""Hyperparameters: values of the type that their default has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import UserError
from .suggest import did_you_mean

if TYPE_CHECKING:
    from .model_card import ModelCard

ANY_DATASET = "any"
_BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


class HyperparameterError(UserError):
    """A hyperparameter does not exist, or has a value of the wrong type."""


def hyperparameters_for(
    card: ModelCard, task: str, dataset: str, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the hyperparameters of a run: defaults, those of task and dataset, then overrides.

    Defaults under `[defaults.<task>.any]` hold on every dataset of the task. Those of a dataset
    come after them: of `mini` on `mini_temperatures` too, which is of the same size, before
    those that name it in full.

    Parameters
    ----------
    overrides : values, or text as on a command line, which is read as the type of the default

    Raises
    ------
    HyperparameterError
        If the model has no such hyperparameter, or the value does not fit its type.
    """
    chosen = dict(card.hyperparameters)
    of_task = card.defaults.get(task, {})
    family = dataset.split("_")[0]
    for section in dict.fromkeys((ANY_DATASET, family, dataset)):
        for name, value in of_task.get(section, {}).items():
            chosen[name] = typed_value(value, card.hyperparameters[name])
    for name, value in overrides.items():
        if name not in card.hyperparameters:
            raise HyperparameterError(
                f"model {card.name} has no hyperparameter `{name}`"
                f"{did_you_mean(name, card.hyperparameters)}"
            )
        try:
            chosen[name] = typed_value(value, card.hyperparameters[name])
        except ValueError as error:
            raise HyperparameterError(f"model.{name} of {card.name}: {error}") from None
    return chosen


def typed_value(value: Any, default: Any) -> Any:
    """Return `value` as the type of `default`; text is read, other types must fit.

    Integers are admitted where a float is wanted, one element where a list is.

    Raises
    ------
    ValueError
        If the value does not fit; the message names value and type.
    """
    if isinstance(default, list):
        items = value.split(",") if isinstance(value, str) else value
        items = items if isinstance(items, list | tuple) else [items]
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
        return _BOOLEANS.get(text.lower(), text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
