"""By which key a result is known: what went in, and the code that made it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .cache_file import FORMAT
from .source_digest import PLUGIN, source_digest


def method_key(method: Callable, parameters: Mapping[str, Any]) -> str | None:
    """Return the key of what an object's method computes; the class of the object counts too.

    A method that is inherited calls what its class has overridden. The name of a plugin's
    package, which is made from its whole folder, counts as well, since a method may read a
    file beside it. None where a parameter is no number, text, or list of these.
    """
    owner = type(getattr(method, "__self__", None))
    described = {
        "class": [owner.__module__, owner.__qualname__],
        "source of the class": source_digest(owner.__module__),
        **parameters,
    }
    try:
        return key_of(method, (), described)
    except (TypeError, ValueError):
        return None


def key_of(
    function: Callable, arrays: Sequence[np.ndarray | None], parameters: Mapping[str, Any]
) -> str:
    """Return the sha256 by which a result is known."""
    digest = hashlib.sha256()
    head = {
        "format": FORMAT,
        "versions": [np.__version__, _scipy_version()],
        "function": f"{_module_name(function)}:{function.__qualname__}",
        "source": source_digest(function.__module__),
        "parameters": parameters,
    }
    digest.update(json.dumps(head, sort_keys=True, allow_nan=False, default=_refused).encode())
    for array in arrays:
        if array is None:
            digest.update(b"none;")
            continue
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(array)
    return digest.hexdigest()


@functools.cache
def _scipy_version() -> str:
    from importlib.metadata import version

    return version("scipy")


def _module_name(function: Callable) -> str:
    # The package of a plugin is named after its digest, which its source stands for already.
    top, _, rest = function.__module__.partition(".")
    return rest if top.startswith(PLUGIN) else function.__module__


def _refused(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"a parameter is {value!r}: numbers, text and lists of these are told apart by the cache; "
        "hand arrays on by position"
    )
