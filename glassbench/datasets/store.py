"""A dataset opened for reading: lazy, one configuration at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from .errors import DatasetError
from .layout import MISSING, SPLITS
from .opening import open_group, open_tree, store_path
from .state import State

OPTIONAL_STRUCTURE = ("inherent_positions", "cage_positions")
HALVES = {
    "propensity": "propensity_half_difference",
    "pair_distance_change": "pair_distance_change_half_difference",
}


def open_dataset(path: Path | str) -> Dataset:
    """Open a store: a zip file, a Zarr directory, or the folder of an imported dataset.

    Raises
    ------
    DatasetError
        If there is none at `path`, or it is not readable.
    """
    return Dataset(store_path(path))


class Dataset:
    """A store on disk. Pickles as its path, so that workers open it themselves."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = open_group(path)
        self.attributes: Mapping[str, object] = dict(self._root.attrs)
        self._states: dict[str, State] = {}

    def __reduce__(self):
        return open_dataset, (self.path,)

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

    @cached_property
    def states(self) -> tuple[str, ...]:
        return tuple(sorted(self._root.group_keys()))

    def state(self, name: str) -> State:
        """Return a state by name.

        Raises
        ------
        DatasetError
            If there is none of that name.
        """
        if name not in self._states:
            if name not in self.states:
                raise DatasetError(
                    f"dataset {self.path} has no state {name}: it has {', '.join(self.states)}"
                )
            self._states[name] = State(name, self._root[name], self.path)
        return self._states[name]

    def tree(self):
        """Return the store as a lazy `xarray.DataTree`."""
        return open_tree(self.path)

    def times(self, state: str) -> np.ndarray:
        """Return the times (T,) float64 of a state."""
        return self.state(state).times

    def configurations(
        self, state: str, split: str | None = None, time: float | None = None
    ) -> np.ndarray:
        """Return the indices of the configurations of a split, with a propensity at `time`."""
        found = self.state(state)
        if split is not None and split not in SPLITS:
            raise DatasetError(f"split `{split}` is not one of {SPLITS}")
        kept = [s != MISSING if split is None else s == split for s in found.splits]
        mask = np.array(kept, dtype=bool)
        if time is not None:
            mask &= found.short("available")[:, self._time_index(found, time)]
        return np.flatnonzero(mask)

    def structure_arrays(self, state: str, index: int) -> dict[str, np.ndarray | str]:
        """Return the static structure of one configuration.

        Returns
        -------
        dict
            `positions` (N, d), `species` (N,) int8, `box` (d,) float64, `configuration`
            its name, and `inherent_positions`, `cage_positions` (N, d) where stored.
        """
        found = self.state(state)
        names = [name for name in OPTIONAL_STRUCTURE if name in found.variables]
        arrays = {name: found.one(name, index) for name in ("positions", "species", *names)}
        for name, values in arrays.items():
            damaged = np.isnan(values).any() if values.dtype.kind == "f" else (values < 0).any()
            if damaged:
                raise self._lost(found, name, index)
        return arrays | {
            "box": found.short("box")[index],
            "configuration": found.configuration_ids[index],
        }

    def propensity(self, state: str, index: int, time: float) -> np.ndarray:
        """Return the propensity (N,) of one configuration at one time."""
        return self._at_time(state, "propensity", index, time)

    def pair_distance_change(self, state: str, index: int, time: float) -> np.ndarray:
        """Return the pair-distance change (P,) on `pairs` at one time."""
        return self._at_time(state, "pair_distance_change", index, time)

    def pairs(self, state: str, index: int) -> np.ndarray:
        """Return the pairs (P, 2) int32 of one configuration, i < j, sorted."""
        found = self.state(state)
        columns = [found.one(name, index) for name in ("pair_first", "pair_second")]
        pairs = np.stack(columns, axis=1).astype(np.int32)
        if (pairs < 0).any():
            raise self._lost(found, "pair_first", index)
        return pairs

    def close_pair_index(self, state: str, index: int) -> np.ndarray:
        """Return the positions (C,) int32 in `pairs` of those that have halves."""
        found = self.state(state)
        positions = found.one("close_pair_index", index)
        if (positions < 0).any():
            raise self._lost(found, "close_pair_index", index)
        return positions

    def has_target(self, state: str, index: int, time: float, target: str) -> bool:
        """Return whether a target is stored for one configuration at one time."""
        found = self.state(state)
        if target not in found.variables:
            return False
        return self._stored(found, target, index, self._time_index(found, time))

    def has_halves(self, state: str, index: int, time: float, target: str = "propensity") -> bool:
        """Return whether the averages over each half of the trajectories are stored."""
        found = self.state(state)
        if HALVES.get(target) not in found.variables:
            return False
        if target == "pair_distance_change" and not found.short("close_pair_count")[index]:
            return False
        return bool(found.short("trajectory_count")[index, self._time_index(found, time)])

    def halves(self, state: str, index: int, time: float, target: str = "propensity") -> np.ndarray:
        """Return the averages over each half of the trajectories.

        Returns
        -------
        (2, N) for `propensity`; (2, C) for `pair_distance_change`, on the pairs
        `pairs(...)[close_pair_index(...)]`

        Raises
        ------
        DatasetError
            If they are not stored; ask `has_halves` first.
        """
        if target not in HALVES:
            raise DatasetError(f"target `{target}` has no halves: there are {sorted(HALVES)}")
        if not self.has_halves(state, index, time, target):
            name = self.state(state).configuration_ids[index]
            raise DatasetError(
                f"dataset {self.path} stores no halves of {target} for configuration {name} of "
                f"{state} at time {time:g}"
            )
        mean = self._at_time(state, target, index, time)
        if target == "pair_distance_change":
            mean = mean[self.close_pair_index(state, index)]
        difference = self._at_time(state, HALVES[target], index, time)
        return np.stack([mean + difference, mean - difference])

    def _at_time(self, state: str, variable: str, index: int, time: float) -> np.ndarray:
        found = self.state(state)
        at = self._time_index(found, time)
        values = found.one(variable, index)[at]
        if np.isnan(values).any():
            if self._stored(found, variable, index, at):
                raise self._lost(found, variable, index)
            raise DatasetError(
                f"`{variable}` of configuration {found.configuration_ids[index]} at time "
                f"{time:g} is not in {self.path}: its file could not be read, or never was there"
            )
        return values

    @staticmethod
    def _stored(state: State, variable: str, index: int, at: int) -> bool:
        stated = "available" if variable == "propensity" else "trajectory_count"
        return bool(state.short(stated)[index, at])

    def _time_index(self, state: State, time: float) -> int:
        near = np.flatnonzero(np.isclose(state.times, time, rtol=1e-6, atol=0))
        if len(near) != 1:
            known = ", ".join(f"{t:g}" for t in state.times)
            raise DatasetError(f"state {state.name} of {self.path} has no time {time:g}: {known}")
        return int(near[0])

    def _lost(self, state: State, variable: str, index: int) -> DatasetError:
        name = state.configuration_ids[index]
        return DatasetError(
            f"`{variable}` of configuration {name} of {state.name} in {self.path} is lost (its "
            "chunk is missing or altered): check with `glassbench data verify`, get a new copy"
        )
