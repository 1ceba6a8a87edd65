"""What was computed from structures, kept on disk by content, for every process that asks.

An entry is known by the arrays that went in, the parameters, and the source of the code
that made it, so that it is never out of date: what changes is another entry. It appears
whole or not at all; one that is damaged is made anew. Where several processes ask for one at
once, one computes it. The longest unused are dropped when the
folder grows beyond its limit. Nothing is kept unless `kept_in` says where: a submission that
nobody trusts has no cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .cache_file import read_arrays, write_arrays
from .cache_key import key_of

SIZE_VARIABLE = "GLASSBENCH_CACHE_GB"
FOLDER_VARIABLE = "GLASSBENCH_CACHE"
DEFAULT_GB = 20.0
WORTH = 0.05
SUFFIX = ".arrays"
PARTIAL, LOCK = ".partial", ".lock"
# Seconds to wait for another process that computes the same.
PATIENCE = 600.0
# Seconds after which nobody writes at a partial file any more.
ABANDONED = 3600.0
# What is written between two looks at the size of the whole.
LOOK_EVERY = 1 / 16

logger = logging.getLogger("glassbench.home.cache")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Usage:
    """How much a cache holds: files and bytes, and the limit in bytes."""

    files: int
    size: int
    limit: int


class Cache:
    """A folder of arrays by key.

    Parameters
    ----------
    limit : bytes that it may hold; what is written between two looks comes on top
    worth : seconds; what is computed sooner is not kept, since reading it takes as long
    """

    def __init__(self, folder: Path, limit: int | None = None, worth: float = WORTH) -> None:
        self.folder, self.worth = folder, worth
        self.limit = limit_from_environment() if limit is None else limit
        self._written = self.limit

    def get(self, key: str, compute: Callable[[], Arrays]) -> Arrays:
        """Return the arrays of a key, read-only, computed where they are not there yet.

        Where another process computes them, this one waits for it.
        """
        found = self.read(key)
        if found is not None:
            return found
        with self._alone(key):
            found = self.read(key)
            if found is not None:
                return found
            began = time.perf_counter()
            arrays = {name: np.array(array, order="C") for name, array in compute().items()}
            took = time.perf_counter() - began
            for array in arrays.values():
                array.flags.writeable = False
            if took >= self.worth:
                self.write(key, arrays)
        return arrays

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Let one process at a time compute a key; the kernel frees it when its holder dies.

        A holder that takes very long, or a file system without locks, lets two compute it.
        """
        path = self._path(key).with_suffix(LOCK)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "w")
        except OSError:
            yield
            return
        with file:
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.02)
                except OSError:
                    break
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    path.unlink()

    def read(self, key: str) -> Arrays | None:
        """Return the arrays of a key, or None where there are none, or damaged ones."""
        path = self._path(key)
        try:
            arrays = read_arrays(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return arrays

    def write(self, key: str, arrays: Arrays) -> None:
        """Keep the arrays of a key; they appear whole, on disk, or not at all."""
        path = self._path(key)
        partial = path.with_name(f"{key}.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL}")
        if sum(array.nbytes for array in arrays.values()) > self.limit:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(partial, "xb") as file:
                size = write_arrays(file, arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            self._forgo(error)
            return
        self._written += size
        if self._written > LOOK_EVERY * self.limit:
            self._written = 0
            self.shrink()

    def _forgo(self, error: OSError) -> None:
        """Go on without: a disk that is full costs what is computed twice, not the trial."""
        if self.limit:
            logger.warning("nothing more is kept in the cache %s: %s", self.folder, error)
        self.limit = 0

    def shrink(self) -> None:
        """Drop the longest unused until the rest is within the limit, and what crashes left."""
        entries, total = [], 0
        for path, facts in self._files():
            if path.name.endswith((PARTIAL, LOCK)):
                _drop_left_over(path, facts)
                continue
            entries.append((facts.st_mtime, facts.st_size, path))
            total += facts.st_size
        for _, size, path in sorted(entries, key=lambda entry: entry[0]):
            if total <= self.limit:
                break
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            total -= size

    def usage(self) -> Usage:
        """Return how much there is."""
        sizes = [facts.st_size for _, facts in self._files()]
        return Usage(len(sizes), sum(sizes), self.limit)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{SUFFIX}"

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat()


def limit_from_environment() -> int:
    """Return the bytes that $GLASSBENCH_CACHE_GB allows, 20 GB unless it says otherwise."""
    return round(float(os.environ.get(SIZE_VARIABLE) or DEFAULT_GB) * 1e9)


def folder_from_environment(usual: Path) -> Path:
    """Return $GLASSBENCH_CACHE, such as a fast disk of the machine, or the usual folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser().absolute() if named else usual


_current: ContextVar[Cache | None] = ContextVar("glassbench_cache", default=None)


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[Cache]:
    """Keep what `cached` computes in a folder, for the length of a `with` block."""
    cache = Cache(folder_from_environment(folder))
    token = _current.set(cache)
    try:
        yield cache
    finally:
        _current.reset(token)


def cached(
    function: Callable[..., np.ndarray | Mapping[str, np.ndarray]],
    *arrays: np.ndarray | None,
    **parameters: Any,
) -> Any:
    """Return `function(*arrays, **parameters)`, computed once for all processes and trials.

    The result does not change as long as arrays (values, shapes and types), parameters and
    the source of the function's module, and of what that imports of GlassBench or of the
    plugin, are the same. The function must depend on nothing else.

    Parameters
    ----------
    function : of a module; returns an array, or arrays by name
    arrays : what it is computed from, such as positions, species and box
    parameters : numbers, text, and lists of these; no objects

    Returns
    -------
    array or arrays by name, read-only; computed anew where no cache is kept

    Raises
    ------
    TypeError
        If a parameter is none of these.
    """
    cache = _current.get()
    if cache is None:
        return function(*arrays, **parameters)
    key = key_of(function, arrays, parameters)
    single: list[bool] = []

    def compute() -> Arrays:
        result = function(*arrays, **parameters)
        single.append(not isinstance(result, Mapping))
        return {"": result} if single[0] else dict(result)

    found = cache.get(key, compute)
    return found[""] if list(found) == [""] else found


def current_cache() -> Cache | None:
    """Return the cache that is kept here, None where none is."""
    return _current.get()


def _drop_left_over(path: Path, facts: os.stat_result) -> None:
    """Remove what a killed process was writing, once nobody can be writing it any more."""
    if time.time() - facts.st_mtime > ABANDONED:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
