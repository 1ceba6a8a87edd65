"""What was computed from structures, kept on disk by content, for every process that asks.

An entry is known by the arrays that went in, the parameters, and the source of the code that
made it, so that it is never out of date: what changes is another entry. It appears whole or not
at all; one that is damaged is made anew. Where several processes ask for one at once, one
computes it. The longest unused are dropped when the folder grows beyond its limit. Nothing is
kept unless `kept_in` says where: a submission that nobody trusts has no cache.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import numpy as np
from filelock import FileLock, Timeout

from ..contract.folder_digest import imported_names
from .files import whole_file

SIZE_VARIABLE = "GLASSBENCH_CACHE_GB"
FOLDER_VARIABLE = "GLASSBENCH_CACHE"
DEFAULT_GB = 20.0
WORTH = 0.05
# Of the files; entries of another format are other entries.
FORMAT = 2
# Seconds to wait for another process that computes the same.
PATIENCE = 600.0
# What is written between two looks at the size of the whole.
LOOK_EVERY = 1 / 16
DAMAGE = (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile)

HOUSE = "glassbench"
PLUGIN = "glassbench_plugin_"
SCIPY_VERSION = importlib.metadata.version("scipy")

logger = logging.getLogger("glassbench.home.cache")

Arrays = dict[str, np.ndarray]


class Cache:
    """A folder of arrays by key.

    Parameters
    ----------
    limit : bytes that it may hold; what is written between two looks comes on top
    worth : seconds; what is computed sooner is not kept, since reading it takes as long
    """

    def __init__(self, folder: Path, limit: int | None = None, worth: float = WORTH) -> None:
        self.folder, self.worth = folder, worth
        usual = float(os.environ.get(SIZE_VARIABLE) or DEFAULT_GB) * 1e9
        self.limit = round(usual) if limit is None else limit
        self._written = self.limit

    def get(self, key: str, compute: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
        """Return the arrays of a key, read-only, computed where no process has done so."""
        if (arrays := self.read(key)) is not None:
            return arrays
        path = self._path(key).with_suffix(".lock")
        with contextlib.ExitStack() as alone:
            # Two compute it where there are no locks, or slow ones.
            with contextlib.suppress(Timeout, OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(path, PATIENCE, poll_interval=0.02, fallback_to_soft=False)
                alone.enter_context(lock)
                alone.callback(path.unlink, missing_ok=True)
            if (arrays := self.read(key)) is not None:
                return arrays
            began = time.perf_counter()
            arrays = {name: np.array(array, order="C") for name, array in compute().items()}
            if time.perf_counter() - began >= self.worth:
                self.write(key, arrays)
        return _read_only(arrays)

    def read(self, key: str) -> Arrays | None:
        """Return the arrays of a key, or None where there are none, or damaged ones."""
        path = self._path(key)
        try:
            # Read whole, with their checksums, and not mapped: on a network a file that another
            # machine removes would take down a process that has it mapped.
            with np.load(path) as file:
                arrays = {name: file[name] for name in file.files}
            os.utime(path)
        except DAMAGE as error:
            if not isinstance(error, FileNotFoundError):
                with contextlib.suppress(OSError):
                    path.unlink()
            return None
        return _read_only(arrays)

    def write(self, key: str, arrays: Arrays) -> None:
        """Keep the arrays of a key; they appear whole, on disk, or not at all."""
        size = sum(array.nbytes for array in arrays.values())
        if size > self.limit:
            return
        try:
            with whole_file(self._path(key)) as partial, open(partial, "wb") as file:
                np.savez(file, **cast(dict[str, Any], arrays))
        except OSError as error:
            # A disk that is full costs what is computed twice, not the trial.
            if self.limit:
                logger.warning("nothing more is kept in the cache %s: %s", self.folder, error)
            self.limit = 0
            return
        self._written += size
        if self._written > LOOK_EVERY * self.limit:
            self._written = 0
            self.shrink()

    def shrink(self) -> None:
        """Drop the longest unused until the rest is within the limit, and what crashes left."""
        files = sorted(self._files(), key=lambda entry: entry[1].st_mtime)
        total = sum(facts.st_size for _, facts in files)
        for path, facts in files:
            if total <= self.limit:
                break
            path.unlink(missing_ok=True)
            total -= facts.st_size

    def usage(self) -> tuple[int, int]:
        """Return how many files there are, and their size in bytes."""
        sizes = [facts.st_size for _, facts in self._files()]
        return len(sizes), sum(sizes)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npz"

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat()


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


def folder_from_environment(usual: Path) -> Path:
    """Return $GLASSBENCH_CACHE, such as a fast disk of the machine, or the usual folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser().absolute() if named else usual


