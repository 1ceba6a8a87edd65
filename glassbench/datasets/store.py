"""A dataset opened for reading: lazy, one configuration at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import DatasetError
from ..model import OTHER_POSITIONS
from .arrays import state_of
from .layout import MISSING, SPLITS
from .opening import open_group, open_tree, store_path
from .state import State, value_text

if TYPE_CHECKING:
    from xarray import DataTree

# Attribute of an imported dataset: how many files could not be used.
LEFT_OUT = "left_out"
HALF = "_half_difference"
# The short arrays that say, by configuration and condition, whether a variable is there.
PRESENCE = {"propensity": "available", "d2min_repeat": "repeated"}
PRESENCE_BY_DIMENSION = {"time": "trajectory_count", "protocol": "deformed"}
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
        self.attributes: Mapping[str, Any] = dict(self._root.attrs)
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
        return tuple(sorted(self._root.group_keys()))

    def state(self, name: str) -> State:
        """Return a state by name."""
        if name not in self._states:
            if name not in self.states:
                raise DatasetError(
                    f"dataset {self.path} has no state {name}: it has {', '.join(self.states)}"
                )
            self._states[name] = State(name, state_of(self._root, name), self.path)
        return self._states[name]

    def tree(self) -> DataTree:
        """Return the store as a lazy `xarray.DataTree`: a node for each state, nothing read yet.

        Dimensions are named, coordinates have values (`configuration` has the names), units
        stand in `attrs["units"]`, packed values are decoded. Pair arrays are padded to the
        longest: -1 in the indices, NaN in the values.
        """
        for split in self.closed:
            raise self._refusal(split)
        tree = open_tree(self.path)
        for name, node in tree.children.items():
            ids = np.array(self.state(name).configuration_ids)
            node.dataset = node.to_dataset().assign_coords(configuration=ids)
        return tree

    def configurations(self, state_name: str, split: str | None = None) -> np.ndarray:
        """Return the indices of the configurations of a split, or of all that can be read."""
        state = self.state(state_name)
        if split is not None and split not in SPLITS:
            raise DatasetError(f"split `{split}` is not one of {SPLITS}")
        if split in self.closed:
            raise self._refusal(split)
        hidden = {MISSING, *self.closed}
        return np.flatnonzero(
            [s not in hidden if split is None else s == split for s in state.splits]
        )

    def structure_arrays(self, state_name: str, index: int) -> dict[str, Any]:
        """Return the static structure of one configuration.

        `positions` (N, d), `species` (N,) int8, `box` (d,) float64, `configuration` its name,
        and those of `OTHER_POSITIONS` (N, d) that are stored.
        """
        state = self._open_state(state_name, index)
        names = [name for name in OTHER_POSITIONS if name in state.variables]
        arrays = {name: state.one(name, index) for name in ("positions", "species", *names)}
        for name, values in arrays.items():
            damaged = np.isnan(values).any() if values.dtype.kind == "f" else (values < 0).any()
            if damaged:
                raise self._lost(state, name, index)
        return arrays | {
            "box": state.short("box")[index],
            "configuration": state.configuration_ids[index],
        }

    def pairs(self, state_name: str, index: int) -> np.ndarray:
        """Return the pairs (P, 2) int32 of one configuration, i < j, sorted."""
        state = self._open_state(state_name, index)
        columns = [state.one(name, index) for name in ("pair_first", "pair_second")]
        pairs = np.stack(columns, axis=1).astype(np.int32)
        if (pairs < 0).any():
            raise self._lost(state, "pair_first", index)
        return pairs

    def close_pair_index(self, state_name: str, index: int) -> np.ndarray:
        """Return the positions (C,) int32 in `pairs` of those that have halves."""
        state = self._open_state(state_name, index)
        positions = state.one("close_pair_index", index)
        if (positions < 0).any():
            raise self._lost(state, "close_pair_index", index)
        return positions

    def values(
        self, state_name: str, index: int, variable: str, /, **at: float | str
    ) -> np.ndarray:
        """Return a variable of one configuration at values of its coordinates, as `time=16.5`.

        Coordinates that the variable has and that are not given stay as dimensions, those
        that it has not are ignored.
        """
        state = self._open_state(state_name, index)
        where = self._where(state, state.dimensions(variable)[1:], at)
        values = state.one(variable, index)[where]
        if values.dtype.kind == "f" and np.isnan(values).any():
            if self.holds(state_name, index, variable, **at):
                raise self._lost(state, variable, index)
            words = "".join(f" at {name} {value_text(value)}" for name, value in at.items())
            raise DatasetError(
                f"`{variable}` of configuration {state.configuration_ids[index]}{words} is not "
                f"in {self.path}: its file could not be read, or never was there"
            )
        return values

    def shared(self, state_name: str, variable: str, /, **at: float | str) -> np.ndarray:
        """Return an array of the state as a whole, at values of its coordinates; see `values`."""
        state = self.state(state_name)
        return state.short(variable)[self._where(state, state.dimensions(variable), at)]

    def holds(self, state_name: str, index: int, variable: str, /, **at: float | str) -> bool:
        """Return whether a variable is stored for one configuration at these coordinates."""
        state = self.state(state_name)
        if variable not in state.variables:
            return False
        dimensions = state.dimensions(variable)
        stated = PRESENCE.get(variable) or next(
            (short for name, short in PRESENCE_BY_DIMENSION.items() if name in dimensions), None
        )
        if stated is None:
            return True
        where = self._where(state, state.dimensions(stated)[1:], at)
        return bool(np.all(state.short(stated)[index][where]))

    def has_halves(self, state_name: str, index: int, variable: str, /, **at: float | str) -> bool:
        """Return whether the averages over each half of the trajectories are stored."""
        state, name = self.state(state_name), f"{variable}{HALF}"
        if name not in state.variables:
            return False
        on_pairs = state.dimensions(name)[-1] == "close_pair"
        if on_pairs and not state.short("close_pair_count")[index]:
            return False
        return self.holds(state_name, index, name, **at)

    def halves(
        self, state_name: str, index: int, variable: str, /, **at: float | str
    ) -> np.ndarray:
        """Return a variable averaged over each half of the trajectories, or of the time.

        Its shape is (2, N); for pair variables (2, C), on `pairs(...)[close_pair_index(...)]`.
        Ask `has_halves` first whether they are stored.
        """
        state = self.state(state_name)
        if not self.has_halves(state_name, index, variable, **at):
            raise DatasetError(
                f"`{variable}` of configuration {state.configuration_ids[index]} of {state.name} "
                f"in {self.path} has no halves here"
            )
        mean = self.values(state_name, index, variable, **at)
        if state.dimensions(f"{variable}{HALF}")[-1] == "close_pair":
            mean = mean[self.close_pair_index(state_name, index)]
        difference = self.values(state_name, index, f"{variable}{HALF}", **at)
        return np.stack([mean + difference, mean - difference])

    def _open_state(self, name: str, index: int) -> State:
        """Return a state, once it is clear that the configuration's split is not closed."""
        state = self.state(name)
        if self.closed and state.splits[index] in self.closed:
            raise self._refusal(state.splits[index])
        return state

    def _refusal(self, split: str) -> DatasetError:
        return DatasetError(
            f"the {split} split of {self.path} is closed here: this trial is scored on another "
            "split, and nothing of it may be read"
        )

    def _where(
        self, state: State, dimensions: tuple[str, ...], at: Mapping[str, float | str]
    ) -> tuple[int | slice, ...]:
        """Return the index that takes the given coordinates out of the dimensions."""
        return tuple(state.place(d, at[d]) if d in at else slice(None) for d in dimensions)

    def _lost(self, state: State, variable: str, index: int) -> DatasetError:
        name = state.configuration_ids[index]
        return DatasetError(
            f"`{variable}` of configuration {name} of {state.name} in {self.path} is lost (its "
            "chunk is missing or altered): check with `glassbench data verify`, get a new copy"
        )
