"""A dataset opened for reading: lazy, one configuration at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import DatasetError
from .layout import MISSING
from .reading import open_group, open_tree, store_path
from .state import State, closed_error

if TYPE_CHECKING:
    from xarray import DataTree

# Attribute of an imported dataset: how many files could not be used.
LEFT_OUT = "left_out"
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


def open_dataset(path: Path | str) -> Dataset:
    """Open a store: a zip file, a Zarr directory, or the folder of an imported dataset."""
    return Dataset(store_path(path))


def describe_dataset(path: Path | str) -> dict[str, Any]:
    """Return name, digest, provenance and the contents of a dataset as plain values."""
    dataset = open_dataset(path)
    states = {}
    for name in dataset.states:
        state = dataset.state(name)
        counts = {split: state.splits.count(split) for split in dict.fromkeys(state.splits)}
        states[name] = {
            **dict(state.attributes),
            "coordinates": {n: state.short(n).tolist() for n in state.coordinates},
            "particles": int(state.array("positions").shape[1]),
            "configurations": counts,
            "variables": list(state.variables),
        }
    about = {"path": str(dataset.path), **dict(dataset.attributes)}
    return about | ({"whole": dataset.whole} if dataset.whole else {}) | {"states": states}


def _open_closed(path: Path, closed: frozenset[str]) -> Dataset:
    with closed_splits(*closed):
        return open_dataset(path)


class Dataset:
    """A store on disk. Pickles as its path, so that workers open it themselves.

    Splits that were closed when it was opened (see `closed_splits`) stay so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = _CLOSED.get()
        self._root = open_group(path)
        self.attributes = self._root.attributes
        self._states: dict[str, State] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_closed, (self.path, self.closed)

    @property
    def name(self) -> str:
        return str(self.attributes["name"])

    @property
    def digest(self) -> str:
        """The content digest that the store states; `verify` recomputes it."""
        digest = self.attributes.get("content_digest")
        if not digest:
            raise DatasetError(f"{self.path} has no content digest: its writing was not finished")
        return str(digest)

    @property
    def whole(self) -> list[int] | None:
        """Configurations that are there, and those of the source, where files were left out."""
        if not self.attributes.get(LEFT_OUT):
            return None
        splits = [split for name in self.states for split in self.state(name).splits]
        return [len(splits) - splits.count(MISSING), len(splits)]

    @cached_property
    def states(self) -> tuple[str, ...]:
        return tuple(sorted(self._root.groups))

    def state(self, name: str) -> State:
        """Return a state by name."""
        if name not in self._states:
            if name not in self.states:
                raise DatasetError(
                    f"dataset {self.path} has no state {name}: it has {', '.join(self.states)}"
                )
            self._states[name] = State(name, self._root.groups[name], self.path, self.closed)
        return self._states[name]

    def tree(self) -> DataTree:
        """Return the store as a lazy `xarray.DataTree`: a node for each state, nothing read yet.

        Dimensions are named, coordinates have values (`configuration` has the names), units
        stand in `attrs["units"]`, packed values are decoded. Pair arrays are padded to the
        longest: -1 in the indices, NaN in the values.
        """
        for split in self.closed:
            raise closed_error(self.path, split)
        tree = open_tree(self.path)
        for name, node in tree.children.items():
            ids = np.array(self.state(name).configuration_ids)
            node.dataset = node.to_dataset().assign_coords(configuration=ids)
        return tree