def current_cache() -> Cache | None:
    """Return the cache that is kept here, None where none is."""
    return _current.get()


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
    function : of a module; returns an array, or arrays by name, which are then read-only
    arrays : what it is computed from, such as positions, species and box
    parameters : numbers, text, and lists of these; no objects
    """
    cache = _current.get()
    if cache is None:
        return function(*arrays, **parameters)

    def compute() -> Mapping[str, np.ndarray]:
        result = function(*arrays, **parameters)
        return result if isinstance(result, Mapping) else {"": result}

    by_name = cache.get(key_of(function, arrays, parameters), compute)
    return by_name[""] if list(by_name) == [""] else by_name


def key_of(
    function: Callable[..., Any],
    arrays: Sequence[np.ndarray | None],
    parameters: Mapping[str, Any],
) -> str:
    """Return the sha256 by which the result of a function, or of an object's method, is known."""
    head: dict[str, Any] = {
        "format": FORMAT,
        "versions": [np.__version__, SCIPY_VERSION],
        "function": f"{_plain(function.__module__)}:{function.__qualname__}",
        "source": source_digest(function.__module__),
        "parameters": parameters,
    }
    if (owner := getattr(function, "__self__", None)) is not None:
        # An inherited method calls what its class has overridden. The name of a plugin's package,
        # made from its whole folder, counts, since the method may read a file beside it.
        module, name = type(owner).__module__, type(owner).__qualname__
        head |= {"class": [module, name], "source of the class": source_digest(module)}
    text = json.dumps(head, sort_keys=True, allow_nan=False, default=_plain_number)
    digest = hashlib.sha256(text.encode())
    for array in arrays:
        digest.update(b"none;" if array is None else array_bytes(array))
    return digest.hexdigest()


def array_bytes(array: np.ndarray) -> bytes:
    """Return type, shape and values of an array, for a digest."""
    array = np.ascontiguousarray(array)
    return f"{array.dtype.str} {array.shape};".encode() + array.tobytes()


@functools.cache
def source_digest(module: str) -> str:
    """Return the sha256 over the source of a module and of all that it imports, at any depth.

    Only modules of GlassBench, of the plugin that it belongs to, and, where it belongs to
    neither, of its own top-level package count; other packages are told apart by their
    versions alone, by whoever keeps results. The plugin's name does not count.
    """
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        path = _file_of(name)
        if path is not None:
            files[name] = path
            own = (HOUSE, module.split(".")[0])
            # What keeps results has no part in them; its files have a format of their own.
            imported = (other for other in imported_names(path, name) if other != __name__)
            waiting += [other for other in imported if other.split(".")[0] in own]
    digest = hashlib.sha256()
    for name, path in sorted(files.items(), key=lambda item: _plain(item[0])):
        digest.update(f"{_plain(name)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _plain(name: str) -> str:
    """Return the name of a module; the package of a plugin is named after its digest."""
    top, _, rest = name.partition(".")
    return f"plugin.{rest}" if top.startswith(PLUGIN) else name


def _file_of(name: str) -> Path | None:
    """Return the file of a module, None for a name inside a module, or without source."""
    origin = None
    if name in sys.modules:
        origin = getattr(sys.modules[name], "__file__", None)
    else:
        with contextlib.suppress(ImportError, ValueError, AttributeError):
            origin = getattr(importlib.util.find_spec(name), "origin", None)
    return Path(origin) if origin and origin.endswith(".py") else None


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"a parameter is {value!r}: the cache tells apart numbers, text and lists of these; "
        "hand arrays on by position"
    )


def _read_only(arrays: Arrays) -> Arrays:
    for array in arrays.values():
        array.flags.writeable = False
    return arrays
