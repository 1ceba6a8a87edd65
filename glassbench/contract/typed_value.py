"""Hyperparameters: values of the type that their default has."""

from __future__ import annotations

import math
from typing import Any

BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def typed_value(value: Any, default: Any) -> Any:
    """Return `value` as the type of `default`; text is read, other types must fit.

    Integers are admitted where a float is wanted, one element where a list is. A ValueError
    names value and type.
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
        return BOOLEANS.get(text.lower(), text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
