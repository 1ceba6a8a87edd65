"""Closing splits: what nobody may read for the length of a `with` block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CLOSED: ContextVar[frozenset[str]] = ContextVar("closed splits", default=frozenset())


@contextmanager
def closed_splits(*splits: str) -> Iterator[None]:
    """Close splits of every dataset that this thread opens in the block.

    Such a dataset, and its copies in other processes, refuses to read anything of a
    configuration of these splits, for good.
    """
    token = _CLOSED.set(_CLOSED.get() | set(splits))
    try:
        yield
    finally:
        _CLOSED.reset(token)


def splits_closed_now() -> frozenset[str]:
    """Return the splits that a dataset which is opened now keeps closed."""
    return _CLOSED.get()
