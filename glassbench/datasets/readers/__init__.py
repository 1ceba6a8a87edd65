"""Readers of published formats; each holds `plan`, `read_structure` and `read`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..errors import SourceError

KINDS = ("bapst", "botan", "roadmap")


def reader_of(kind: str) -> ModuleType:
    """Return the module that reads a published format.

    Raises
    ------
    SourceError
        If no such format is known.
    """
    if kind not in KINDS:
        raise SourceError(f"format `{kind}` is not known: there are {', '.join(KINDS)}")
    return import_module(f"{__name__}.{kind}")


__all__ = ["KINDS", "reader_of"]
